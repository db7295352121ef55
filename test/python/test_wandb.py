"""A script that was written for wandb, with one line changed."""

from __future__ import annotations

import time

import pytest
from conftest import LIMIT_S, script, wait_for

SCRIPT = """
import argparse, math, random
import headroom.wandb as wandb

args = argparse.Namespace(lr=0.1, layers=2)
run = wandb.init(project="drop in", name="script", config=args, tags=["a"], notes="n", group="g", job_type="train", settings=wandb.Settings(silent=True), entity="team")
wandb.config.update({"batch": 16}, allow_val_change=True)
assert (wandb.config.lr, wandb.config["batch"], run.config.layers) == (0.1, 16, 2)
wandb.define_metric("epoch")
wandb.define_metric("val/*", step_metric="epoch", summary="min")
for step in range(200):
    wandb.log({"loss": 1 / (step + 1)}, commit=False)
    wandb.log({"acc": step / 200, "epoch": step // 20})
    if step % 20 == 0:
        wandb.log({"val/loss": 2 / (step + 1)}, step=step + 1, commit=False)
wandb.log({"picture": wandb.Image([[0, 255], [255, 0]], caption="c"), "hist": wandb.Histogram([1, 2, 2, 3]), "note": wandb.Html("<b>x</b>")})
table = wandb.Table(columns=["word", "count"])
table.add_data("a", 1)
wandb.log({"words": table})
wandb.alert(title="hot", text="very", level=wandb.AlertLevel.WARN)
wandb.alert(title="hot", text="again", level=wandb.AlertLevel.WARN)
wandb.run.summary["best"] = 0.5
wandb.save("model.pt")
wandb.finish()
assert wandb.run is None
print("the end")
"""


def test_a_script_for_wandb_runs_with_one_line_changed(server, tmp_path):
    child = script(SCRIPT, server, tmp_path)
    said, _ = child.communicate(timeout=LIMIT_S)
    assert child.returncode == 0 and "the end" in said, said
    for what in ("init(settings=)", "init(entity=)", "wandb.save"):
        assert f"headroom.wandb: {what} is ignored" in said
    (run,) = [r for r in server.runs() if r["name"] == "script"]
    record = server.record(run["runId"])
    setup = record.run["setup"]
    assert (setup["project"], setup["group"], setup["jobType"], setup["config"]["lr"]) == ("drop in", "g", "train", 0.1)
    assert record.series("loss") == [(i, 1 / (i + 1)) for i in range(200)]
    assert record.series("acc") == [(i, i / 200) for i in range(200)]
    assert [s for s, _ in record.series("val/loss")] == [i + 1 for i in range(0, 200, 20)]
    kinds = {m["name"]: m["kind"] for m in record.of_type("media")}
    assert {n: kinds[n] for n in ("picture", "hist", "note", "words", "summary")} == {
        "picture": "image",
        "hist": "histogram",
        "note": "text",
        "words": "table",
        "summary": "table",
    }
    assert record.alerts() == ["hot: very"]
    assert record.status == "finished"


RENAMED = """
import os
import headroom.wandb as wandb

wandb.require("core")


def picture_of(run: wandb.sdk.wandb_run.Run) -> wandb.data_types.Image | None:
    return None


# A script that is ended by no training at all would look like one that has trained.
try:
    wandb.agent(wandb.sweep({"method": "grid"}), function=picture_of)
except wandb.errors.UsageError as error:
    assert "call the training function yourself" in str(error)
else:
    raise AssertionError("an agent that trains nothing is said")
try:
    wandb.init(project="drop in")
    wandb.run.name = f"{wandb.run.name} renamed"
    wandb.run.tags += ("late",)
    wandb.run.notes = "said later"
    assert (wandb.run.group, wandb.run.job_type, wandb.run.path, wandb.run.offline) == ("g", "j", f"drop in/{wandb.run.id}", False)
    table = wandb.Table(columns=["a"], data=[[1], [2]])
    table.add_column("b", [3, 4])
    assert (table.columns, table.data) == (["a", "b"], [[1, 3], [2, 4]])
    wandb.log({"loss": 1.0})
except wandb.errors.CommError:
    pass
wandb.finish()
os.environ["WANDB_MODE"] = "disabled"
wandb.init(name="not sent")
wandb.log({"loss": 1.0})
wandb.finish()
"""


