"""What a run has beside its plain numbers: settings, samples, system metrics, and what a later attempt does differently."""

from __future__ import annotations

import copy
import io
import json
import math
import pickle

import pytest
from conftest import wait_for
from headroom.cli import sync
from headroom.system import Sampler


@pytest.mark.parametrize("mode", ["online", "offline"])
def test_every_change_of_the_config_of_an_open_run_is_shown(init, server, tmp_path, mode):
    name = f"config {mode}"
    run = init(name=name, mode=mode, config={"lr": 1, "gone": 1, "popped": 1, "flag": 1, "model": {"width": 8, "layers": [1]}, "__proto__": {"a": 1}})
    run.log({"loss": 1.0})
    if mode == "online":
        assert run.wait_until_open()
    del run.config["gone"]
    assert run.config.pop("popped") == 1
    assert run.config.setdefault("depth", 3) == run.config.setdefault("depth", 4) == 3
    run.config |= {"heads": 2}
    run.config.flag = True
    run.config["model"]["width"] = 16
    run.config["model"]["layers"].append(2)
    expected = {"lr": 1, "flag": True, "model": {"width": 16, "layers": [1, 2]}, "__proto__": {"a": 1}, "depth": 3, "heads": 2}
    if mode == "online":
        wait_for("the config", lambda: server.record(run.id).run["setup"]["config"] == expected)
    run.config.model["dropout"] = 0.5
    run.finish()
    if mode == "offline":
        assert sync(tmp_path / "spool", server.url, server.token) == 0
    (found,) = [r for r in server.runs() if r["name"] == name]
    record = server.record(found["runId"])
    assert record.run["setup"]["config"] == {**expected, "model": {"width": 16, "layers": [1, 2], "dropout": 0.5}}
    assert (record.alerts(), record.status) == ([], "finished")


def test_a_config_may_hold_anything(init, server):
    class Broken:
        def __len__(self):
            raise TypeError("len() of a 0-d tensor")

        def __eq__(self, other):
            raise TypeError("of more than one value")

        def __str__(self):
            return "broken"

    itself: dict = {}
    itself["itself"] = itself
    run = init(name="anything", config={"broken": Broken(), "list": [Broken()], "itself": itself, "nan": math.nan, "long": [0] * 2000})
    run.log({"loss": 1.0})
    assert run.wait_until_open()
    run.config["list"].append(1)
    run.config["broken"] = Broken()
    run.finish()
    record = server.record(run.id)
    config = record.run["setup"]["config"]
    assert (config["broken"], config["list"], config["nan"], len(config["long"])) == ("broken", ["broken", 1], "nan", 2000)
    assert record.alerts() == []


def test_a_copy_of_the_config_is_a_dict_of_its_own(init, server):
    run = init(name="copies", config={"lr": 1, "model": {"width": 8}})
    run.log({"loss": 1.0})
    for copied in (copy.deepcopy(run.config), pickle.loads(pickle.dumps(run.config)), run.config.copy()):
        copied["lr"] = 2
        assert copied == {"lr": 2, "model": {"width": 8}}
    run.finish()
    assert server.record(run.id).of_type("setup") == []


def test_characters_that_nobody_sees_do_not_cost_the_run(init, server):
    run = init(name="two\nlines\u200b", project="\u202eleft", group="g\0", job_type="\ufeff", tags=["a\u2066", "\u200b"], id="unseen")
    run.log({"loss": 1.0})
    run.finish()
    setup = server.record(run.id).run["setup"]
    assert {name: setup.get(name) for name in ("name", "project", "group", "jobType", "tags")} == {
        "name": "two lines",
        "project": "left",
        "group": "g",
        "jobType": None,
        "tags": ["a"],
    }
    run = init(name="\u200b", project="\0")
    run.log({"loss": 1.0})
    run.finish()
    setup = server.record(run.id).run["setup"]
    assert (setup["name"], setup["project"]) == ("run", "default")


