"""What a script logs is what the server has."""

from __future__ import annotations

import json
import math
import os
import time

import headroom
import pytest
from conftest import LIMIT_S, patience, wait_for
from headroom.config import MAX_BYTES, fitted
from headroom.settings import read_settings


def test_every_value_arrives_absent_is_not_nan_and_names_are_data(init, server):
    run = init(project="lm", name="all kinds", config={"lr": 3e-4, "model": {"layers": 2}}, tags=["a"], group="g", job_type="train", notes="n")
    for i in range(500):
        data = {"loss": 1 / (i + 1), "__proto__": i, "constructor": -i, "step": i * 2, "emoji 🌊/x": i / 3}
        if i % 100 == 0:
            data["val/loss"] = math.nan if i == 100 else math.inf if i == 200 else i
        run.log(data)
    run.finish()
    record = server.record(run.id)
    assert record.alerts() == []
    assert record.status == "finished"
    assert record.run["setup"]["config"] == {"lr": 3e-4, "model": {"layers": 2}}
    assert (record.run["setup"]["project"], record.run["setup"]["group"], record.run["setup"]["jobType"]) == ("lm", "g", "train")
    assert record.series("loss") == [(i, 1 / (i + 1)) for i in range(500)]
    assert record.series("__proto__") == [(i, i) for i in range(500)]
    assert record.series("constructor") == [(i, -i) for i in range(500)]
    assert record.series("emoji 🌊/x") == [(i, i / 3) for i in range(500)]
    found = record.series("val/loss")
    assert [s for s, _ in found] == [0, 100, 200, 300, 400]
    assert math.isnan(found[1][1]) and found[2][1] == math.inf


def test_steps_may_be_sparse_and_huge_and_what_goes_back_is_set_aside_or_rewound(init, server, capfd):
    run = init(name="steps")
    for step in (0, 5, 10**12, 2**53 - 1):
        run.log({"tokens": step / 7}, step=step)
    run.log({"tokens": 1.0}, step=3)
    run.finish()
    assert server.record(run.id).series("tokens") == [(s, s / 7) for s in (0, 5, 10**12, 2**53 - 1)]

    run = init(name="back")
    for i in range(20):
        run.log({"loss": float(i)})
    run.rewind(10)
    for i in range(10, 15):
        run.log({"loss": 100.0 + i})
    run.finish()
    record = server.record(run.id)
    assert record.series("loss") == [(i, float(i)) for i in range(10)] + [(i, 100.0 + i) for i in range(10, 15)]
    assert record.alerts() == []


def test_samples_evaluations_checkpoints_and_alerts_are_kept(init, server):
    run = init(name="samples")
    run.define_metric("val/*", goal="minimize", step_metric="epoch", unit="nats")
    run.log({"val/loss": 2.0, "epoch": 0.5})
    run.text("story", "once " * 5000)
    run.image("picture", [[0, 128, 255], [1, 2, 3]], caption="a picture")
    run.histogram("weights", [math.nan, 1, 2, 3])
    run.table("words", ["word", "count"], [["a", 1], ["b", None], ["c", math.nan]])
    run.log({"inline": headroom.Text("short"), "nested": {"a": 1, "b": {"c": 2}}})
    run.evaluation("validation", {"loss": 0.3, "bleu": 31.5}, main="bleu", goal="maximize", examples=10)
    run.checkpoint(b"weights" * 1000)
    run.alert("careful", "it is hot", level="ERROR")
    run.finish()
    record = server.record(run.id)
    assert record.alerts() == ["careful: it is hot"]
    assert [(m["name"], m["kind"]) for m in record.of_type("media")] == [
        ("story", "text"),
        ("picture", "image"),
        ("weights", "histogram"),
        ("words", "table"),
        ("inline", "text"),
    ]
    assert record.series("nested/b/c") == [(1, 2.0)]
    (evaluation,) = record.of_type("evaluation")
    assert [m["name"] for m in evaluation["metrics"]] == ["loss", "bleu"]
    assert evaluation["metrics"][1] == {"name": "bleu", "value": 31.5, "main": True, "better": "higher"}
    (checkpoint,) = record.of_type("checkpoint")
    assert checkpoint["blob"]["bytes"] == 7000
    columns = {c["columns"][0]["name"]: c["columns"][0] for c in record.of_type("series")}
    assert columns["val/loss"] == {"name": "val/loss", "group": "val", "unit": "nats", "better": "lower"}
    assert columns["epoch"]["x"] is True


