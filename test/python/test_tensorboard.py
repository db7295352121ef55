"""`headroom watch`: what TensorBoard and Lightning's CSV logger write, value for value; and SummaryWriter's calls."""

from __future__ import annotations

import math
import os
import random
import resource
import shutil
import signal
import socket
import time

import pytest
from conftest import LIMIT_S, wait_for

pytest.importorskip("tensorboard", reason="tensorboard is not installed: `headroom watch` is not tested")
torch = pytest.importorskip("torch")

from headroom import follow  # noqa: E402
from headroom.session import Session  # noqa: E402
from headroom.settings import Settings  # noqa: E402
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402
from torch.utils.tensorboard import SummaryWriter  # noqa: E402
from watched import made, once, recorded, runs_of, watch  # noqa: E402


def shown(folder) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard's own accumulator shows of a folder."""
    accumulator = EventAccumulator(str(folder), size_guidance={"tensors": 0, "scalars": 0})
    accumulator.Reload()
    tags = accumulator.Tags()
    found = {tag: [(e.step, e.value) for e in accumulator.Scalars(tag)] for tag in tags["scalars"]}
    return found


def test_every_scalar_is_the_one_that_tensorboard_shows_live_and_in_many_runs(server, tmp_path):
    logdir = tmp_path / "logs"
    writers = {name: SummaryWriter(str(logdir / name), flush_secs=1) for name in ("one", "deep/two")}
    for writer in writers.values():
        writer.add_scalar("loss", 1 / 3, 0)
        writer.flush()
    child = watch(server, logdir, tmp_path / "spool", "--project", "live")
    try:
        runs = wait_for("both runs", lambda: len(r := runs_of(server, "live")) == 2 and r)
        assert sorted(runs) == ["deep/two", "one"]
        chance = random.Random(0)
        for step in range(1, 300):
            for name, writer in writers.items():
                writer.add_scalar("loss", chance.gauss(0, 1), step)
                if step % 10 == 0:
                    writer.add_scalar("val/loss", math.nan if step == 70 else step / 7, step)
        for writer in writers.values():
            writer.close()
        wait_for("the last row", lambda: server.record(runs["one"]).series("loss")[-1][0] == 299)
        wait_for("the last row", lambda: server.record(runs["deep/two"]).series("loss")[-1][0] == 299)
    finally:
        child.send_signal(signal.SIGTERM)
        said, _ = child.communicate(timeout=LIMIT_S)
    for name, run_id in runs.items():
        record = server.record(run_id)
        assert (record.status, record.alerts()) == ("finished", []), said
        expected = shown(logdir / name)
        assert set(expected) == {"loss", "val/loss"}
        assert repr({tag: record.series(tag) for tag in expected}) == repr(expected)


