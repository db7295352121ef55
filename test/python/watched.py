"""Logs written by SummaryWriter, and `headroom watch` on them."""

from __future__ import annotations

import os
import subprocess
import sys

from conftest import LIMIT_S
from torch.utils.tensorboard import SummaryWriter


def watch(server, logdir, spool, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "headroom.cli", "watch", str(logdir), *more],
        env={**os.environ, "HEADROOM_SERVER": server.url, "HEADROOM_TRAINER_TOKEN": server.token, "HEADROOM_SPOOL": str(spool)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def runs_of(server, project: str) -> dict[str, str]:
    return {r["name"]: r["runId"] for r in server.runs() if r["project"] == project}


def recorded(server, project: str) -> list[tuple[list[float], str]]:
    """The values and the status of each run of a project, by its first value."""
    records = [server.record(r["runId"]) for r in server.runs() if r["project"] == project]
    alerts = [alert for record in records for alert in record.alerts()]
    assert alerts == [], alerts
    return sorted(([value for _, value in record.series("loss")], record.status) for record in records)


def made(folder, steps, tag: str = "loss") -> None:
    with SummaryWriter(str(folder)) as writer:
        for step in steps:
            writer.add_scalar(tag, float(step), step)


def once(server, logdir, spool, project: str, status: int = 0) -> str:
    child = watch(server, logdir, spool, "--once", "--project", project)
    said, _ = child.communicate(timeout=LIMIT_S)
    assert child.returncode == status, said
    return said
