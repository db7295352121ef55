import wandb

run = wandb.init(project="lm", id="everything1", resume="must")
for i in range(5):
    run.log({"loss": 10 - i})
run.finish()
