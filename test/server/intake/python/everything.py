import math
import pathlib
import tempfile

import numpy
import wandb

run = wandb.init(project="lm", name="everything", id="everything1", config={"lr": 1e-5, "model": {"layers": 2}, "labels": {str(i): f"label number {i}" for i in range(3000)}}, tags=["a", "b" * 50], notes="a note", group="g", job_type="train")
run.define_metric("val/*", step_metric="epoch")
for i in range(200):
    row = {"loss": 1 / (i + 1), "epoch": i / 100, "deep": {"er": {"value": i}}, "__proto__": -i}
    if i % 7 == 0:
        row["val/loss"] = {7: math.nan, 14: math.inf, 21: -math.inf}.get(i, i / 3)
    if i == 5:
        picture = numpy.zeros((4, 4, 3), dtype=numpy.uint8)
        row["picture"] = wandb.Image(picture, caption="black")
        row["pictures"] = [wandb.Image(picture), wandb.Image(picture + 9)]
        row["spread"] = wandb.Histogram([1, 2, 2, 3])
        row["table"] = wandb.Table(columns=["a", "b"], data=[[1, "x"], [2.5, None]])
        row["words"] = "some words"
        row["flag"] = True
    run.log(row)
run.log({"part": 1}, step=300, commit=False)
run.log({"other": 2}, step=300)
run.log({"late": 1}, step=310)
print("printed by the script")
run.config.update({"added": 5})
run.summary["best"] = 0.5
run.alert("look here", "a text")
folder = pathlib.Path(tempfile.mkdtemp())
for name, content in {"notes.txt": b"how it went", "weights.bin": b"\0\1", "later.bin": b"\0\2"}.items():
    (folder / name).write_bytes(content)
    run.save(folder / name, base_path=folder)
artifact = wandb.Artifact("weights", "model")
artifact.add_file(folder / "weights.bin")
run.log_artifact(artifact)
run.finish()
