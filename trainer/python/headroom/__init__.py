"""Connects a training script to a Headroom server: live metrics, and steering between two steps.

>>> import headroom
>>> run = headroom.init(project="lm", name="char gpt", config={"lr": 3e-4})
>>> run.log({"loss": 2.3})
>>> run.finish()
"""

from __future__ import annotations

import os
import sys
import uuid
from typing import Any, Mapping, Sequence

from .attention import record_attention
from .media import Histogram, Image, Table, Text
from .run import Run
from .settings import SettingsError, read_settings
from .steering import Action, Control, Refused

__version__ = "0.2.0"
__all__ = ["Action", "Control", "Histogram", "Image", "Refused", "Run", "SettingsError", "Table", "Text", "init", "record_attention", "__version__"]

_OPEN_SECONDS = 10.0


def init(
    project: str | None = None,
    name: str | None = None,
    config: Mapping[str, Any] | None = None,
    group: str | None = None,
    job_type: str | None = None,
    tags: Sequence[str] | None = None,
    notes: str | None = None,
    id: str | None = None,
    resume: str | bool | None = None,
    mode: str | None = None,
    server: str | None = None,
    token: str | None = None,
    fork: tuple[str, int] | None = None,
    folder: str | os.PathLike[str] | None = None,
    console: bool = False,
    system_seconds: float | None = 15.0,
) -> Run:
    """Opens a run.

    id: the script's name for the run; the same id in the same project is the same run. resume: "never" (the id must be new), "allow", "must"; default: "never".
    mode: "online", "offline" (kept in `folder`; `headroom sync` sends it) or "disabled". fork: (run id, step) of the run that this one continues from.
    Settings come from the argument, then the environment (HEADROOM_SERVER, HEADROOM_TRAINER_TOKEN, HEADROOM_MODE, HEADROOM_SPOOL), then `headroom login`.
    With several ranks (torch.distributed, or RANK in the environment) only rank 0 logs; commands reach the other ranks through `attach`.

    Raises SettingsError when a setting is invalid; an unreachable server is no error.
    """
    from .process import guard

    settings = read_settings(server, token, mode, folder)
    if _rank() > 0:
        settings = read_settings(server, token, "disabled", folder)
    policy = {True: "must", False: "never", None: "never", "auto": "allow"}.get(resume, resume)
    if policy not in ("never", "allow", "must"):
        raise SettingsError(f'resume: "{resume}" is none of never, allow, must')
    in_project = (project or os.environ.get("HEADROOM_PROJECT") or "default").strip()[:80] or "default"
    own = id or uuid.uuid4().hex[:12]
    key = f"python:{in_project}/{own}"
    if len(key) > 128:
        import hashlib

        key = f"python:{hashlib.sha256(key.encode()).hexdigest()}"
    setup: dict[str, Any] = {"name": (name or own).strip()[:80] or own[:80], "project": in_project, "config": dict(config or {})}
    if group:
        setup["group"] = group[:128]
    if job_type:
        setup["jobType"] = job_type[:64]
    if tags:
        setup["tags"] = [str(t)[:40] for t in tags][:50]
    if notes:
        setup["notes"] = notes[:4000]
    run = Run(
        settings,
        key,
        setup,
        policy,
        {"runId": fork[0], "step": int(fork[1])} if fork else None,
        console,
        system_seconds,
    )
    if settings.mode != "disabled":
        guard(run)
        if settings.mode == "online" and policy != "never":
            run.wait_until_open(_OPEN_SECONDS)
    return run


def _rank() -> int:
    """Rank of this process among those that train the run."""
    dist = getattr(sys.modules.get("torch"), "distributed", None)
    if dist is not None and dist.is_available() and dist.is_initialized():
        return int(dist.get_rank())
    try:
        return int(os.environ.get("RANK", "0"))
    except ValueError:
        return 0
