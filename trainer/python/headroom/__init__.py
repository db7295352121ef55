"""Connects a training script to a Headroom server: live metrics, and steering between two steps.

>>> import headroom
>>> run = headroom.init(project="lm", name="char gpt", config={"lr": 3e-4})
>>> run.log({"loss": 2.3})
>>> run.finish()
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import uuid
from typing import Any, Mapping, Sequence

from .attention import record_attention
from .config import made_setup
from .media import Histogram, Image, Table, Text
from .numbers import cut, step_of
from .run import Run, _open_runs
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
    In a worker of multiprocessing that runs the script's module again (spawn, forkserver), a run that the module opens as it is imported is disabled.
    With several ranks (torch.distributed, or RANK in the environment) only rank 0 logs; commands reach the other ranks through `attach`.

    Raises SettingsError when a setting is invalid, also an `id` that no run has with resume="must"; an unreachable server is no error.
    """
    from .process import guard

    settings = read_settings(server, token, mode, folder)
    if _rank() > 0 or _imported_by_worker():
        settings = read_settings(server, token, "disabled", folder)
    policy = {True: "must", False: "never", None: "never", "auto": "allow"}.get(resume, resume)
    if policy not in ("never", "allow", "must"):
        raise SettingsError(f'resume: "{resume}" is none of never, allow, must')
    try:
        parent = {"runId": str(fork[0]), "step": step_of(fork[1])} if fork else None
    except (TypeError, IndexError, KeyError, ValueError):
        raise SettingsError(f"fork: {fork!r} is not (run id, step)") from None
    own = str(id or uuid.uuid4().hex[:12])
    setup = made_setup(str(name or "").strip() or own, str(project or os.environ.get("HEADROOM_PROJECT") or "").strip() or "default", config, group, job_type, tags, notes)
    key = f"python:{setup['project']}/{own}"
    if cut(key, 128) != key or re.search(r"[\x00-\x1f\x7f-\x9f]", key):
        key = f"python:{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()}"
    if policy != "never":
        # A cell of a notebook that is run again goes on with the run of the first time, which is open.
        for one in [one for one in _open_runs if one.key == key]:
            one.finish()
    run = Run(
        settings,
        key,
        setup,
        policy,
        parent,
        console,
        system_seconds,
    )
    if settings.mode != "disabled":
        guard(run)
        if settings.mode == "online" and (policy != "never" or parent):
            run.check_opening(_OPEN_SECONDS)
    return run


def _imported_by_worker() -> bool:
    """The script's module is being run again for a worker, e.g. of a DataLoader: the run that it opens is that of the process that started the worker."""
    frame: Any = sys._getframe()
    while frame is not None and (frame.f_code.co_name, frame.f_globals.get("__name__")) != ("<module>", "__mp_main__"):
        frame = frame.f_back
    return frame is not None


def _rank() -> int:
    """Rank of this process among those that train the run."""
    dist = getattr(sys.modules.get("torch"), "distributed", None)
    if dist is not None and dist.is_available() and dist.is_initialized():
        return int(dist.get_rank())
    try:
        return int(os.environ.get("RANK", "0"))
    except ValueError:
        return 0
