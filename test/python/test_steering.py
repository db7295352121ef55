"""What people ask for happens at the step that they are told."""

from __future__ import annotations

import math
import random
import re
import threading
import time

import headroom
import pytest
from conftest import LIMIT_S, patience, wait_for
from headroom import Refused
from headroom.steering import make_control


def test_controls_actions_conditions_pause_and_stop(init, server):
    run = init(name="steered")
    mixture = run.control("data/mixture.code", 0.2, min=0, max=1, label="Code in the mixture")
    run.control("mode", "fast", options=["fast", "exact"])
    greetings = []

    @run.action(name="say.hello", label="Say hello")
    def say(name: str = "you", times: int = 1) -> str:
        if times > 3:
            raise Refused("no more than three times")
        greetings.append((name, times))
        return f"hello {name}"

    room = run.attach()
    seen: list[tuple[int, float]] = []
    left: list[float] = []

    def train() -> None:
        for i in range(1_000_000):
            seen.append((i, mixture.value))
            if not room.step(loss=1 / (i + 1)):
                break
            time.sleep(0.001)
        left.append(time.monotonic())
        run.finish("stopped" if run.stopped else "finished")

    training = threading.Thread(target=train, daemon=True)
    training.start()
    assert run.wait_until_open()
    wait_for("the controls", lambda: server.record(run.id).of_type("started"))

    def outcome(id: str) -> dict | None:
        return next((e for e in server.record(run.id).events if e.get("commandId") == id and e["type"] in ("command.applied", "command.refused")), None)

    def order(id: str, **command) -> dict:
        answer = server.command(run.id, id=id, **command)
        assert answer["ok"], answer
        return wait_for(id, lambda: outcome(id))

    applied = order("set-mixture-1", kind="set", control="data/mixture.code", value=0.5, expected=0.2)
    assert (applied["type"], applied["before"], applied["after"]) == ("command.applied", 0.2, 0.5)
    assert all((value == 0.5) == (step >= applied["step"]) for step, value in list(seen))

    paused = order("pause-it-now", kind="act", action="pause", args={})
    count = len(seen)
    time.sleep(0.2)
    assert len(seen) == count == paused["step"]
    order("hello-while-paused", kind="act", action="say.hello", args={"name": "Ada", "times": 2})
    assert greetings == [("Ada", 2)]
    assert order("too-many-hellos", kind="act", action="say.hello", args={"times": 9})["message"] == "no more than three times"
    order("three-steps", kind="act", action="step", args={"count": 3})
    wait_for("three steps", lambda: len(seen) == count + 3)
    time.sleep(0.2)
    assert len(seen) == count + 3
    target = count + 40
    assert server.command(run.id, id="mixture-later", kind="set", control="data/mixture.code", value=0.9, when={"kind": "step", "step": target})["ok"]
    order("resume-it-now", kind="act", action="resume", args={})
    later = wait_for("mixture-later", lambda: outcome("mixture-later"))
    assert later["step"] == target
    assert all((value == 0.9) == (step >= target) for step, value in seen[count:])
    assert server.command(run.id, kind="act", id="stop-it-now", action="stop", args={})["ok"]
    at = time.monotonic()
    training.join(LIMIT_S)
    print(f"the loop ended {left[0] - at:.3f} s after the stop")
    assert left[0] - at < patience(1.0)
    record = server.record(run.id)
    assert record.status == "stopped"
    assert record.alerts() == []


torch = pytest.importorskip("torch", reason="torch is not installed: learning rates are not tested")