def test_tensorflow_is_not_imported_to_read_event_files(server, tmp_path, monkeypatch):
    made(tmp_path / "logs" / "run", [1, 2])
    (tmp_path / "packages" / "tensorflow").mkdir(parents=True)
    (tmp_path / "packages" / "tensorflow" / "__init__.py").write_text("raise SystemExit('TensorFlow was imported')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "packages"), *filter(None, [os.environ.get("PYTHONPATH")])]))
    once(server, tmp_path / "logs", tmp_path / "spool", "without")
    assert recorded(server, "without") == [([1.0, 2.0], "finished")]


def test_text_images_histograms_tensors_and_hyperparameters_are_shown(server, tmp_path):
    logdir = tmp_path / "logs"
    with SummaryWriter(str(logdir)) as writer:
        writer.add_text("note", "some *words*", 3)
        writer.add_image("picture", torch.rand(3, 4, 5), 3)
        writer.add_images("several", torch.rand(2, 1, 4, 5), 3)
        writer.add_histogram("weights", torch.arange(100.0), 3)
        writer.add_histogram("constant", torch.ones(10), 3)
        writer.add_scalar("new style", 0.25, 3, new_style=True)
    assert watch(server, tmp_path / "logs", tmp_path / "spool", "--once", "--project", "samples").wait(LIMIT_S) == 0
    (run_id,) = runs_of(server, "samples").values()
    record = server.record(run_id)
    assert record.alerts() == []
    assert record.series("new style") == [(3, 0.25)]
    kinds = {m["name"].removesuffix("/text_summary"): m["kind"] for m in record.of_type("media")}
    assert kinds == {"note": "text", "picture": "image", "several": "image", "weights": "histogram", "constant": "histogram"}


def test_a_resumed_run_is_joined_and_a_purge_is_followed(server, tmp_path):
    folder = tmp_path / "logs" / "run"
    with SummaryWriter(str(folder)) as writer:
        for step in range(100):
            writer.add_scalar("loss", float(step), step)
    time.sleep(1.1)  # the name of an event file holds the second
    with SummaryWriter(str(folder)) as writer:
        for step in range(80, 120):
            writer.add_scalar("loss", 1000.0 + step, step)
    time.sleep(1.1)
    with SummaryWriter(str(folder), purge_step=110) as writer:
        for step in range(110, 115):
            writer.add_scalar("loss", 2000.0 + step, step)
    for _ in range(2):
        assert watch(server, tmp_path / "logs", tmp_path / "spool", "--once", "--project", "joined").wait(LIMIT_S) == 0
        (run_id,) = runs_of(server, "joined").values()
        record = server.record(run_id)
        expected = [(s, float(s)) for s in range(80)] + [(s, 1000.0 + s) for s in range(80, 110)] + [(s, 2000.0 + s) for s in range(110, 115)]
        assert record.series("loss") == expected
        assert record.alerts() == []


def test_watch_killed_at_random_moments_and_started_again_doubles_and_loses_nothing(server, tmp_path):
    folder = tmp_path / "logs" / "run"
    writer = SummaryWriter(str(folder), flush_secs=1)
    chance = random.Random(4)
    step = 0

    def some(count: int) -> None:
        nonlocal step
        for _ in range(count):
            writer.add_scalar("loss", step / 3, step)
            if step % 7 == 0:
                writer.add_scalar("rare", float(step), step // 2)
            step += 1
        writer.flush()

    some(50)
    for _ in range(4):
        child = watch(server, tmp_path / "logs", tmp_path / "spool", "--project", "killed")
        until = time.monotonic() + chance.uniform(1.0, 4.0)
        while time.monotonic() < until:
            some(20)
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
        child.wait()
        some(100)
    writer.close()
    child = watch(server, tmp_path / "logs", tmp_path / "spool", "--once", "--project", "killed")
    said, _ = child.communicate(timeout=LIMIT_S)
    assert child.returncode == 0, said
    (run_id,) = runs_of(server, "killed").values()
    record = server.record(run_id)
    assert record.series("loss") == [(s, pytest.approx(s / 3, rel=1e-6)) for s in range(step)]
    assert [s for s, _ in record.series("rare")] == [s // 2 for s in range(0, step, 7)]
    assert record.of_type("rewind") == [] and record.alerts() == []


def test_lightnings_csv_is_followed_while_its_columns_grow(server, tmp_path):
    folder = tmp_path / "logs" / "version_0"
    folder.mkdir(parents=True)
    file = folder / "metrics.csv"
    file.write_text("step,loss\n0,1.5\n1,1.25\n")
    child = watch(server, tmp_path / "logs", tmp_path / "spool", "--project", "csv")
    try:
        runs = wait_for("the run", lambda: runs_of(server, "csv"))
        file.write_text("epoch,step,loss,val\n,0,1.5,\n,1,1.25,\n0,1,,nan\n,2,1e-3,-inf\n,3,0.7")
        wait_for("the new rows", lambda: len(server.record(runs["version_0"]).series("loss")) == 3)
        with file.open("a") as more:
            more.write("5,\n")
        wait_for("the last row", lambda: len(server.record(runs["version_0"]).series("loss")) == 4)
    finally:
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=LIMIT_S)
    assert watch(server, tmp_path / "logs", tmp_path / "spool", "--once", "--project", "csv").wait(LIMIT_S) == 0
    record = server.record(runs["version_0"])
    assert repr(record.series("loss")) == repr([(0, 1.5), (1, 1.25), (2, 0.001), (3, 0.75)])
    assert repr(record.series("val")) == repr([(1, math.nan), (2, -math.inf)])
    assert record.alerts() == []


def test_the_calls_of_summary_writer(server, settings):
    from headroom.tensorboard import SummaryWriter as Ours

    with Ours("runs/drop in", **settings) as writer:
        for step in range(10):
            writer.add_scalar("loss", torch.tensor(1 / (step + 1)), step)
            writer.add_scalars("both", {"a": step, "b": -step}, step)
        writer.add_histogram("weights", torch.arange(10.0), 9)
        writer.add_image("picture", torch.rand(3, 4, 5), 9)
        writer.add_text("note", "words", 9)
        writer.add_graph(None)
    (run,) = [r for r in server.runs() if r["name"] == "drop in"]
    record = server.record(run["runId"])
    assert record.status == "finished"
    assert record.series("loss") == [(i, float(torch.tensor(1 / (i + 1)))) for i in range(10)]
    assert record.series("both/b") == [(i, -float(i)) for i in range(10)]
    assert [(m["name"], m["kind"], m["step"]) for m in record.of_type("media")] == [("weights", "histogram", 9), ("picture", "image", 9), ("note", "text", 9)]


def test_loops_of_links_pipes_and_names_that_are_no_utf8_are_no_obstacle(server, tmp_path):
    logdir = tmp_path / "logs"
    outside = tmp_path / "outside"
    made(logdir / "real", range(3))
    made(outside / "linked", range(4))
    no_utf8 = os.fsdecode(os.fsencode(logdir) + b"/caf\xe9")
    os.mkdir(no_utf8)
    with open(f"{no_utf8}/metrics.csv", "w") as file:
        file.write("step,loss\n0,2.5\n1,1.5\n")
    for at, target in {"a": ".", "real/up": "..", "latest": "real", "more": outside}.items():
        os.symlink(target, logdir / at)
    os.symlink(".", outside / "again")
    (logdir / "pipe").mkdir()
    os.mkfifo(logdir / "pipe" / "metrics.csv")
    os.mkfifo(logdir / "real" / "events.out.tfevents.1.pipe")
    once(server, logdir, tmp_path / "spool", "links")
    lengths = {name: len(server.record(id).series("loss")) for name, id in runs_of(server, "links").items()}
    assert lengths == {"real": 3, "more/linked": 4, "caf\ufffd": 2}


def test_what_cannot_be_read_is_named_once_and_hides_nothing_else(server, tmp_path):
    from tensorboard.compat.proto.event_pb2 import Event

    folder = tmp_path / "logs" / "run"
    with SummaryWriter(str(folder)) as writer:
        for step in range(6):
            writer.add_scalar("loss", float(step), step)
            if step == 3:
                for time_written in (math.nan, math.inf):
                    event = Event(step=int(3 + (time_written > 0)), wall_time=time_written)
                    event.summary.value.add(tag="timeless", simple_value=7.0)
                    writer.file_writer.event_writer.add_event(event)
                event = Event(step=3, wall_time=1.0)
                event.summary.value.add(tag="broken").tensor.dtype = 9999
                writer.file_writer.event_writer.add_event(event)
    child = watch(server, tmp_path / "logs", tmp_path / "spool", "--project", "broken")
    try:
        runs = wait_for("the run", lambda: runs_of(server, "broken"))
        wait_for("the last row", lambda: len(server.record(runs["run"]).series("loss")) == 6)
    finally:
        child.send_signal(signal.SIGTERM)
        said, _ = child.communicate(timeout=LIMIT_S)
    record = server.record(runs["run"])
    assert record.series("timeless") == [(3, 7.0), (4, 7.0)] and record.alerts() == []
    assert said.count("9999") == 1, said


def test_a_run_ends_also_when_its_folder_was_deleted(server, tmp_path):
    made(tmp_path / "logs" / "gone", range(3))
    child = watch(server, tmp_path / "logs", tmp_path / "spool", "--project", "deleted", "--idle", "4")
    try:
        (run_id,) = wait_for("the run", lambda: runs_of(server, "deleted")).values()
        shutil.rmtree(tmp_path / "logs" / "gone")
        wait_for("its end", lambda: server.record(run_id).status == "finished")
    finally:
        child.kill()
        child.communicate()


def test_a_watch_that_has_nothing_to_show_says_so(server, tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir()

    def said() -> list[str]:
        # TensorFlow, where it is there, says things of its own.
        return [line for line in once(server, logs, tmp_path / "spool", "none").splitlines() if line.startswith(str(logs))]

    assert said() == [f"{logs}: there is no log in it (event files of TensorBoard, metrics.csv)"]
    made(logs / "run", range(3))
    assert said() == [f"{logs / 'run'}: run"]
    assert said() == [f"{logs}: nothing new since it was read last"]


def test_a_folder_that_is_not_there_yet_is_waited_for(server, tmp_path):
    later = tmp_path / "later"
    child = watch(server, later, tmp_path / "spool")
    assert f"{later} is not there yet; waiting for it\n" in iter(child.stdout.readline, "")
    made(later / "run", range(3))
    wait_for("the run", lambda: "run" in runs_of(server, "later"))
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=LIMIT_S)
    assert child.returncode == 0
    assert f"{tmp_path / 'nosuch'} is no folder\n" in once(server, tmp_path / "nosuch", tmp_path / "spool", "none", 2)


def test_a_server_that_is_away_is_mentioned_once_and_wrong_arguments_are_named(server, tmp_path):
    made(tmp_path / "logs" / "run", range(3))
    away = type(server)(tmp_path / "never started")
    away.folder.mkdir()
    (away.folder / "trainer.token").write_text("token")
    said = once(away, tmp_path / "logs", tmp_path / "spool", "away", 1)
    assert (said.count(f"{away.url} does not answer: check the address; what is read is kept in"), said.count("has not got everything")) == (1, 1), said
    with socket.create_server(("127.0.0.1", away.port)) as door:
        child = watch(away, tmp_path / "logs", tmp_path / "spool")
        for _ in range(4):
            door.accept()[0].close()
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate(timeout=LIMIT_S)
    assert (said.count("did not take it all"), said.count(": run\n"), child.returncode) == (1, 1, 0), said
    once(away, tmp_path / "logs", tmp_path / "spool", "away", 1)
    for idle in ("-1", "0", "nan", "soon"):
        child = watch(server, tmp_path / "logs", tmp_path / "spool", "--idle", idle)
        assert f"argument --idle: invalid number of seconds above 0 value: '{idle}'" in child.communicate()[0]
    assert 'logdir is empty; give a folder, "." for this one' in watch(server, "", tmp_path / "spool").communicate()[0]


def test_more_old_folders_than_a_process_may_have_open_files_are_read_one_after_the_other(server, tmp_path):
    for i in range(40):
        (tmp_path / "logs" / str(i)).mkdir(parents=True)
        (tmp_path / "logs" / str(i) / "metrics.csv").write_text("step,loss\n0,1.5\n")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
    try:
        once(server, tmp_path / "logs", tmp_path / "spool", "many")
        assert len(runs_of(server, "many")) == 40
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_folders_do_not_wait_long_for_a_server_that_cannot_be_reached_and_lose_nothing(server, tmp_path, monkeypatch):
    for i in range(3):
        made(tmp_path / "logs" / str(i), [1, 2])
    waited: list[float] = []
    real = Session.wait_until_open

    def wait(session, timeout: float) -> bool:
        waited.append(timeout)
        return real(session, timeout)

    monkeypatch.setattr(Session, "wait_until_open", wait)
    away = type(server)(tmp_path / "server")
    away.folder.mkdir()
    (away.folder / "trainer.token").write_text(server.token)
    follower = follow.Follower(tmp_path / "logs", Settings(away.url, away.token, "online", tmp_path / "spool"), "away")
    assert follower.poll() > 0
    follower.close()
    assert sum(waited) < 10.0, waited
    away.start()
    try:
        once(away, tmp_path / "logs", tmp_path / "spool", "away")
        assert [v for v, _ in recorded(away, "away")] == [[1.0, 2.0]] * 3
    finally:
        away.kill()