def test_log_takes_whatever_it_is_given_and_never_raises(init, server):
    class Broken:
        def item(self):
            raise RuntimeError("no")

    run = init(name="odd")
    run.log({"a": Broken(), "b": object(), "c": None, "d": [1, 2], "": 3, "n" * 600: 1, "good": True})
    run.log("nonsense")  # type: ignore[arg-type]
    run.log({"good": 2}, step="x")  # type: ignore[arg-type]
    run.image("broken", b"no picture")
    run.checkpoint("/does/not/exist")
    run.evaluation("v", {"x": "text"})
    # A number and its text are one name.
    run.log({7: 0.1, "7": 0.2}, step=1)
    for key, value in ((7, 0.3), ("7", 0.4)):
        run.log({key: value})
    run.finish()
    record = server.record(run.id)
    assert (record.series("good"), record.series("7")) == ([(0, 1.0)], [(1, 0.1), (2, 0.3), (3, 0.4)])
    assert record.alerts() == []


def test_the_same_id_goes_on_as_a_new_attempt_from_any_step(init, server):
    first = init(project="again", id="one", name="one")
    for i in range(30):
        first.log({"loss": float(i)})
    first.finish()
    second = init(project="again", id="one", resume="must")
    assert (second.id, second.resumed_step) == (first.id, 30)
    second.log({"loss": 30.0})
    second.finish()
    third = init(project="again", id="one", resume="allow")
    assert third.resumed_step == 31
    for i in range(10, 12):
        third.log({"loss": 100.0 + i}, step=i)
    third.finish()
    record = server.record(first.id)
    assert record.series("loss") == [(i, float(i)) for i in range(10)] + [(10, 110.0), (11, 111.0)]
    assert record.run["attempt"] == 3
    assert record.alerts() == []


def test_first_point_is_there_within_one_and_a_half_seconds_and_finish_is_quick(init, server):
    at = time.monotonic()
    run = init(name="quick")
    run.log({"loss": 1.0})
    wait_for("the first point", lambda: run.id and any(r["runId"] == run.id and r["loss"] == 1.0 for r in server.runs()))
    first = time.monotonic() - at
    at = time.monotonic()
    run.finish()
    print(f"first point after {first:.2f} s, finish in {time.monotonic() - at:.2f} s")
    assert first < patience(1.5)
    assert time.monotonic() - at < patience(1.0)


def test_a_series_is_logged_in_one_way_alone(init, server, capfd):
    run = init(name="two ways")
    room = run.attach()
    run.log({"mine": 1.0})
    for i in range(5):
        room.step(loss=float(i), extra=i)
    run.log({"loss": 9.0})
    run.finish()
    record = server.record(run.id)
    assert record.series("loss") == [(i, float(i)) for i in range(5)]
    assert record.series("extra") == [(i, float(i)) for i in range(5)]
    assert record.alerts() == []
    assert "is logged by the room already" in capfd.readouterr().err


def test_a_value_of_a_stream_that_is_no_number_is_named_and_its_step_stays_free(init, server, capfd):
    run = init(name="streams")
    run.log({"a": 1.0, "b": None}, step=3, stream="norms")
    run.log({"a": 1.0, "b": 2.0}, step=3, stream="norms")
    run.finish()
    assert server.record(run.id).series("b") == [(3, 2.0)]
    assert 'headroom: log: "b" of "norms" is no number; step 3 is set aside\n' in capfd.readouterr().err


