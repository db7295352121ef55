"""`headroom sync` sends what is left, each row once, and says what it cannot send."""

from __future__ import annotations

import errno
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import headroom
import pytest
from headroom import spool
from headroom.cli import main, send, sync


def test_an_offline_run_goes_up_later_each_row_once(server, tmp_path):
    run = headroom.init(name="offline", mode="offline", folder=tmp_path, system_seconds=None)
    for i in range(30_000):
        run.log({f"m{k}": i + k / 10 for k in range(10)})
    run.checkpoint(b"x" * 100)
    run.finish()
    assert sync(tmp_path, server.url, server.token) == 0
    assert sync(tmp_path, server.url, server.token) == 0
    (found,) = [r for r in server.runs() if r["name"] == "offline"]
    record = server.record(found["runId"])
    assert record.series("m3") == [(i, i + 0.3) for i in range(30_000)]
    assert record.status == "finished"


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the time zone cannot be set here")
def test_attempts_are_sent_in_their_order_also_when_the_clocks_went_back_between_them(server, tmp_path, monkeypatch):
    with monkeypatch.context() as berlin:
        berlin.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        # 25 October 2026: 02:50 summer time, and 02:10 after it.
        for hour, steps in ((1792889400, (0, 1)), (1792890600, (2, 3))):
            berlin.setattr(time, "time", lambda: float(hour))
            run = headroom.init(id="night", resume="allow", mode="offline", folder=tmp_path, system_seconds=None)
            for step in steps:
                run.log({"loss": 1.0}, step)
            run.finish()
    time.tzset()
    assert sync(tmp_path, server.url, server.token) == 0
    (found,) = [r for r in server.runs() if r["name"] == "night"]
    record = server.record(found["runId"])
    assert ([step for step, _ in record.series("loss")], record.alerts()) == ([0, 1, 2, 3], [])


def test_what_keeps_a_run_from_being_sent_is_said_once_however_often_it_is_tried(server, tmp_path, capfd):
    run = headroom.init(name="refused again", mode="offline", folder=tmp_path, system_seconds=None)
    run.log({"loss": 1.0})
    run.finish()
    (folder,) = spool.runs_in(tmp_path)
    told: set[str] = set()
    assert [send(folder, server.url, "wrong", told=told) for _ in range(3)] == ["left"] * 3
    said = "".join(capfd.readouterr())
    assert [said.count(words) for words in ("refused again", "and none came, or one that is not known", "did not take it all")] == [1, 1, 1], said
    # Nobody listens there: only the connection knows why.
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert send(folder, nowhere, None) == "left"
    assert re.search(rf"{nowhere} did not take it all \({nowhere}: .*refused\); kept in", capfd.readouterr().err)
    assert send(folder, server.url, server.token, told=told) == "sent"


def test_a_damaged_folder_does_not_keep_the_others_from_being_sent(server, tmp_path, capfd):
    for text in ("{", "[]", '{"key": "python:damaged"}'):
        folder = tmp_path / f"1{len(text)}"
        folder.mkdir()
        (folder / "meta.json").write_text(text)
    run = headroom.init(name="beside damage", mode="offline", folder=tmp_path, system_seconds=None)
    run.log({"loss": 1.0})
    run.finish()
    assert sync(tmp_path, server.url, server.token) == 3
    assert capfd.readouterr().err.count("its meta.json is damaged; what it holds cannot be sent") == 3
    assert [r["status"] for r in server.runs() if r["name"] == "beside damage"] == ["finished"]


def test_a_folder_that_is_none_is_said(tmp_path, monkeypatch, capfd):
    assert main(["sync", str(tmp_path / "nosuch")]) == 2
    assert capfd.readouterr().err == f"{tmp_path / 'nosuch'} is no folder\n"
    assert main(["sync", str(tmp_path)]) == 0
    assert capfd.readouterr().out == f"there is nothing to send in {tmp_path}\n"
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    assert main(["login", "--server", "http://127.0.0.1:3000", "--token", "secret"]) == 1
    assert "the login cannot be kept: " in capfd.readouterr().err


def test_a_flag_that_is_given_twice_is_an_error(capfd):
    with pytest.raises(SystemExit):
        main(["login", "--server", "http://127.0.0.1:3000", "--token", "one", "--token", "two"])
    assert "--token is given twice; give it once" in capfd.readouterr().err


