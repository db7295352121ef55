"""`headroom login` and `headroom sync`."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path
from typing import Any

from . import link as links
from . import spool
from .settings import SettingsError, keep_login, read_settings


class _Listener:
    def __init__(self) -> None:
        self.dropped_because: str | None = None
        self.last: str | None = None

    def opened(self, run_id: str, attempt: int, step: int, status: str) -> None:
        print(f"  run {run_id}, attempt {attempt}")

    def command(self, logged: dict[str, Any]) -> None:
        pass

    def dropped(self, message: str) -> None:
        self.dropped_because = message

    def trouble(self, message: str) -> None:
        self.last = message
        print(f"  {message}", file=sys.stderr)


def sync(folder: Path, server: str, token: str | None, timeout: float = 600.0) -> int:
    """Sends what is kept in `folder` (of one run, or of many), each row once. Returns how many runs could not be sent."""
    folders = [folder] if (folder / "meta.json").exists() else list(spool.runs_in(folder))
    left = 0
    for one in folders:
        meta = spool.read_meta(one)
        lock = spool.FolderLock(one)
        if meta is None or not lock.take():
            print(f"{one}: is being sent by the script itself")
            continue
        print(f"{one}: {meta['setup']['name']}")
        listener = _Listener()
        link = links.Link(one, meta, server, token, listener, until_empty=True)
        link.end()
        link.start()
        link.join(timeout)
        if listener.dropped_because is not None:
            print(f"  {listener.dropped_because}; kept in {one}", file=sys.stderr)
            left += 1
        elif link.done.is_set():
            links.remove(one)
        else:
            print(f"  {server} did not take it all; kept in {one}", file=sys.stderr)
            left += 1
        lock.release()
    return left


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="headroom", description="Puts training scripts into a Headroom room.")
    commands = parser.add_subparsers(dest="command", required=True)
    login = commands.add_parser("login", help="keeps the server's address and a token of scope trainer for all scripts")
    login.add_argument("--server", required=True)
    login.add_argument("--token", help="left out: asked for")
    syncing = commands.add_parser("sync", help="sends what offline runs and lost connections left behind")
    syncing.add_argument("folder", nargs="?", help="left out: .headroom-runs, or HEADROOM_SPOOL")
    syncing.add_argument("--server")
    syncing.add_argument("--token")
    given = parser.parse_args(arguments)
    try:
        if given.command == "login":
            print(f"kept in {keep_login(given.server, given.token or getpass.getpass('token: '))}")
            return 0
        settings = read_settings(given.server, given.token, "online", given.folder)
        if not settings.folder.exists():
            print(f"there is nothing in {settings.folder}")
            return 0
        return 1 if sync(settings.folder, settings.server, settings.token) else 0
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
