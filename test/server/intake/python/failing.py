import wandb

run = wandb.init(project="lm", id="failing01", name="failing")
run.log({"loss": 1})
raise RuntimeError("out of memory")