def test_what_is_no_file_no_metrics_and_no_number_is_named(init, server, tmp_path, capfd):
    run = init(name="wrong samples")
    (tmp_path / "state").write_bytes(b"four")
    for source in (io.BytesIO(b"abc"), tmp_path / "state", memoryview(b"abcde"), "/nosuch", "", tmp_path, {"state": 1}, 7, None):
        run.checkpoint(source)
    run.evaluation("validation", None)
    run.table("cells", ["cell"], [[Array()], [math.inf], [True], [{"a": 1}]])
    run.finish()
    record = server.record(run.id)
    assert [c["blob"]["bytes"] for c in record.of_type("checkpoint")] == [3, 4, 5]
    assert json.loads(record.of_type("media")[0]["text"])["rows"] == [["two numbers"], ["inf"], [True], ["{'a': 1}"]]
    assert record.alerts() == []
    assert capfd.readouterr().err.splitlines() == [
        "headroom: checkpoint: there is no file '/nosuch'",
        "headroom: checkpoint: there is no file ''",
        f"headroom: checkpoint: there is no file '{tmp_path}'",
        "headroom: checkpoint: give bytes or a file, not dict",
        "headroom: checkpoint: give bytes or a file, not int",
        "headroom: checkpoint: give bytes or a file, not NoneType",
        "headroom: evaluation: metrics: NoneType is no dict of names and numbers",
    ]


class Array:
    """As an array of two numbers."""

    ndim, size = 1, 2

    def item(self):
        raise ValueError("can only convert an array of size 1")

    def __str__(self):
        return "two numbers"


def test_a_gpu_that_is_first_used_later_costs_no_system_metrics(init, server, monkeypatch):
    run = init(name="late gpu")
    sampler = Sampler(run, 1e6)
    for step, values in enumerate([{"cpu": 1.0, "disk": 2.0}, {"cpu": 3.0, "disk": 4.0, "gpu memory": 5.0}, {"cpu": 6.0, "disk": 7.0, "gpu memory": 8.0, "gpu": 9.0}]):
        run.log({"loss": 1.0})
        monkeypatch.setattr(sampler, "_measure", lambda: values)
        sampler.sample()
    sampler.stop()
    run.finish()
    record = server.record(run.id)
    rows = {name: [value for _, value in record.series(f"system/{name}")] for name in ("cpu", "disk", "gpu memory", "gpu")}
    assert (rows, record.alerts()) == ({"cpu": [1.0, 3.0, 6.0], "disk": [2.0, 4.0, 7.0], "gpu memory": [5.0, 8.0], "gpu": [9.0]}, [])


def test_the_next_attempt_may_have_another_optimizer_or_clip_value(init, server):
    rates = Optimizer(), Optimizer()
    for attempt, more in enumerate([{"optimizer": rates[0], "clip": 1.0}, {"optimizer": rates[0]}, {"optimizer": list(rates), "clip": 2.0}]):
        run = init(project="attempts", id="attempts", resume="allow")
        room = run.attach(**more)
        room.step(loss=float(attempt))
        run.finish()
    record = server.record(run.id)
    rows = {name: record.series(name) for name in ("loss", "lr", "clip", "lr/optimizer2")}
    lr = [(0, 0.1), (1, 0.1), (2, 0.1)]
    assert (rows, record.alerts()) == ({"loss": [(0, 0.0), (1, 1.0), (2, 2.0)], "lr": lr, "clip": [(0, 1.0), (2, 2.0)], "lr/optimizer2": [(2, 0.1)]}, [])


class Optimizer:
    def __init__(self) -> None:
        self.param_groups = [{"params": [], "lr": 0.1}]


def test_gradients_that_are_only_measured_stay_as_they_are(init):
    torch = pytest.importorskip("torch")
    a, b = (torch.nn.Parameter(torch.ones(2, dtype=torch.float16)) for _ in range(2))
    room = init(name="measured").attach(optimizer=torch.optim.SGD([a, b], lr=0.1))
    # sqrt(2 * 60,000^2) is more than a 16-bit number holds.
    a.grad, b.grad = torch.full_like(a, 60_000.0), torch.ones_like(b)
    for parameters, norm in ((None, float("inf")), (a, float("inf")), ((p for p in [b]), 2**0.5), ([], 0.0)):
        assert room.clip_gradients(parameters) == pytest.approx(norm, rel=1e-3)
    assert (a.grad.tolist(), b.grad.tolist()) == ([60_000.0] * 2, [1.0] * 2)
