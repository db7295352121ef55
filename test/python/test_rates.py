"""A learning rate that people have set holds whoever writes the rates: a scheduler, or the script itself; and the curve shows what each update used."""

from __future__ import annotations

import math
from typing import Any, Callable

import pytest

torch = pytest.importorskip("torch")

STEPS = 24
SET_AT = 12


class OwnScheduler(torch.optim.lr_scheduler.LRScheduler):
    """As people write them: it computes each rate from a number of its own."""

    def __init__(self, optimizer: Any, peak: float) -> None:
        self.peak = peak
        super().__init__(optimizer)

    def get_lr(self) -> list[float]:
        return [self.peak / (1 + self.last_epoch / 10) for _ in self.optimizer.param_groups]


class WithoutLastRate:
    """A scheduler that is none of torch's, as timm's."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer, self.done = optimizer, 0

    def step(self) -> None:
        self.done += 1
        for group in self.optimizer.param_groups:
            group["lr"] = 0.1 * math.cos(self.done / STEPS)


def write(optimizer: Any, rate: float) -> None:
    for group in optimizer.param_groups:
        if torch.is_tensor(group["lr"]):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


Way = Callable[[Any, int], None]


def nothing(_: Any, __: int) -> None:
    pass


def decayed(optimizer: Any, _: int) -> None:
    write(optimizer, float(optimizer.param_groups[0]["lr"]) * 0.97)


# What makes a scheduler, whether it is given to `attach`, and what the script does before each update.
ways: dict[str, tuple[Callable[[Any], Any] | None, bool, Way]] = {
    "constant": (None, False, nothing),
    "written at each step": (None, False, lambda o, i: write(o, 0.1 * (0.6 + 0.4 * math.cos(i / STEPS)))),
    "the same written at each step": (None, False, lambda o, i: write(o, 0.1)),
    "written when it changes": (None, False, lambda o, i: write(o, 0.1 - i / 1000) if i % 5 == 0 else None),
    "multiplied at each step": (None, False, decayed),
    "a scheduler that is not given": (lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda i: 1 / (1 + i / 50)), False, nothing),
    "a recursive one that is not given": (lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 2 * STEPS), False, nothing),
    "a scheduler of the script's own": (lambda o: OwnScheduler(o, 0.1), True, nothing),
    "a scheduler that is none of torch's": (WithoutLastRate, True, nothing),
    "a warm-up by hand before a scheduler": (
        lambda o: torch.optim.lr_scheduler.StepLR(o, 10, 0.1),
        True,
        lambda o, i: write(o, 0.1 * (i + 1) / 4) if i < 4 else None,
    ),
}


def used_rates(way: str, tensor: bool, run: Any = None, value: float | None = None) -> list[float]:
    """The rate of each update, as the parameter says: with a gradient of 1, SGD changes it by the rate."""
    parameter = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = torch.optim.SGD([parameter], lr=torch.tensor(0.1, dtype=torch.float64) if tensor else 0.1)
    make, given, before = ways[way]
    scheduler = make(optimizer) if make else None
    room = run.attach(optimizer=optimizer, scheduler=scheduler if given else None) if run else None
    used = []
    for i in range(STEPS):
        before(optimizer, i)
        parameter.grad = torch.ones_like(parameter)
        at = float(parameter)
        optimizer.step()
        used.append(at - float(parameter))
        if scheduler is not None:
            scheduler.step()
        if run and i == SET_AT - 1 and value is not None:
            run.command({"seq": 1, "command": {"id": "set-the-rate-1", "kind": "set", "control": "optimizer.lr", "value": value}})
        if room:
            room.step(loss=1.0)
    return used


@pytest.mark.parametrize("tensor", [False, True], ids=["number", "tensor"])
@pytest.mark.parametrize("value", [0.01, 0.05, 0.4])
@pytest.mark.parametrize("way", ways)
@pytest.mark.filterwarnings("ignore")
def test_a_rate_that_was_set_holds_whoever_writes_the_rates(init, server, way, value, tensor):
    run = init(name=f"{way}, {value}")
    used = used_rates(way, tensor, run, value)
    run.finish()
    plain = used_rates(way, tensor)
    assert used == pytest.approx([rate * (1 if i < SET_AT else value / 0.1) for i, rate in enumerate(plain)])
    assert [value for _, value in server.record(run.id).series("lr")] == pytest.approx(used)


def test_a_weight_decay_that_was_set_holds_where_the_script_writes_it_and_after_a_state_was_loaded(init):
    parameter = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    optimizer = torch.optim.SGD([{"params": [parameter], "weight_decay": 0.2}], lr=0.1)
    state = optimizer.state_dict()
    room = init(name="decay").attach(optimizer=optimizer)
    control = room.run._commands.controls["optimizer.weight_decay"]

    def used() -> float:
        """With a gradient of 0, SGD changes a parameter of 1 by rate x decay."""
        parameter.data.fill_(1.0)
        parameter.grad = torch.zeros_like(parameter)
        optimizer.step()
        return (1.0 - float(parameter)) / 0.1

    control.set(0.1)
    assert used() == pytest.approx(0.1)
    # The groups are other objects from here on.
    optimizer.load_state_dict(state)
    control.set(0.05)
    assert used() == pytest.approx(0.05)
    for schedule, value in ((0.2, 0.05), (0.21, 0.0), (0.22, 0.1)):
        optimizer.param_groups[0]["weight_decay"] = schedule
        control.set(value)
        assert used() == pytest.approx(schedule * value / 0.2)
        assert optimizer.param_groups[0]["weight_decay"] == schedule


def test_an_update_that_raises_and_one_that_is_left_out_leave_the_rate_as_it_is(init, server):
    run = init(name="raises")
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    room = run.attach(optimizer=optimizer)
    run._commands.controls["optimizer.lr"].set(0.05)
    for rate in (0.1, 0.08):
        write(optimizer, rate)
        with pytest.raises(ZeroDivisionError):
            optimizer.step(lambda: 1 / 0)
        room.step(loss=1.0)
    # GradScaler makes no update where a gradient is infinite.
    room.step(loss=1.0)
    optimizer.step()
    assert optimizer.param_groups[0]["lr"] == 0.08
    run.finish()
    assert [value for _, value in server.record(run.id).series("lr")] == pytest.approx([0.05, 0.04, 0.04])


def test_of_two_loops_of_one_optimizer_the_newest_one_steers(init):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    for value in (0.05, 0.02):
        room = init(name="again").attach(optimizer=optimizer)
        room.run._commands.controls["optimizer.lr"].set(value)
        write(optimizer, 0.1)
        optimizer.step()
        assert room._controls.rates[0].used == pytest.approx(value)


class OwnOptimizer:
    """Has what torch's have, and calls no hooks."""

    def __init__(self) -> None:
        self.param_groups: list[dict[str, Any]] = [{"params": [], "lr": 0.1}]


@pytest.mark.parametrize("make", [OwnOptimizer, lambda: torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)], ids=["of its own", "never asked for its step"])
def test_where_no_update_is_noticed_the_groups_are_changed(init, make):
    optimizer = make()
    room = init(name="unnoticed").attach(optimizer=optimizer)
    rates = []
    for i in range(4):
        decayed(optimizer, i)
        if i == 2:
            room.run._commands.controls["optimizer.lr"].set(0.05)
        rates.append(optimizer.param_groups[0]["lr"])
        room.step(loss=1.0)
    assert rates == pytest.approx([0.1 * 0.97 ** (i + 1) * (0.5 if i >= 2 else 1) for i in range(4)])


def test_a_compiled_update_is_steered(init):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    room = init(name="compiled").attach(optimizer=optimizer)
    update = torch.compile(optimizer.step, backend="eager")
    room.run._commands.controls["optimizer.lr"].set(0.05)
    for i in range(3):
        write(optimizer, 0.1)
        parameter.grad = torch.ones_like(parameter)
        update()
        assert float(parameter) == pytest.approx(-0.05 * (i + 1))