def test_a_bad_value_a_bad_name_and_a_bad_step_cost_only_themselves_and_are_named_once(init, server, capfd):
    class Raising:
        def __float__(self) -> float:
            raise RuntimeError("no number")

    run = init(name="bad values")
    for i in range(3):
        run.log({"raising": Raising(), "good": i, "huge": 10**400, "list": [1, 2], "": 1, "n" * 513: 1, "\U0001f30a" * 257: 1, "text": "a"}, step=i)
    for step in (2**53, 1.5, "7", math.nan):
        run.log({"good": -1.0}, step=step)
    run.log({"good": 9.0}, step=-2)
    run.log([1])
    run.log({"after": 5.0}, step=2**53 - 1)
    run.log({"after": 6.0})
    run.finish()
    record = server.record(run.id)
    assert record.alerts() == []
    assert record.series("good") == [(i, float(i)) for i in range(3)]
    assert record.series("after") == [(2**53 - 1, 5.0)]
    left_out = "is neither one number nor a sample (text, headroom.Image, Histogram, Table)"
    no_step = "is no step; give a whole number from -(2^53 - 1) to 2^53 - 1"
    assert capfd.readouterr().err.splitlines() == [
        'headroom: log: "" is left out: the name of a series has 1 to 512 characters (of 16 bits), this has 0',
        f'headroom: log: "{"n" * 40}" is left out: the name of a series has 1 to 512 characters (of 16 bits), this has 513',
        f'headroom: log: "{chr(0x1F30A) * 20}" is left out: the name of a series has 1 to 512 characters (of 16 bits), this has 514',
        f'headroom: log: "raising" is left out: Raising {left_out}',
        'headroom: log: "huge" is left out: int is too large for a number of 64 bits',
        f'headroom: log: "list" is left out: list {left_out}',
        f"headroom: log: step: 9007199254740992 {no_step}",
        f"headroom: log: step: 1.5 {no_step}",
        f"headroom: log: step: '7' {no_step}",
        f"headroom: log: step: nan {no_step}",
        'headroom: log: "good" was logged at step 2; step -2 is set aside (use rewind to go back)',
        "headroom: log: list is no dict of names and numbers",
    ]


def test_a_setup_that_is_too_large_is_fitted_and_later_settings_are_settings(init, server, capfd):
    labels = {str(i): f"label number {i}" for i in range(3000)}
    itself: dict = {}
    itself["itself"] = itself
    config = {"lr": 1, "big": 10**400, "model": {"width": 8, "labels": labels}, "tensor": [0.0] * 50_000, "itself": itself}
    run = init(name="\U0001f30a" * 90, project=" ", tags=["a", "", "a ", 5], config=config)
    run.config.lr = 2
    run.log({"loss": 1.0})
    run.config.update(width=9, nan=math.nan)
    run.alert("\U0001f30a" * 2000)
    run.text("\U0001f30a" * 600, "a sample")
    run.finish()
    record = server.record(run.id)
    setup = record.run["setup"]
    assert (setup["name"], setup["project"], setup["tags"]) == ("\U0001f30a" * 40, "default", ["a", "5"])
    assert setup["config"]["model"] == {"width": 8}
    assert (setup["config"]["lr"], setup["config"]["width"], setup["config"]["nan"]) == (2, 9, "nan")
    assert setup["config"]["left out"] == ["tensor", "model.labels"]
    assert record.alerts() == ["\U0001f30a" * 1000]
    assert record.series("loss") == [(0, 1.0)]
    said = capfd.readouterr().err
    assert "name: cut to its first 80 characters" in said and "left out: tensor, model.labels" in said


