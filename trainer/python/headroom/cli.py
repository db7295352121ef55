"""`headroom login`, `headroom sync` and `headroom watch`."""

from __future__ import annotations

import argparse
import getpass
import importlib.util
import signal
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from . import link as links
from . import spool
from .settings import Settings, SettingsError, keep_login, read_settings


POLL_SECONDS = 0.5


class _Listener:
    def __init__(self, told: set[str]) -> None:
        self.dropped_because: str | None = None
        self.told = told

    def opened(self, run_id: str, attempt: int, step: int, status: str) -> None:
        print(f"  run {run_id}, attempt {attempt}")

    def command(self, logged: dict[str, Any]) -> None:
        pass

    def notice_config(self) -> None:
        pass

    def dropped(self, message: str) -> None:
        self.dropped_because = message

    def trouble(self, message: str) -> None:
        if message not in self.told:
            self.told.add(message)
            print(f"  {message}", file=sys.stderr)


def sync(folder: Path, server: str, token: str | None, timeout: float = 600.0, as_new: bool = False) -> int:
    """Sends the data in `folder` (of one run or of many), each row once. Returns how many runs could not be sent. as_new: a run whose id is taken, or of no run that it could go on with, becomes a run of its own."""
    folders = [folder] if (folder / "meta.json").exists() else list(spool.runs_in(folder))
    failed = 0
    for one in folders:
        answer = send(one, server, token, timeout)
        if answer == "taken" and as_new:
            spool.write_meta(one, {**(spool.read_meta(one) or {}), "key": f"python:{uuid.uuid4().hex}", "resume": "never", "fork": None})
            answer = send(one, server, token, timeout)
        elif answer == "taken":
            print(f"  `headroom sync {one} --as-new` sends it as a run of its own", file=sys.stderr)
        failed += answer in ("dropped", "left", "taken")
    return failed


def send(folder: Path, server: str, token: str | None, timeout: float = 600.0, told: set[str] | None = None) -> str:
    """Sends one run. told: what has been said of it; tried again with it, nothing is repeated. Returns "sent", "busy" (its script sends it), "dropped" (the server does not accept it any more), "taken" (another run has its id, or none that it goes on with) or "left" (try again)."""
    listener = _Listener(set() if told is None else told)
    again = str(folder) in listener.told
    listener.told.add(str(folder))
    lock = spool.FolderLock(folder)
    try:
        meta = spool.read_meta(folder)
        if meta is None:
            print(f"{folder}: its meta.json is damaged; what it holds cannot be sent", file=sys.stderr)
            return "dropped"
        if not lock.take():
            print(f"{folder}: is being sent by the script itself")
            return "busy"
        if not again:
            print(f"{folder}: {meta['setup']['name']}")
        link = links.Link(folder, meta, server, token, listener, until_empty=True)
        link.end()
        link.start()
        link.join(timeout)
        if listener.dropped_because is not None:
            print(f"  {listener.dropped_because}; kept in {folder}", file=sys.stderr)
            return "dropped"
        if link.id_taken or link.wrong:
            return "taken"
        if not link.done.is_set():
            if not again:
                why = f" ({link.reason})" if link.reason and not link.refused else ""
                print(f"  {server} did not take it all{why}; kept in {folder}", file=sys.stderr)
            return "left"
        links.remove(folder, link)
        return "sent"
    finally:
        lock.release()


