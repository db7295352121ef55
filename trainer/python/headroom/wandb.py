"""The calls of `wandb` that training scripts use, for a script written for wandb.

>>> import headroom.wandb as wandb

`init`, `config`, `log`, `define_metric`, `watch`, `alert`, `finish`, `Image`, `Table`, `Histogram`, `run.summary` work as in wandb. Arguments and calls that have no
meaning here are ignored with one visible line each. One difference: if a name is logged twice at the same step, the first value stays.

People can pause and resume the run (`log` waits during a pause), and stop it: as with wandb, a stop is a KeyboardInterrupt in the main thread.
"""

from __future__ import annotations

import _thread
import os
import sys
import threading
import time
import uuid
from enum import Enum
from typing import Any, Mapping, Sequence

import headroom

from .config import as_dict, made_setup
from .room import loop_actions
from .wandb_types import Config, ignored
from .wandb_types import Histogram as Histogram, Html as Html, Image as Image, Table as Table

_MODES = {"online": "online", "offline": "offline", "disabled": "disabled", "dryrun": "offline", "run": "online", "shared": "online", None: None}
run: "Run | None" = None
"""The run that is open."""


class AlertLevel(Enum):
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


class Settings:
    """Accepted so that scripts run; has no effect here."""

    def __init__(self, **settings: Any) -> None:
        for name, value in settings.items():
            setattr(self, name, value)


config = Config({})


class Run:
    """The result of `wandb.init()`: the part of a wandb run that scripts use, around a headroom run."""

    def __init__(self, inner: headroom.Run, id: str, project: str) -> None:
        self.headroom = inner
        self.id = id
        self.project = project
        self.path = f"{project}/{id}"
        self.group, self.job_type = inner._setup.get("group"), inner._setup.get("jobType")
        self.offline = inner.settings.mode == "offline"
        self.entity = ""
        self.sweep_id = None
        self.config = Config(inner.config)
        self.summary = inner.summary
        self._alerts: dict[str, float] = {}
        self._step = 0

    @property
    def name(self) -> str:
        return self.headroom.name

    @name.setter
    def name(self, name: Any) -> None:
        self._change("name", name)
        self.headroom.name = self.headroom._setup["name"]

    @property
    def notes(self) -> str | None:
        return self.headroom._setup.get("notes")

    @notes.setter
    def notes(self, notes: Any) -> None:
        self._change("notes", notes)

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(self.headroom._setup["tags"])

    @tags.setter
    def tags(self, tags: Any) -> None:
        self._change("tags", tags)

    def _change(self, field: str, value: Any) -> None:
        made = made_setup(**{"name": self.name, "project": self.project, "config": None, "group": None, "job_type": None, "tags": None, "notes": None, field: value})
        self.headroom._setup[field] = made.get(field, "")
        self.headroom._out.say({"type": "setup", field: made.get(field, "")})

    @property
    def step(self) -> int:
        return self.headroom._out.step

    @property
    def dir(self) -> str:
        return str(self.headroom._out.folder or ".")

    @property
    def url(self) -> str | None:
        return self.headroom.url

    @property
    def resumed(self) -> bool:
        return self.headroom.resumed_step > 0

    @property
    def disabled(self) -> bool:
        return self.headroom.settings.mode == "disabled"

    def get_url(self) -> str | None:
        return self.url

    def log(self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None, sync: bool | None = None) -> None:
        inner = self.headroom
        before = inner._out.step
        inner.log(data, step, commit=commit if commit is not None else step is None)
        for name, value in data.items():
            number = headroom.numbers.number_of(value)
            if number is not None:
                inner.summary[name] = number
        at = inner._out.step
        if at > before and threading.current_thread() is threading.main_thread():
            self._step = at
            if not inner.handle_commands(at) and inner.stopped:
                _thread.interrupt_main()

    def define_metric(self, name: Any, step_metric: Any = None, summary: str | None = None, goal: str | None = None, **more: Any) -> None:
        best = {"min": "minimize", "max": "maximize"}.get(summary or "")
        self.headroom.define_metric(getattr(name, "name", name), getattr(step_metric, "name", step_metric), goal=goal or best)
        for argument in [n for n in ("hidden", "overwrite") if more.get(n)]:
            ignored(f"define_metric({argument}=)")

    def watch(self, models: Any, criterion: Any = None, log: str | None = "gradients", log_freq: int = 1000, idx: Any = None, log_graph: bool = False) -> None:
        if log in ("parameters", "all"):
            ignored(f'watch(log="{log}"): the values of the parameters')
        if log_graph:
            ignored("watch(log_graph=)")
        if log in ("gradients", "all"):
            for model in models if isinstance(models, (list, tuple)) else [models]:
                self.headroom.watch(model, every=log_freq).follow_optimizer()

    def unwatch(self, models: Any = None) -> None:
        self.headroom._watches.clear()

    def alert(self, title: str, text: str = "", level: Any = None, wait_duration: Any = 60) -> None:
        seconds = wait_duration.total_seconds() if hasattr(wait_duration, "total_seconds") else float(wait_duration if wait_duration is not None else 60)
        now = time.monotonic()
        if now - self._alerts.get(title, -1e9) >= seconds:
            self._alerts[title] = now
            self.headroom.alert(title, text, getattr(level, "value", level) or "INFO")

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        if exit_code:
            self.headroom.finish("failed", f"the script left with {exit_code}")
        else:
            self.headroom.finish()
        self._closed()

    def mark_preempting(self) -> None:
        self.alert("preempted", "the script is about to be preempted")

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.headroom.__exit__(kind, error, trace)
        self._closed()

    def _closed(self) -> None:
        global run
        if run is self:
            run = None
            config._of({})

    def __getattr__(self, name: str) -> Any:
        return _missing(f"run.{name}")