def test_a_config_that_fits_stays_whole_and_of_a_larger_one_the_largest_values_are_left_out():
    said = []
    fits = {"a": "x" * (MAX_BYTES - 9)}
    assert fitted(fits, said.append) == fits and said == []
    assert fitted({"lr": 1, **fits}, said.append) == {"lr": 1, "left out": ["a"]}
    assert said == ["config: more than 65536 bytes as JSON; left out: a"]
    # The names that are said, and kept, do not make it too large again.
    long = fitted({f"{i}{'x' * 5000}": "y" * 1000 for i in range(40)}, said.append)
    assert len(json.dumps(long)) <= MAX_BYTES and len(said[1]) < 2500


def test_letters_that_the_server_refuses_do_not_cost_the_run(init, server):
    for about in ({"name": "half \ud800"}, {"config": {"\ud800": "\udfff"}}, {"id": "a\0b"}, {"id": "a\0b", "resume": "must"}):
        run = init(**about)
        run.log({"loss": 1.0})
        run.finish()
        assert run.id is not None, about
    assert len(server.record(run.id).series("loss")) == 2


def test_tags_beyond_those_that_are_taken_are_said(init, capfd):
    init(tags=[str(i) for i in range(60)]).finish()
    assert "headroom: tags: only the first 50 of 60 are taken" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"config": [1]}, "config: list is no dict of settings"),
        ({"tags": 5}, "tags: 5 is no list of texts"),
        ({"fork": ("a",)}, "fork: ('a',) is not (run id, step)"),
        ({"resume": "yes"}, 'resume: "yes" is none of never, allow, must'),
        ({"server": "localhost:3000"}, 'server: "localhost:3000" is no address; give one like http://127.0.0.1:3000'),
    ],
)
def test_a_wrong_setting_is_named(init, wrong, message):
    with pytest.raises(headroom.SettingsError) as error:
        init(**wrong)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEADROOM_SERVER", "http://127.0.0.1:abc"),
        ("HEADROOM_SERVER", "http://127.0.0.1:99999"),
        ("HEADROOM_SERVER", "http://[::1"),
        ("HEADROOM_SERVER", "http://127.0.0.1:3000?x=1"),
        ("HEADROOM_MODE", "on"),
        ("HEADROOM_TRAINER_TOKEN", "a\nb"),
        ("HEADROOM_TRAINER_TOKEN", "\u00e4"),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(headroom.SettingsError, match=f"^{name}: "):
        headroom.init()


def test_a_variable_that_nothing_reads_is_said_once_with_what_may_be_meant(monkeypatch, capfd):
    monkeypatch.setenv("HEADROOM_SERVR", "http://127.0.0.1:1")
    monkeypatch.setenv("HEADROOM_QUITE_ANOTHER", "1")
    read_settings()
    read_settings()
    assert capfd.readouterr().err.splitlines() == [
        "headroom: HEADROOM_SERVR: there is no such setting, so it has no effect; did you mean HEADROOM_SERVER?",
        "headroom: HEADROOM_QUITE_ANOTHER: there is no such setting, so it has no effect",
    ]


def test_spaces_around_an_address_and_a_token_are_no_part_of_them(monkeypatch):
    monkeypatch.setenv("HEADROOM_SERVER", " http://127.0.0.1:3000/ ")
    monkeypatch.setenv("HEADROOM_TRAINER_TOKEN", " secret\n")
    settings = read_settings()
    assert (settings.server, settings.token) == ("http://127.0.0.1:3000", "secret")


def test_of_a_file_that_the_server_has_nothing_is_remembered(init):
    run = init(name="a picture a second, for a week")
    blobs = run._session.link._blobs
    for step in range(3):
        run.image("picture", [[step, 255]], step)
    run.finish()
    assert (blobs._known, blobs._left_out) == ({}, {})


def test_a_call_with_more_series_than_a_message_has_events_arrives_whole(init, server):
    run = init(name="wide")
    wide = {f"layer {i}": float(i) for i in range(9000)}
    run.log(wide)
    run.log(wide)
    run.finish(timeout=LIMIT_S)
    record = server.record(run.id)
    assert [record.series(name) for name in ("layer 0", "layer 8999")] == [[(0, 0.0), (1, 0.0)], [(0, 8999.0), (1, 8999.0)]]
    assert (record.status, record.alerts(), len(record._columns)) == ("finished", [], 9002)


