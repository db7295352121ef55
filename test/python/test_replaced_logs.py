"""`headroom watch` where a log is replaced, rewritten or cut, or the server or the marks are lost: nothing is doubled or lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from types import SimpleNamespace

import pytest
from conftest import LIMIT_S, wait_for

pytest.importorskip("tensorboard", reason="tensorboard is not installed: `headroom watch` is not tested")
pytest.importorskip("torch")

from headroom import follow  # noqa: E402
from headroom.settings import Settings  # noqa: E402
from torch.utils.tensorboard import SummaryWriter  # noqa: E402
from watched import made, once, recorded, runs_of, watch  # noqa: E402


def rows(values) -> str:
    return "step,loss\n" + "".join(f"{step},{value}\n" for step, value in enumerate(values))


def test_a_log_that_is_replaced_while_it_is_watched_becomes_a_new_run_and_a_rewritten_one_does_not(server, tmp_path):
    csv, events = tmp_path / "logs" / "csv", tmp_path / "logs" / "events"
    csv.mkdir(parents=True)
    (csv / "metrics.csv").write_text(rows([1.5, 1.25]))
    made(events, [1, 2, 3])
    (file,) = events.iterdir()
    made(tmp_path / "other", [5, 6, 7, 8])
    (other,) = (tmp_path / "other").iterdir()
    child = watch(server, tmp_path / "logs", tmp_path / "spool", "--project", "replaced")
    try:
        wait_for("both runs", lambda: [v for v, _ in recorded(server, "replaced")] == [[1.0, 2.0, 3.0], [1.5, 1.25]])
        # The same content again, and more: in place, and under the name of the old file.
        (csv / "metrics.csv").write_text("step,loss,val\n0,1.5,\n1,1.25,\n2,1.125,\n")
        with SummaryWriter(str(events), filename_suffix=".more") as writer:
            writer.add_scalar("loss", 4.0, 4)
        shutil.copy(file, tmp_path / "copy")
        os.replace(tmp_path / "copy", file)
        wait_for("more rows", lambda: [v for v, _ in recorded(server, "replaced")] == [[1.0, 2.0, 3.0, 4.0], [1.5, 1.25, 1.125]])
        # As many bytes as before; a copy of another event file under the same name.
        (csv / "metrics.csv").write_text("step,loss,val\n0,2.5,\n1,2.25,\n2,2.125,\n")
        next(f for f in events.iterdir() if f.name.endswith(".more")).unlink()
        os.replace(other, file)
        wait_for("the new runs", lambda: len(recorded(server, "replaced")) == 4 and recorded(server, "replaced")[-1][0] == [5.0, 6.0, 7.0, 8.0])
        wait_for("the new rows", lambda: recorded(server, "replaced")[2][0] == [2.5, 2.25, 2.125])
    finally:
        child.send_signal(signal.SIGTERM)
        said, _ = child.communicate(timeout=LIMIT_S)
    kept = [[1.0, 2.0, 3.0, 4.0], [1.5, 1.25, 1.125], [2.5, 2.25, 2.125], [5.0, 6.0, 7.0, 8.0]]
    assert recorded(server, "replaced") == [(values, "finished") for values in kept], said
    assert said.count("was written anew: it is logged as a new run") == 2, said
    assert "was written anew" not in once(server, tmp_path / "logs", tmp_path / "spool", "replaced")
    assert [v for v, _ in recorded(server, "replaced")] == kept


@pytest.mark.parametrize("marks", ["with fingerprints", "of an earlier version"])
def test_a_log_that_is_replaced_or_truncated_between_two_watches_becomes_a_new_run(server, tmp_path, marks):
    project = f"between {marks}"
    csv, events = tmp_path / "logs" / "csv", tmp_path / "logs" / "events"

    def watched() -> tuple[str, list[list[float]]]:
        said = once(server, tmp_path / "logs", tmp_path / "spool", project)
        if marks == "of an earlier version":
            for file in (tmp_path / "spool" / "watched").iterdir():
                kept = json.loads(file.read_text())
                if len(kept.get("key", "")) == 46:
                    del kept["key"]
                file.write_text(json.dumps({**kept, "marks": {name: follow.number_of(mark) for name, mark in kept["marks"].items()}}))
        return said, [values for values, _ in recorded(server, project)]

    csv.mkdir(parents=True)
    (csv / "metrics.csv").write_text(rows([1.5, 1.25, 1.125]))
    made(events, [1, 2, 3])
    (file,) = events.iterdir()
    size = file.stat().st_size
    expected = [[1.0, 2.0, 3.0], [1.5, 1.25, 1.125]]
    assert watched()[1] == expected
    said, found = watched()
    assert (found, "anew" in said) == (expected, False)
    # Truncated: the rows that are left begin a new run.
    (csv / "metrics.csv").write_text(rows([1.5]))
    os.truncate(file, size - 10)
    said, found = watched()
    expected = [[1.0, 2.0], *expected[:1], [1.5], *expected[1:]]
    assert (found, said.count("was written anew")) == (expected, 2), said
    # All event files are new: TensorBoard's own names hold the second.
    file.unlink()
    made(events, [7, 8])
    expected.append([7.0, 8.0])
    if marks == "with fingerprints":
        (csv / "metrics.csv").write_text(rows([2.5, 2.25]))
        expected.insert(-1, [2.5, 2.25])
    said, found = watched()
    assert found == expected, said
    assert watched()[1] == expected


def test_a_log_that_is_short_while_it_is_rewritten_is_the_same_one(server, tmp_path, monkeypatch, capfd):
    folder = tmp_path / "logs" / "run"
    folder.mkdir(parents=True)
    file = folder / "metrics.csv"
    file.write_text(rows(range(50)))
    events = tmp_path / "logs" / "events"
    made(events, [1, 2])
    (log,) = events.iterdir()
    whole = log.read_bytes()
    once(server, tmp_path / "logs", tmp_path / "spool", "rewritten")
    file.write_text("step,loss\n0,0\n")
    log.write_bytes(whole[:10])
    # A second event file, so that a part of the folder is read before the wait.
    made(events / "later", [3])
    (later,) = (events / "later").iterdir()
    os.replace(later, events / f"{log.name}.later")
    real = time.sleep

    def sleep(seconds: float) -> None:
        if seconds == follow.REWRITE_SECONDS:
            file.write_text(rows(range(60)))
            log.write_bytes(whole)
        real(seconds)

    monkeypatch.setattr(time, "sleep", sleep)
    follower = follow.Follower(tmp_path / "logs", Settings(server.url, server.token, "online", tmp_path / "spool"), "rewritten")
    assert follower.poll(final=True) > 10
    assert "anew" not in capfd.readouterr().out
    assert [v for v, _ in recorded(server, "rewritten")] == [[float(v) for v in range(60)], [1.0, 2.0, 3.0]]


def test_a_watch_without_the_marks_of_an_earlier_one_and_one_for_another_server_lose_nothing(server, tmp_path):
    folder = tmp_path / "logs" / "run"
    with SummaryWriter(str(folder)) as writer:
        for spool, end in (("one", 20), ("two", 30), ("one", 40)):
            for step in range(end - (20 if end == 20 else 10), end):
                writer.add_scalar("loss", float(step), step)
            writer.flush()
            once(server, tmp_path / "logs", tmp_path / spool, "moved")
    (run_id,) = runs_of(server, "moved").values()
    record = server.record(run_id)
    assert (record.series("loss"), record.alerts()) == ([(s, float(s)) for s in range(40)], [])
    other = type(server)(tmp_path / "other server")
    other.start()
    try:
        once(other, tmp_path / "logs", tmp_path / "one", "moved")
        assert len(other.record(runs_of(other, "moved")["run"]).series("loss")) == 40
    finally:
        other.kill()


def test_a_longer_log_that_begins_as_the_one_that_was_read_is_a_new_run(server, tmp_path):
    csv, events = tmp_path / "logs" / "csv", tmp_path / "logs" / "events"
    csv.mkdir(parents=True)
    same = list(range(200))
    (csv / "metrics.csv").write_text(rows([*same, 1.5, 2.5]))
    made(events, [*same, 301, 302])
    (file,) = events.iterdir()
    once(server, tmp_path / "logs", tmp_path / "spool", "longer")
    (csv / "metrics.csv").write_text(rows([*same, 7.5, 2.5, 3.5]))
    made(tmp_path / "other", [*same, 307, 308, 309])
    (other,) = (tmp_path / "other").iterdir()
    # TensorBoard writes the time of each value: those of the first file make the beginnings equal.
    whole, changed = file.read_bytes(), other.read_bytes()
    at = 0
    while at < 5000:
        at += 16 + int.from_bytes(whole[at : at + 8], "little")
    file.write_bytes(whole[:at] + changed[at:])
    said = once(server, tmp_path / "logs", tmp_path / "spool", "longer")
    assert said.count("was written anew") == 2, said
    found = [values for values, _ in recorded(server, "longer")]
    assert [values[200:] for values in found] == [[1.5, 2.5], [7.5, 2.5, 3.5], [301.0, 302.0], [307.0, 308.0, 309.0]]


def test_a_server_that_lost_its_runs_gets_them_again_at_once_those_that_ended_too(server, tmp_path):
    other = type(server)(tmp_path / "server")
    other.start()
    token = other.token
    # One that has long ended, and one that goes on.
    for name, values, age in (("ended", [4, 5], 3600), ("live", [1, 2, 3], -3600)):
        made(tmp_path / "logs" / name, values)
        for file in (tmp_path / "logs" / name).iterdir():
            os.utime(file, (time.time() - age,) * 2)
    child = watch(other, tmp_path / "logs", tmp_path / "spool", "--project", "wiped")

    def shown():
        runs = [r for r in other.runs() if r["project"] == "wiped"]
        return sorted((r["status"], [v for _, v in other.record(r["runId"]).series("loss")]) for r in runs)

    both = [("finished", [4.0, 5.0]), ("running", [1.0, 2.0, 3.0])]
    try:
        wait_for("the runs", lambda: shown() == both)
        other.kill()
        shutil.rmtree(other.folder)
        other.folder.mkdir()
        (other.folder / "trainer.token").write_text(token)
        other.start()
        wait_for("the runs again", lambda: shown() == both)
    finally:
        child.send_signal(signal.SIGTERM)
        said, _ = child.communicate(timeout=LIMIT_S)
        other.kill()
    assert "the server has its run no more: everything is logged anew" in said


@pytest.mark.parametrize("hours", [-1, 24])
def test_a_log_whose_times_another_clock_gives_goes_on_while_it_is_written_and_ends_when_it_is_not(server, tmp_path, monkeypatch, hours):
    now = 10_000.0
    monkeypatch.setattr(follow, "time", SimpleNamespace(monotonic=lambda: now, time=time.time, sleep=time.sleep))
    log = tmp_path / "logs" / "run" / "metrics.csv"
    log.parent.mkdir(parents=True)

    def write(text: str) -> None:
        with log.open("a") as file:
            file.write(text)
        os.utime(log, (time.time() + hours * 3600,) * 2)

    def has_ended() -> bool:
        follower.poll()
        return follower._followed[log.parent]._run is None

    project = f"other clock {hours}"
    follower = follow.Follower(tmp_path / "logs", Settings(server.url, server.token, "online", tmp_path / "spool"), project)
    write("step,loss\n0,0\n")
    follower.poll()
    ended = []
    for step in (1, 2, 3):
        write(f"{step},{step}\n")
        ended.append(has_ended())
    now += 601
    ended.append(has_ended())
    assert ended == [False, False, False, True]
    record = server.record(runs_of(server, project)["run"])
    assert (record.series("loss"), record.status) == ([(step, float(step)) for step in range(4)], "finished")