def watch(logdir: Path, settings: Settings, project: str | None, once: bool, idle: float) -> int:
    """Follows `logdir` until Ctrl+C or SIGTERM."""
    from .follow import Follower, left_behind

    if importlib.util.find_spec("tensorboard") is None:
        print('headroom watch reads event files with the package tensorboard: pip install "headroom[watch]"', file=sys.stderr)
        return 2
    if not logdir.is_dir() and (once or logdir.exists()):
        print(f"{logdir} is no folder", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    try:
        import resource

        # Each live folder needs a connection and a few files.
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = 10_240 if hard == resource.RLIM_INFINITY else min(hard, 10_240)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
    except (ImportError, OSError, ValueError):
        pass
    follower = Follower(logdir, settings, project, idle)
    try:
        # Unsent data of an earlier watch comes first: it says how far the files were read.
        for one in left_behind(settings.folder):
            told: set[str] = set()
            while send(one, settings.server, settings.token, told=told) == "left":
                if once:
                    return 1
                time.sleep(POLL_SECONDS)
        if not logdir.is_dir():
            print(f"{logdir} is not there yet; waiting for it", file=sys.stderr, flush=True)
        while not logdir.is_dir():
            time.sleep(POLL_SECONDS)
        follower.poll(final=once)
        while not once:
            if follower.poll() == 0:
                time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        follower.close()
    return 1 if once and left_behind(settings.folder) else 0


def _seconds(text: str) -> float:
    if not (seconds := float(text)) > 0:
        raise ValueError
    return seconds


_seconds.__name__ = "number of seconds above 0"  # argparse names it in its message


class _Once(argparse.Action):
    """Stores a flag's value; given twice, the flag is an error: which of the two was meant is not known."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: str | None = None) -> None:
        given = namespace.__dict__.setdefault("given", set())
        if self.dest in given:
            parser.error(f"{option_string} is given twice; give it once")
        given.add(self.dest)
        setattr(namespace, self.dest, values)


class _Parser(argparse.ArgumentParser):
    def __init__(self, **about: Any) -> None:
        super().__init__(**about)
        self.register("action", None, _Once)


def main(arguments: list[str] | None = None) -> int:
    parser = _Parser(prog="headroom", description="Puts training scripts into a Headroom room.")
    commands = parser.add_subparsers(dest="command", required=True)
    login = commands.add_parser("login", help="keeps the server's address and a token of scope trainer for all scripts")
    login.add_argument("--server", required=True)
    login.add_argument("--token", help="left out: asked for")
    syncing = commands.add_parser("sync", help="sends what offline runs and lost connections left behind")
    syncing.add_argument("folder", nargs="?", help="left out: .headroom-runs, or HEADROOM_SPOOL")
    syncing.add_argument("--as-new", action="store_true", help="a run whose id another run has, or none that it should go on with, becomes a run of its own")
    syncing.add_argument("--server")
    syncing.add_argument("--token")
    watching = commands.add_parser("watch", help="shows what TensorBoard or Lightning's CSV logger writes, as it is written")
    watching.add_argument("logdir")
    watching.add_argument("--project", help="left out: the folder's name")
    watching.add_argument("--once", action="store_true", help="reads what is there, then ends")
    watching.add_argument("--idle", type=_seconds, default=600.0, metavar="SECONDS", help="a run without news for so long is shown as finished (600)")
    watching.add_argument("--server")
    watching.add_argument("--token")
    given = parser.parse_args(arguments)
    try:
        if given.command == "watch":
            if not given.logdir:
                watching.error('logdir is empty; give a folder, "." for this one')
            return watch(Path(given.logdir), read_settings(given.server, given.token, "online"), given.project, given.once, given.idle)
        if given.command == "login":
            token = given.token or getpass.getpass("token: ")
            try:
                print(f"kept in {keep_login(given.server, token)}")
            except OSError as error:
                print(f"the login cannot be kept: {error}; set XDG_CONFIG_HOME to a folder that can be written", file=sys.stderr)
                return 1
            return 0
        settings = read_settings(given.server, given.token, "online", given.folder)
        if not settings.folder.is_dir() and given.folder:
            print(f"{given.folder} is no folder", file=sys.stderr)
            return 2
        if not (settings.folder / "meta.json").exists() and not any(spool.runs_in(settings.folder)):
            print(f"there is nothing to send in {settings.folder}")
            return 0
        return 1 if sync(settings.folder, settings.server, settings.token, as_new=given.as_new) else 0
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        # The second one, or that of `sync`: what is not sent is kept.
        return 130


if __name__ == "__main__":
    sys.exit(main())
