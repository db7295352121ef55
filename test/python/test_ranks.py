"""Several processes train one run: rank 0 speaks, every rank applies each command at the same step."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from conftest import LIMIT_S, wait_for
from loops import Steered

torch = pytest.importorskip("torch", reason="torch is not installed: several ranks are not tested")
if not torch.distributed.is_available():
    pytest.skip("torch has no distributed", allow_module_level=True)

SCRIPT = """
import json, os, time
import torch, torch.distributed as dist
import headroom

dist.init_process_group("gloo")
rank = dist.get_rank()
torch.manual_seed(0)
model = torch.nn.Linear(3, 1)
parallel = torch.nn.parallel.DistributedDataParallel(model)
optimizer = torch.optim.SGD(parallel.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9999)
run = headroom.init(name=os.environ["RUN"], system_seconds=0.5)
greeted = []

@run.action
def greet(word: str = "hello"):
    greeted.append((step, word))

room = run.attach(optimizer=optimizer, scheduler=scheduler, model=model, clip=1.0)
rates, clips = [], []
for step in range(1_000_000):
    optimizer.zero_grad()
    loss = parallel(torch.ones(2, 3) * (rank + 1)).pow(2).mean()
    loss.backward()
    room.clip_gradients()
    rates.append(optimizer.param_groups[0]["lr"])
    clips.append(room.clip)
    optimizer.step()
    scheduler.step()
    time.sleep(0.002 * (rank + 1))
    if not room.step(loss=loss):
        break
    if os.environ.get("UNEVEN") and rank == 1 and step == 30:
        break
run.finish("stopped" if run.stopped else "finished")
with open(f"{os.environ['OUT']}/{rank}.json", "w") as out:
    json.dump({"rates": rates, "clips": clips, "greeted": greeted, "weight": model.weight.tolist()}, out)
# As PyTorch asks: without it the threads of gloo may abort a process that ends.
dist.destroy_process_group()
"""


def start(server, tmp_path, name: str, script: str = SCRIPT, **env: str) -> list[subprocess.Popen[bytes]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    common = {
        **os.environ,
        "HEADROOM_SERVER": server.url,
        "HEADROOM_TRAINER_TOKEN": server.token,
        "HEADROOM_SPOOL": str(tmp_path / "spool"),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": "2",
        "OMP_NUM_THREADS": "1",
        "RUN": name,
        "OUT": str(tmp_path),
        **env,
    }
    return [
        subprocess.Popen([sys.executable, "-c", script], env={**common, "RANK": str(rank)}, stdout=(tmp_path / f"{rank}.log").open("wb"), stderr=subprocess.STDOUT)
        for rank in range(2)
    ]


def end(children) -> None:
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGKILL)
            child.wait()


def test_commands_take_effect_at_the_same_step_on_every_rank(server, tmp_path):
    children = start(server, tmp_path, "two ranks")
    try:
        loop = Steered(server, lambda: [child.wait(LIMIT_S) for child in children])
        run_id = loop.begun("two ranks")
        changes = {}
        for i in range(8):
            answer = loop.set("optimizer.lr", 0.1 / (i + 2)) if i % 2 == 0 else loop.set("clip", 1.0 / (i + 2))
            assert answer["type"] == "command.applied"
            changes[answer["step"], answer["message"].split(":")[0]] = answer["after"]
        assert loop.act("greet", word="both")["type"] == "command.applied"
        paused = loop.act("pause")["step"]
        # Longer than a few turns of the loop in which rank 0 tells the others that nothing has happened.
        time.sleep(1.5)
        loop.act("step", count=3)
        wait_for("three steps", lambda: server.record(run_id).series("loss")[-1][0] == paused + 2)
        target = paused + 60
        assert server.command(run_id, id="at-a-step", kind="set", control="optimizer.lr", value=0.01, when={"kind": "step", "step": target})["ok"]
        loop.act("resume")
        wait_for("the planned change", lambda: [e for e in server.record(run_id).of_type("command.applied") if e["commandId"] == "at-a-step"])
        loop.act("stop")
        loop.join()
    finally:
        end(children)
    assert [child.returncode for child in children] == [0, 0], (tmp_path / "1.log").read_text()[-2000:]
    record = server.record(run_id)
    assert (record.status, [a for a in record.alerts()]) == ("stopped", [])
    (planned,) = [e for e in record.of_type("command.applied") if e["commandId"] == "at-a-step"]
    assert planned["step"] == target
    ranks = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    assert ranks[0] == ranks[1]
    assert len(ranks[0]["greeted"]) == 1
    changes[target, "Learning rate"] = 0.01
    base, clip = 0.1, 1.0
    for step, (rate, clipped) in enumerate(zip(ranks[0]["rates"], ranks[0]["clips"])):
        base = changes.get((step, "Learning rate"), base)
        clip = changes.get((step, "Clip value"), clip)
        assert rate == pytest.approx(base * 0.9999**step, rel=1e-9), step
        assert clipped == clip, step
    columns = {c["name"] for e in record.of_type("series") for c in e["columns"]}
    assert {"system/memory", "system/rank 1/memory"} <= columns


def test_a_rank_that_leaves_early_does_not_hold_rank_0_up(server, tmp_path):
    """The other rank has fewer steps, without DistributedDataParallel, which would wait for it itself."""
    source = SCRIPT.replace("parallel = torch.nn.parallel.DistributedDataParallel(model)", "parallel = model").replace("range(1_000_000)", "range(300)")
    children = start(server, tmp_path, "uneven", source, UNEVEN="1")
    try:
        for child in children:
            child.wait(LIMIT_S)
    finally:
        end(children)
    (run,) = [r for r in server.runs() if r["name"] == "uneven"]
    record = server.record(run["runId"])
    assert record.status == "finished", (tmp_path / "0.log").read_text()[-2000:]
    assert [s for s, _ in record.series("loss")] == list(range(300))


def test_a_rank_that_does_not_attach_is_said_and_training_goes_on(server, tmp_path):
    source = SCRIPT.replace('room = run.attach(', 'from headroom import ranks; ranks.JOIN_S = 1.0\nif rank == 1:\n    time.sleep(3); raise SystemExit(0)\nroom = run.attach(')
    source = source.replace("parallel = torch.nn.parallel.DistributedDataParallel(model)", "parallel = model").replace("range(1_000_000)", "range(20)")
    children = start(server, tmp_path, "alone", source)
    try:
        for child in children:
            child.wait(LIMIT_S)
    finally:
        end(children)
    assert "the ranks cannot be steered together: 1 of 2 ranks called attach within 1 s" in (tmp_path / "0.log").read_text()
    (run,) = [r for r in server.runs() if r["name"] == "alone"]
    assert len(server.record(run["runId"]).series("loss")) == 20