def init(
    entity: str | None = None,
    project: str | None = None,
    dir: Any = None,
    id: str | None = None,
    name: str | None = None,
    notes: str | None = None,
    tags: Sequence[str] | None = None,
    config: Any = None,
    group: str | None = None,
    job_type: str | None = None,
    mode: str | None = None,
    resume: Any = None,
    resume_from: str | None = None,
    reinit: Any = None,
    settings: Any = None,
    **more: Any,
) -> Run:
    """Like `wandb.init`, also with what the environment says to wandb (WANDB_MODE, WANDB_NAME, ...); server and token as for `headroom.init`."""
    global run
    if run is not None:
        if not reinit or reinit in ("return_previous", "default"):
            return run
        run.finish()
    if settings is not None:
        ignored("init(settings=)")
    for argument in [n for n, v in {"entity": entity, "resume_from": resume_from, **more}.items() if v is not None]:
        ignored(f"init({argument}=)")
    env = os.environ.get
    if env("WANDB_DISABLED", "").lower() in ("true", "1", "yes"):
        mode = mode or "disabled"
    mode, id, resume = mode or env("WANDB_MODE"), id or env("WANDB_RUN_ID"), env("WANDB_RESUME") if resume is None else resume
    own = id or uuid.uuid4().hex[:8]
    policy = {True: "allow", "auto": "allow", None: "allow" if id else "never", False: "never"}.get(resume, resume)
    inner = headroom.init(
        project=project or env("WANDB_PROJECT"),
        name=name or env("WANDB_NAME"),
        config={**globals()["config"], **as_dict(config)},
        group=group or env("WANDB_RUN_GROUP"),
        job_type=job_type or env("WANDB_JOB_TYPE"),
        tags=tags if tags is not None else [tag for tag in env("WANDB_TAGS", "").split(",") if tag],
        notes=notes or env("WANDB_NOTES"),
        id=own,
        resume=policy,
        mode=_MODES.get(mode, mode),
        folder=dir,
    )
    run = Run(inner, own, inner._setup["project"])
    globals()["config"]._of(inner.config)
    loop_actions(inner, lambda: inner._out.step, None, None)
    return run


def _open() -> Run:
    if run is None:
        raise RuntimeError("call wandb.init() first")
    return run


def log(data: Mapping[str, Any], step: int | None = None, commit: bool | None = None, sync: bool | None = None) -> None:
    _open().log(data, step, commit)


def define_metric(name: Any, *args: Any, **more: Any) -> None:
    _open().define_metric(name, *args, **more)


def watch(models: Any, *args: Any, **more: Any) -> None:
    _open().watch(models, *args, **more)


def unwatch(models: Any = None) -> None:
    _open().unwatch(models)


def alert(title: str, text: str = "", level: Any = None, wait_duration: Any = 60) -> None:
    _open().alert(title, text, level, wait_duration)


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    if run is not None:
        run.finish(exit_code)


def login(*_: Any, **__: Any) -> bool:
    """Does nothing: `headroom login` stores server and token."""
    return True


def setup(*_: Any, **__: Any) -> None:
    pass


class Error(Exception):
    """The errors of wandb, for scripts that catch them."""


class UsageError(Error):
    pass


class CommError(Error):
    pass


class errors:
    Error, UsageError, CommError = Error, UsageError, CommError


def agent(*_: Any, **__: Any) -> None:
    """Raises: a script whose agent does nothing would end without having trained."""
    raise UsageError("headroom.wandb has no sweeps: call the training function yourself, once for each of the settings")


class util:
    @staticmethod
    def generate_id(length: int = 8) -> str:
        return uuid.uuid4().hex[:length]


class _Ignored:
    """The result of a call that has no meaning here."""

    def __call__(self, *_: Any, **__: Any) -> "_Ignored":
        return self

    def __getattr__(self, name: str) -> "_Ignored":
        if name.startswith("__"):
            raise AttributeError(name)
        return self


_LEFT_OUT = {
    "Artifact", "log_artifact", "use_artifact", "log_code", "log_model", "link_model", "save", "restore", "Video", "Audio", "Object3D", "Molecule", "Plotly", "Graph", "plot", "sweep",
    "use_model", "mark_preempting", "status", "require", "teardown", "termlog", "termwarn", "termerror", "ensure_configured", "attach", "join", "Classes", "JoinedTable",
}  # fmt: skip


def _missing(name: str) -> _Ignored:
    last = name.rsplit(".", 1)[-1]
    if last not in _LEFT_OUT:
        raise AttributeError(f"headroom.wandb has no {name}")
    ignored(f"wandb.{name}")
    return _Ignored()


_MODULES = {"sdk", "wandb_sdk", "wandb_run", "wandb_config", "data_types"}
"""Modules of wandb that scripts name in types, as in `wandb.sdk.wandb_run.Run`: their classes are here."""


def __getattr__(name: str) -> Any:
    if name == "summary":
        return _open().summary
    return sys.modules[__name__] if name in _MODULES else _missing(name)
