"""What `run.watch` measures is named as in the model itself, whatever is wrapped around it."""

from __future__ import annotations

import socket

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: run.watch is not tested")
import torch.distributed as dist  # noqa: E402
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper  # noqa: E402


class Block(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        # A part of the model itself that is called as wrappers call theirs.
        self.module = torch.nn.MultiheadAttention(4, 2, batch_first=True)
        self.out = torch.nn.Linear(4, 4)

    def forward(self, x):
        return self.out(self.module(x, x, x)[0])


class Model(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = torch.nn.ModuleList([Block(), Block()])

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


@pytest.fixture(scope="module")
def alone():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def compiled(model):
    return torch.compile(model, backend="eager")


def parallel(model):
    return torch.nn.parallel.DistributedDataParallel(model)


def inside(model):
    model.blocks[0] = compiled(model.blocks[0])
    model.blocks[1] = checkpoint_wrapper(model.blocks[1])
    return model


WAYS = {
    "as it is": lambda model: model,
    "compiled": compiled,
    "parallel": parallel,
    "compiled, then parallel": lambda model: parallel(compiled(model)),
    "parallel, then compiled": lambda model: compiled(parallel(model)),
    "wrapped inside": inside,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_wrapped_model_has_the_names_of_the_model_itself(init, server, alone, way):
    torch.manual_seed(0)
    own = [name for name, _ in Model().named_parameters()]
    model = WAYS[way](Model())
    run = init(name=f"wrapped: {way}")
    x = torch.randn(2, 5, 4)
    run.watch(model, every=1, probe=x, attention_every=1)
    room = run.attach(model=model)
    for _ in range(2):
        loss = model(x).pow(2).mean()
        loss.backward()
        room.step(loss=loss)
    run.finish()
    record = server.record(run.id)
    assert record.alerts() == []
    assert [name for name in record.names if name.startswith("grad_norm/")] == [f"grad_norm/{name}" for name in own]
    assert all(len(record.series(f"grad_norm/{name}")) == 2 for name in own)
    declared = {c["name"]: c["of"] for e in record.of_type("series") for c in e["columns"] if "of" in c}
    assert declared == {f"grad_norm/{name}": name for name in own}
    assert [[layer["name"] for layer in e["layers"]] for e in record.of_type("snapshot")] == [["blocks.0.module", "blocks.1.module"]] * 2


def test_a_second_model_has_gradient_norms_of_its_own(init, server):
    models = [torch.nn.Linear(2, 1, bias=False), torch.nn.Linear(2, 1, bias=False)]
    run = init(name="two models")
    for model in models:
        run.watch(model, every=1)
    room = run.attach(model=models)
    for grad, model in zip((3.0, 4.0), models):
        model.weight.grad = torch.tensor([[grad, 0.0]])
    room.step(loss=1.0)
    run.finish()
    record = server.record(run.id)
    rows = {name: record.series(name) for name in record.names if name.startswith("grad_norm/")}
    assert (rows, record.alerts()) == ({"grad_norm/weight": [(0, 3.0)], "grad_norm/model2.weight": [(0, 4.0)]}, [])