def schedulers():
    from torch.optim import lr_scheduler as s
    from torch.optim import swa_utils

    return {
        "none": lambda o: None,
        "LambdaLR": lambda o: s.LambdaLR(o, lambda i: 1 / (1 + i / 10)),
        "MultiplicativeLR": lambda o: s.MultiplicativeLR(o, lambda i: 0.95),
        "StepLR": lambda o: s.StepLR(o, 5),
        "MultiStepLR": lambda o: s.MultiStepLR(o, [3, 9]),
        "ConstantLR": lambda o: s.ConstantLR(o, 0.5, 8),
        "LinearLR": lambda o: s.LinearLR(o, 0.1, 1, 12),
        "ExponentialLR": lambda o: s.ExponentialLR(o, 0.9),
        "PolynomialLR": lambda o: s.PolynomialLR(o, 90, 2),
        "CosineAnnealingLR": lambda o: s.CosineAnnealingLR(o, 30, eta_min=1e-4),
        "CosineAnnealingWarmRestarts": lambda o: s.CosineAnnealingWarmRestarts(o, 7, eta_min=1e-4),
        "OneCycleLR": lambda o: s.OneCycleLR(o, 0.1, total_steps=90),
        "CyclicLR": lambda o: s.CyclicLR(o, 0.01, 0.1, step_size_up=5, cycle_momentum=False),
        "ReduceLROnPlateau": lambda o: s.ReduceLROnPlateau(o, factor=0.5, patience=3, min_lr=1e-3),
        "SWALR": lambda o: swa_utils.SWALR(o, swa_lr=0.05, anneal_epochs=8),
        "SequentialLR": lambda o: s.SequentialLR(o, [s.LinearLR(o, 0.1, 1, 5), s.CosineAnnealingLR(o, 30)], [5]),
        "ChainedScheduler": lambda o: s.ChainedScheduler([s.LinearLR(o, 0.1, 1, 5), s.ExponentialLR(o, 0.9)]),
        "nested": lambda o: s.ChainedScheduler(
            [s.SequentialLR(o, [s.LinearLR(o, 0.1, 1, 5), s.CosineAnnealingWarmRestarts(o, 11, eta_min=1e-4)], [5]), s.ExponentialLR(o, 0.97)], o
        ),
    }


STEPS = 60


def rates(kind: str, commands: dict[int, list[tuple[str, float]]], run=None) -> list[list[float]]:
    """The rate of each group at each update of a loop to which `commands` (id and value) come while a step is made."""
    a, b = torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.02}], lr=0.1)
    scheduler = schedulers()[kind](optimizer)
    room = None if run is None else run.attach(optimizer=optimizer, scheduler=scheduler, start_step=0)
    out = []
    for step in range(STEPS):
        out.append([float(g["lr"]) for g in optimizer.param_groups])
        optimizer.step()
        if kind == "ReduceLROnPlateau":
            scheduler.step(1.0)
        elif scheduler:
            scheduler.step()
        for id, value in commands.get(step, []):
            run.command({"seq": 1, "command": {"id": id, "kind": "set", "control": "optimizer.lr", "value": value}})
        if room:
            room.step()
    return out


@pytest.mark.filterwarnings("ignore")
def test_1000_of_1000_random_rates_are_true_at_the_named_step_and_for_the_rest_of_the_schedule(tmp_path):
    seed = random.SystemRandom().randrange(2**32)
    chance = random.Random(seed)
    plain = {kind: rates(kind, {}) for kind in schedulers()}
    tried = 0
    while tried < 1000:
        for kind in schedulers():
            run = headroom.init(mode="offline", folder=tmp_path, system_seconds=None)
            answers: dict[str, dict] = {}
            said = run._out.say
            run._out.say = lambda event: answers.update({event["commandId"]: event}) if "commandId" in event else said(event)  # noqa: B023
            commands = {chance.randrange(STEPS - 2): [(f"command-{tried}-{i}", chance.uniform(0.001, 1))] for i in range(chance.randrange(1, 6))}
            found = rates(kind, commands, run)
            base = at = run._commands.controls["optimizer.lr"].spec["default"]
            changes = {}
            for step, [(id, value)] in commands.items():
                answer = answers[id]
                assert (answer["type"], answer["step"], answer["after"]) == ("command.applied", step + 1, value), (seed, kind, answer)
                changes[answer["step"]] = value
            for step in range(STEPS):
                at = changes.get(step, at)
                for used, unchanged in zip(found[step], plain[kind][step]):
                    expected = unchanged * at / base
                    assert abs(used - expected) <= 1e-9 * abs(used) + 1e-15, (seed, kind, commands, step, used, expected)
            tried += len(commands)
            run.finish()
    print(f"{tried} commands over {len(plain)} schedulers, seed {seed}")


