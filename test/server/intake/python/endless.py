import time

import wandb

run = wandb.init(project="lm", id="endless01")
try:
    for i in range(100_000):
        run.log({"loss": i})
        time.sleep(0.02)
except KeyboardInterrupt:
    print("told to stop")
    raise
