"""A real server for each test that asks for one, and what it has recorded."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

ROOT = Path(__file__).resolve().parents[2]
NODE = os.environ.get("NODE", "node")
LIMIT_S = 600.0
"""Longer than anything takes that a test waits for, on a loaded machine too; a test that waits in vain fails instead of hanging."""


class Server:
    """`node test/python/server.ts`; may be killed and started again on the same folder and port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[str] | None = None

    @property
    def token(self) -> str:
        return (self.folder / "trainer.token").read_text().strip()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [NODE, "--import", "tsx", "test/python/server.ts", str(self.folder), str(self.port)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert json.loads(line)["url"] == self.url, line

    def kill(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def ask(self, name: str, payload: Any = None) -> Any:
        """A tRPC question; payloads without special numbers."""
        body = b"" if payload is None else json.dumps(payload).encode()
        request = urllib.request.Request(f"{self.url}/api/trpc/{name}", data=body, method="POST", headers={"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
                return json.loads(answer.read())["result"]["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{name}: {error.read().decode()}") from error

    def runs(self) -> list[dict[str, Any]]:
        return self.ask("runs.list")

    def record(self, run_id: str) -> "Record":
        with urllib.request.urlopen(f"{self.url}/api/runs/{run_id}/export?format=json", timeout=LIMIT_S) as answer:
            return Record(json.loads(answer.read()))

    def command(self, run_id: str, **command: Any) -> Any:
        return self.ask("runs.command", {"runId": run_id, **command})


class Record:
    """What the server has of a run."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.run = document["run"]
        self.status = self.run["status"]
        self.events = [e["event"] for e in document["events"]]
        self.names = self._columns = document["columns"]
        self._rows = document["rows"]

    def series(self, name: str) -> list[tuple[int, float]]:
        """(step, value) of every row in force that has one; none where the series is not there (yet)."""
        if name not in self._columns:
            return []
        at = self._columns.index(name)
        return [(row[0], float(str(row[at]).replace("Infinity", "inf"))) for row in self._rows if row[at] is not None]

    def of_type(self, type: str) -> list[dict[str, Any]]:
        return [e for e in self.events if e["type"] == type]

    def alerts(self) -> list[str]:
        return [a["message"] for a in self.of_type("alert")]


@pytest.fixture(scope="session")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("server"))
    made.start()
    yield made
    made.kill()


@pytest.fixture
def server(_server: Server) -> Iterator[Server]:
    if _server.process is None:
        _server.start()
    yield _server


@pytest.fixture
def settings(server: Server, tmp_path: Path) -> dict[str, Any]:
    """Arguments of `headroom.init` for a run at this server, with its spool in the test's own folder."""
    return {"server": server.url, "token": server.token, "folder": tmp_path / "spool", "system_seconds": None}


@pytest.fixture
def init(settings: dict[str, Any]) -> Iterator[Callable[..., Any]]:
    """`headroom.init` at this server, with its spool in the test's own folder."""
    import headroom

    made = []

    def start(**more: Any) -> Any:
        run = headroom.init(**{**settings, **more})
        made.append(run)
        return run

    yield start
    for run in made:
        run.finish(timeout=5)


def wait_for(what: str, reached: Callable[[], Any], pause: float = 0.02) -> Any:
    until = time.monotonic() + LIMIT_S
    while True:
        found = reached()
        if found:
            return found
        assert time.monotonic() < until, f"{what}: not within {LIMIT_S} s"
        time.sleep(pause)


def patience(seconds: float) -> float:
    """A time limit that holds on a quiet machine, stretched by how many processes want each core."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def script(source: str, server: Server, folder: Path, **env: str) -> subprocess.Popen[str]:
    """A training script as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", source],
        env={**os.environ, "HEADROOM_SERVER": server.url, "HEADROOM_TRAINER_TOKEN": server.token, "HEADROOM_SPOOL": str(folder), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