@pytest.mark.filterwarnings("ignore")
def test_a_torch_loop_with_two_lines_is_steered_over_the_wire(init, server):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda i: 1 / (1 + i / 50))
    run = init(name="torch")
    run.watch(model, every=5)
    room = run.attach(optimizer=optimizer, scheduler=scheduler, model=model, clip=1.0)
    used: list[float] = []
    clips: list[float] = []

    def train() -> None:
        x, y = torch.randn(64, 4), torch.randn(64, 1)
        for _ in range(100_000):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(model(x), y)
            loss.backward()
            clips.append(room.clip)
            room.clip_gradients()
            used.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
            if not room.step(loss=loss):
                break
            time.sleep(0.001)
        run.finish("stopped")

    training = threading.Thread(target=train, daemon=True)
    training.start()
    assert run.wait_until_open()
    wait_for("rows", lambda: len(used) > 20)
    for id, control, value in (("lr-change-one", "optimizer.lr", 5e-3), ("clip-change-one", "clip", 0.25), ("lr-change-two", "optimizer.lr", 1e-4)):
        assert server.command(run.id, kind="set", id=id, control=control, value=value)["ok"]
        wait_for(id, lambda: any(e.get("commandId") == id for e in server.record(run.id).of_type("command.applied")))
    assert server.command(run.id, kind="act", id="stop-the-loop", action="stop", args={})["ok"]
    training.join(LIMIT_S)
    record = server.record(run.id)
    assert record.alerts() == []
    at = {e["commandId"]: e["step"] for e in record.of_type("command.applied")}
    base = 1e-3
    for step, rate in enumerate(used):
        base = {at["lr-change-one"]: 5e-3, at["lr-change-two"]: 1e-4}.get(step, base)
        assert rate == pytest.approx(base / (1 + step / 50), rel=1e-9)
    assert all((c == 0.25) == (step >= at["clip-change-one"]) for step, c in enumerate(clips))
    assert record.series("lr") == [(i, pytest.approx(r)) for i, r in enumerate(used)]
    assert len(record.series("grad_norm/0.weight")) == len(range(0, len(used), 5))
    assert len(record.series("grad_norm")) == len(used)


def test_weight_decay_keeps_the_ratio_of_the_groups_and_groups_without_it_stay_without(init):
    parameters = [torch.nn.Parameter(torch.ones(1)) for _ in range(3)]
    optimizer = torch.optim.AdamW([{"params": [p], "weight_decay": d} for p, d in zip(parameters, (0.0, 0.1, 0.2))])
    run = init(name="decay")
    run.attach(optimizer=optimizer)
    control = run._commands.controls["optimizer.weight_decay"]
    assert control.current() == 0.1
    for value in (0.05, 0.0, 0.3):
        control.set(value)
        assert [g["weight_decay"] for g in optimizer.param_groups] == [0.0, value, pytest.approx(2 * value)]


@pytest.mark.parametrize(
    ("value", "about", "message"),
    [
        (16, {"options": [16, 32]}, "options: give texts"),
        ("a", {"options": []}, "options: give texts"),
        ("c", {"options": ["a", "b"]}, "give one of a, b, not 'c'"),
        ([1], {}, "give one number, text, True or False, not [1]"),
        (None, {}, "None does not fit; a control that may be None needs a null_label"),
        (5, {"min": 10}, "5 is below what fits (>= 10)"),
        (5, {"max": 1}, "5 is above what fits (<= 1)"),
        (-1.0, {"above": 0.0}, "-1.0 is below what fits (> 0.0)"),
        (5, {"min": 9, "max": 1}, "max: 1 is below 9, the least value"),
        (5, {"min": "a"}, "min: 'a' is no number"),
        (math.nan, {}, "'nan' is no number"),
        (1, {"type": "float"}, 'type: "float" is none of number, integer, boolean, enum, text'),
        (1, {"scale": "quadratic"}, 'scale: "quadratic" is none of linear, log'),
        (1, {"role": "speed"}, 'role: "speed" is none of learningRate, '),
        (None, {"get": lambda: 1.0}, "set: a value that is read by `get` needs a function that changes it"),
    ],
)
def test_a_control_that_is_declared_wrong_is_named(value, about, message):
    with pytest.raises(ValueError, match=re.escape(f"size: {message}")):
        make_control("size", value, **about)