def test_a_resumed_run_that_has_gone_on_does_not_go_back_for_a_series_that_is_behind(init, server):
    run = init(id="behind")
    for i in range(10):
        run.log({"loss": float(i)}, step=i)
    run.finish()
    run = init(id="behind", resume="allow")
    run.log({"loss": 10.0}, step=10)
    run.log({"late": 1.0}, step=5)
    run.finish()
    record = server.record(run.id)
    assert record.series("loss") == [(i, float(i)) for i in range(11)]
    assert record.series("late") == [(5, 1.0)]


def test_no_call_with_a_wrong_value_raises_and_what_is_right_is_kept(init, server, capfd, tmp_path):
    class Mute:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    run = init(name="wrong values", id="wrong values")
    room = run.attach()
    for wrong in (Mute(), 1.5, [1], 2j):
        run.define_metric(wrong, goal=wrong)
        run.alert(wrong, "text", "error", step=wrong)
        run.evaluation(wrong, wrong, step=wrong)
        run.text("text", "text", step=wrong)
        run.checkpoint(wrong, step=wrong)
        run.rewind(wrong)
        run.log({"stream": 2j}, stream="complex")
        assert run.handle_commands(wrong) and room.step(loss=1.0, step=wrong)
    # A number is no open file.
    number = os.open(tmp_path, os.O_RDONLY)
    run.checkpoint(number)
    os.close(number)
    run.finish("great", Mute())
    assert '"stream" of "complex" is no number' in capfd.readouterr().err
    record = next(server.record(r["runId"]) for r in server.runs() if r["name"] == "wrong values")
    assert (record.status, len(record.series("loss")), record.of_type("checkpoint")) == ("finished", 4, [])
    run.log({"loss": 1.0})
    assert "log: the run has ended; what is logged now is not kept" in capfd.readouterr().err


def test_tensors_of_every_kind_are_numbers_and_pictures_without_a_warning(init, server, recwarn):
    torch = pytest.importorskip("torch")
    run = init(name="tensors")
    weight = torch.ones((), requires_grad=True)
    for step in range(3):
        run.log({"grad": weight * step, "half": torch.tensor(0.5, dtype=torch.bfloat16), "yes": torch.tensor(True), "one": torch.ones(1, 1)})
        run.log({"stream": weight * step}, step=step, stream="all")
    run.image("picture", torch.ones(2, 2, dtype=torch.bfloat16))
    run.finish()
    record = next(server.record(r["runId"]) for r in server.runs() if r["name"] == "tensors")
    assert [record.series(name)[-1][1] for name in ("grad", "half", "yes", "one", "stream")] == [2.0, 0.5, 1.0, 1.0, 2.0]
    assert [m["kind"] for m in record.of_type("media")] == ["image"]
    assert [str(w.message) for w in recwarn if "headroom" in w.filename] == []


def test_the_mean_of_what_is_masked_as_a_whole_is_left_out_and_not_zero(init, server, capfd):
    numpy = pytest.importorskip("numpy")
    run = init(name="masked")
    values = numpy.ma.array([1.0, 3.0], mask=[False, False])
    run.log({"all": values.mean(), "none": numpy.ma.masked_all(2).mean()})
    run.finish()
    record = server.record(run.id)
    assert (record.series("all"), record.series("none")) == ([(0, 2.0)], [])
    assert capfd.readouterr().err.count('"none" is left out: MaskedConstant is neither one number') == 1


def test_a_cell_that_is_run_again_goes_on_with_its_run(init, server):
    for _ in range(3):
        run = init(name="cell", id="cell", resume="allow")
        run.log({"loss": 1.0})
    run.finish()
    (record,) = [server.record(r["runId"]) for r in server.runs() if r["name"] == "cell"]
    assert (record.status, record.series("loss")) == ("finished", [(0, 1.0), (1, 1.0), (2, 1.0)])