def test_a_run_whose_id_is_taken_is_kept_until_it_may_be_a_run_of_its_own(server, tmp_path, capfd):
    for name in ("first", "second"):
        run = headroom.init(name=name, id="same-id", mode="offline", folder=tmp_path, system_seconds=None)
        run.log({"loss": 1.0 if name == "first" else 2.0})
        run.finish()
        assert sync(tmp_path, server.url, server.token) == (0 if name == "first" else 1)
    (folder,) = tmp_path.iterdir()
    assert f"  `headroom sync {folder} --as-new` sends it as a run of its own" in capfd.readouterr().err
    assert sync(tmp_path, server.url, server.token, as_new=True) == 0
    assert list(tmp_path.iterdir()) == []
    runs = {r["name"]: r["runId"] for r in server.runs()}
    assert {name: server.record(runs[name]).series("loss") for name in ("first", "second")} == {"first": [(0, 1.0)], "second": [(0, 2.0)]}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"id": "nobody", "resume": "must"}, 'key: no run has this key, and resume is "must"'),
        ({"fork": ("nosuch", 3)}, "fork.runId: there is no run nosuch"),
    ],
)
def test_a_run_that_cannot_be_gone_on_with_is_said_at_once_and_leaves_nothing(settings, tmp_path, monkeypatch, capfd, asked, message):
    monkeypatch.setattr(headroom, "_OPEN_SECONDS", 600.0)
    with pytest.raises(headroom.SettingsError, match=re.escape(message)):
        headroom.init(**settings, **asked)
    assert (list((tmp_path / "spool").iterdir()), capfd.readouterr().err) == ([], "")


def test_an_offline_run_that_must_go_on_with_none_can_be_sent_as_its_own(server, tmp_path, capfd):
    run = headroom.init(name="must alone", id="nobody", resume="must", mode="offline", folder=tmp_path, system_seconds=None)
    run.log({"loss": 1.0})
    run.finish()
    assert sync(tmp_path, server.url, server.token) == 1
    assert 'key: no run has this key, and resume is "must"' in capfd.readouterr().err
    assert sync(tmp_path, server.url, server.token, as_new=True) == 0
    assert [r["status"] for r in server.runs() if r["name"] == "must alone"] == ["finished"]


def test_login_is_kept_for_its_owner_alone(tmp_path, server):
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-m", "headroom.cli", "login", "--server", server.url, "--token", "secret"], env=env, check=True)
    file = tmp_path / "headroom" / "settings.json"
    assert file.stat().st_mode & 0o777 == 0o600
    source = "from headroom.settings import read_settings; s = read_settings(); print(s.server, s.token)"
    env.pop("HEADROOM_SERVER", None)
    said = subprocess.run([sys.executable, "-c", source], env=env, check=True, capture_output=True, text=True).stdout
    assert said.split() == [server.url, "secret"]


def test_a_spool_that_has_filled_its_disk_is_sent_in_the_space_that_it_kept(server, tmp_path, monkeypatch, capfd):
    run = headroom.init(name="filled", mode="offline", folder=tmp_path, system_seconds=None)
    for step in range(10):
        run.log({"loss": float(step)}, step=step)
    run.finish()
    free = 0
    write, write_text, unlink = os.write, Path.write_text, os.unlink

    def taken(size):
        nonlocal free
        if free < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        free -= size

    def unlinked(path, *, dir_fd=None):
        nonlocal free
        free += os.stat(path, dir_fd=dir_fd).st_size
        unlink(path, dir_fd=dir_fd)

    with monkeypatch.context() as disk:
        disk.setattr(os, "write", lambda file, data: (taken(len(data)), write(file, data))[1])
        disk.setattr(Path, "write_text", lambda path, text, encoding=None: (taken(len(text)), write_text(path, text, encoding))[1])
        disk.setattr(os, "unlink", unlinked)
        assert sync(tmp_path, server.url, server.token) == 0, capfd.readouterr().err
    (found,) = [r for r in server.runs() if r["name"] == "filled"]
    assert server.record(found["runId"]).series("loss") == [(step, float(step)) for step in range(10)]
    assert list(tmp_path.iterdir()) == []


def test_a_batch_of_which_the_disk_took_a_part_is_written_again_whole(tmp_path, monkeypatch):
    cuts = spool.Cuts(tmp_path)
    first, second = spool.Cut((0, 0), (0, 50), 0, 3), spool.Cut((0, 50), (1, 8), 3, 4)
    cuts.add(first)
    write = os.write
    with monkeypatch.context() as disk:
        disk.setattr(os, "write", lambda file, data: write(file, data[:17]))
        with pytest.raises(OSError, match=f"No space left on device: '{tmp_path}'"):
            cuts.add(second)
    cuts.add(second)
    assert cuts.all() == [first, second]
    cuts.close()