def test_declarations_that_are_wrong_leave_the_others_as_they_are(init, server):
    run = init(name="declared")
    run.control("limit", math.inf)
    for wrong in (
        lambda: run.control("wrong", 1.0, role="speed"),
        lambda: run.attach(clip=-1.0),
        lambda: run.action(lambda: None, name="bad", role="jump"),
        lambda: run.action(lambda size: None, name="bad"),
    ):
        with pytest.raises(ValueError):
            wrong()
    run.control("lr", 0.1)
    run.action(lambda: None, name="hello")
    run.log({"loss": 1.0})
    run.finish()
    record = server.record(run.id)
    started = record.of_type("started")[-1]
    assert started["values"] == {"limit": "inf", "lr": 0.1}
    assert [c["type"] for c in started["controls"]["values"]] == ["number", "number"]
    assert [a["name"] for a in started["controls"]["actions"]] == ["hello"]
    assert record.alerts() == []


def test_a_loop_with_two_optimizers_has_the_rates_of_both(init, server):
    torch = pytest.importorskip("torch")
    models = [torch.nn.Linear(2, 1, bias=False), torch.nn.Linear(2, 1, bias=False)]
    optimizers = [torch.optim.SGD(m.parameters(), lr=r) for m, r in zip(models, (0.1, 0.2))]
    schedulers = [torch.optim.lr_scheduler.ExponentialLR(o, 0.5) for o in optimizers]
    run = init(name="gan")
    room = run.attach(optimizer=optimizers, scheduler=schedulers, model=models, clip=1.0)
    run._commands.controls["optimizer2.lr"].set(0.4)
    for model in models:
        model.weight.grad = torch.full((1, 2), 3.0)
    # Two weights of 3 in each: sqrt(4 * 9).
    assert room.clip_gradients() == pytest.approx(6.0)
    for _ in range(2):
        room.step(loss=1.0)
        for one in (*optimizers, *schedulers):
            one.step()
    run.finish()
    record = server.record(run.id)
    assert record.series("lr") == [(0, 0.1), (1, 0.1)]
    assert [value for _, value in record.series("lr/optimizer2")] == pytest.approx([0.2, 0.4])
    assert [o.param_groups[0]["lr"] for o in optimizers] == pytest.approx([0.025, 0.1])
    declared = {c["name"]: c.get("role") for c in record.of_type("started")[-1]["controls"]["values"]}
    assert declared == {
        "optimizer.lr": "learningRate",
        "optimizer.weight_decay": "weightDecay",
        "optimizer2.lr": None,
        "optimizer2.weight_decay": None,
        "clip": "clipThreshold",
    }


def test_what_an_action_measures_was_asked_for_by_its_command(init, server):
    run = init(name="asked")
    run.attach(evaluate=lambda: run.evaluation("validation", {"loss": 0.5}), save=lambda: run.checkpoint(b"state"))
    run.evaluation("validation", {"loss": 0.7})
    assert run.wait_until_open()
    wait_for("the actions", lambda: server.record(run.id).of_type("started"))
    for action in ("evaluate", "checkpoint"):
        assert server.command(run.id, id=f"ask-to-{action}", kind="act", action=action, args={})["ok"]

    def both_done() -> bool:
        run.handle_commands()
        return len(server.record(run.id).of_type("command.applied")) == 2

    wait_for("both", both_done)
    run.finish()
    record = server.record(run.id)
    said = [(e["trigger"], e.get("commandId")) for e in (*record.of_type("evaluation"), *record.of_type("checkpoint"))]
    assert said == [("cadence", None), ("command", "ask-to-evaluate"), ("command", "ask-to-checkpoint")]


def test_a_control_whose_get_raises_costs_neither_rows_nor_the_script(init, server, capfd):
    run = init(name="raising get")
    kept = {"rate": 0.5}
    run.control("rate", get=lambda: kept["rate"], set=lambda value: kept.update(rate=value))
    kept.clear()
    run.log({"loss": 1.0})
    run.action(lambda: None, name="later")
    run.log({"loss": 2.0})
    run.finish()
    record = server.record(run.id)
    assert record.series("loss") == [(0, 1.0), (1, 2.0)]
    assert [e["values"] for e in record.of_type("started")] == [{"rate": 0.5}] * 2
    assert capfd.readouterr().err.count("headroom: control rate: its get raised KeyError('rate')") == 1