def test_the_environment_of_wandb_is_heeded_and_a_run_is_renamed(server, tmp_path):
    about = {"WANDB_NAME": "from outside", "WANDB_TAGS": "x,y", "WANDB_RUN_GROUP": "g", "WANDB_JOB_TYPE": "j", "WANDB_NOTES": "n", "WANDB_PROJECT": "other"}
    child = script(RENAMED, server, tmp_path, **about)
    said, _ = child.communicate(timeout=LIMIT_S)
    assert child.returncode == 0, said
    (run,) = [r for r in server.runs() if r["name"] in ("from outside renamed", "not sent")]
    setup = server.record(run["runId"]).run["setup"]
    assert (setup["name"], setup["project"], setup["notes"]) == ("from outside renamed", "drop in", "said later")
    assert (setup["tags"], setup["group"], setup["jobType"]) == (["x", "y", "late"], "g", "j")


def test_a_stop_ends_the_script_like_ctrl_c(server, tmp_path):
    source = """
import time
import headroom.wandb as wandb
wandb.init(name="to be stopped")
for step in range(100_000):
    wandb.log({"loss": step})
    time.sleep(0.002)
"""
    child = script(source, server, tmp_path)
    runs = wait_for("the run", lambda: [r for r in server.runs() if r["name"] == "to be stopped" and r["step"] > 10])
    assert server.command(runs[0]["runId"], kind="act", id="stop-the-script", action="stop", args={})["ok"]
    at = time.monotonic()
    child.communicate(timeout=LIMIT_S)
    print(f"the script ended {time.monotonic() - at:.2f} s after the stop")
    assert server.record(runs[0]["runId"]).status == "stopped"


def test_gradients_are_watched_without_a_room(server, tmp_path):
    pytest.importorskip("torch")
    source = """
import torch
import headroom.wandb as wandb
wandb.init(name="watched")
torch.manual_seed(0)
model = torch.nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
wandb.watch(None)
wandb.watch(model, log_freq=5)
for step in range(20):
    loss = model(torch.ones(2, 3)).pow(2).mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    wandb.log({"loss": loss})
wandb.finish()
"""
    child = script(source, server, tmp_path)
    said, _ = child.communicate(timeout=LIMIT_S)
    assert child.returncode == 0, said
    assert "watch: model: NoneType is no torch module; its gradient norms are not measured" in said
    (run,) = [r for r in server.runs() if r["name"] == "watched"]
    norms = server.record(run["runId"]).series("grad_norm/weight")
    assert [s for s, _ in norms] == [0, 5, 10, 15]
    assert all(v > 0 for _, v in norms)


CONFIG = """
import headroom.wandb as wandb
wandb.config.before = 1
with wandb.init(name="config", config={"lr": 0.1, "gone": 1, "model": {"width": 8}}) as run:
    run.config.update({"batch": 16}, allow_val_change=True)
    run.log({"loss": 1.0})
    run.headroom.wait_until_open()
    wandb.config["model"]["width"] = 16
    wandb.config.setdefaults({"lr": 9, "seed": 3})
    del wandb.config["gone"]
    assert wandb.config.pop("before") == 1 and "lr" in wandb.config and not hasattr(wandb.config, "gone")
    assert dict(**wandb.config) == dict(run.config) == {"lr": 0.1, "model": {"width": 16}, "batch": 16, "seed": 3}, run.config
assert (len(wandb.config), run.config.seed) == (0, 3)
"""


def test_the_config_of_wandb_is_that_of_the_open_run(server, tmp_path):
    child = script(CONFIG, server, tmp_path)
    said, _ = child.communicate(timeout=LIMIT_S)
    assert child.returncode == 0, said
    (run,) = [r for r in server.runs() if r["name"] == "config"]
    assert server.record(run["runId"]).run["setup"]["config"] == {"lr": 0.1, "model": {"width": 16}, "batch": 16, "seed": 3}
