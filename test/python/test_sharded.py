"""Models whose parameters are sharded over several processes: they are clipped as one whole, and nothing measures alone what takes all processes."""

from __future__ import annotations

import json

import pytest
from conftest import wait_for
from test_ranks import end, start

torch = pytest.importorskip("torch", reason="torch is not installed: sharded models are not tested")
if not torch.distributed.is_available():
    pytest.skip("torch has no distributed", allow_module_level=True)

SCRIPT = """
import json, os
import torch, torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
import headroom

dist.init_process_group("gloo")
rank = dist.get_rank()
batch = torch.randn(8, 16, generator=torch.Generator().manual_seed(3))

def make():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(16, 64), torch.nn.ReLU(), torch.nn.Linear(64, 4))

def sharded(kind):
    model = make()
    if kind == "FSDP 2":
        mesh = init_device_mesh("cpu", (2,))
        for layer in (model[0], model[2], model):
            fully_shard(layer, mesh=mesh)
        return model
    return FullyShardedDataParallel(model, device_id=torch.device("cpu"), use_orig_params="original" in kind)

def update(model, clip_gradients, optimizer):
    (model(batch).pow(2).mean() * 50).backward()
    norm = float(clip_gradients())
    optimizer.step()
    return [norm, model(batch).pow(2).mean().item()]

found = {}
for clip in (1.0, None):
    most = float("inf") if clip is None else clip
    whole = make()
    found[f"whole {clip}"] = update(whole, lambda: torch.nn.utils.clip_grad_norm_(whole.parameters(), most), torch.optim.SGD(whole.parameters(), lr=0.1))
    for kind in ("FSDP 1", "FSDP 1, original parameters", "FSDP 2"):
        model = sharded(kind)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        run = headroom.init(name=f"{kind} {clip}", system_seconds=None)
        room = run.attach(optimizer=optimizer, model=model, clip=clip)
        if rank == 0:
            run.watch(model, every=1, attention_every=1, probe=batch)
        found[f"{kind} {clip}"] = update(model, room.clip_gradients, optimizer)
        room.step(loss=1.0)
        run.finish()
run = headroom.init(name="without the model", system_seconds=None)
try:
    run.attach(optimizer=torch.optim.SGD(sharded("FSDP 1").parameters(), lr=0.1)).clip_gradients()
except ValueError as error:
    found["refused"] = str(error)
run.finish()
with open(f"{os.environ['OUT']}/{rank}.json", "w") as out:
    json.dump(found, out)
dist.destroy_process_group()
"""


def test_a_sharded_model_is_clipped_as_the_whole_one_and_is_not_measured_by_one_process(server, tmp_path):
    children = start(server, tmp_path, "sharded", SCRIPT)
    try:
        wait_for("both processes", lambda: all(child.poll() is not None for child in children))
    finally:
        end(children)
    logs = [(tmp_path / f"{rank}.log").read_text() for rank in range(2)]
    assert [child.returncode for child in children] == [0, 0], logs
    for rank in range(2):
        found = json.loads((tmp_path / f"{rank}.json").read_text())
        assert found.pop("refused") == (
            "clip_gradients: FSDP shards these parameters, and clips only all of a model's together: give attach that one model as `model`"
        )
        assert len(found) == 8
        for kind, numbers in found.items():
            assert numbers == pytest.approx(found["whole " + kind.split()[-1]], rel=1e-5), (kind, rank)
    said = "watch: model: its parameters are sharded over several processes, so its gradient norms and its attention are not measured"
    # A run's warnings of one kind appear once a run: three kinds of sharding, each with and without a clip value.
    assert [log.count(said) for log in logs] == [6, 0]
