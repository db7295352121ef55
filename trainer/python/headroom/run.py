"""A run as a script sees it."""

from __future__ import annotations

import fnmatch
import json
import os
import shutil
import sys
import threading
import time
import traceback as tracebacks
import uuid
from collections import deque
from types import TracebackType
from typing import Any, Callable, Iterable, Mapping, TypeVar

from . import link as links
from . import records, spool, steering
from .media import MAX_INLINE, Histogram, Image, Table, Text, histogram_of, image_bytes, table_of
from .settings import Settings
from .steering import Action, Control, Refused

F = TypeVar("F", bound=Callable[..., Any])

ROLES_BY_NAME = {
    "loss": "loss",
    "train/loss": "loss",
    "train_loss": "loss",
    "accuracy": "accuracy",
    "train/accuracy": "accuracy",
    "acc": "accuracy",
    "lr": "learningRate",
    "learning_rate": "learningRate",
    "train/learning_rate": "learningRate",
    "grad_norm": "gradNorm",
    "train/grad_norm": "gradNorm",
    "epoch": "epoch",
    "train/epoch": "epoch",
}
"""What a series is taken for when nobody says it (`define_metric`)."""

MAX_WARNINGS = 20


class Config(dict[str, Any]):
    """The run's settings, with `config.lr` for `config["lr"]`. What changes after the run was opened is shown as a table of changes."""

    def __init__(self, values: Mapping[str, Any], changed: Callable[[str, Any], None]) -> None:
        super().__init__(values)
        object.__setattr__(self, "_changed", changed)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        self._changed(name, value)

    def update(self, *args: Any, **more: Any) -> None:
        for name, value in dict(*args, **more).items():
            self[name] = value


class Run:
    """Made by `headroom.init`. No method but the constructor's raises because of the server, the disk or a value that does not fit: it warns."""

    def __init__(
        self,
        settings: Settings,
        key: str,
        setup: dict[str, Any],
        resume: str = "never",
        fork: dict[str, Any] | None = None,
        console: bool = False,
        system_seconds: float | None = 15.0,
    ) -> None:
        self.key = key
        self.id: str | None = None
        """The server's name for the run; None until it was opened."""
        self.name: str = setup["name"]
        self.settings = settings
        self.summary: dict[str, Any] = {}
        self.stopped = False
        """Somebody asked the script to stop, or took the run away."""
        self.resumed_step = 0
        """Where an earlier attempt of the run was left."""
        self._pid = os.getpid()
        self._setup = setup
        self._off = settings.mode == "disabled"
        self._ended = False
        self._lock = threading.RLock()
        self._step = 0
        self._warned = 0
        self._ids: dict[str, int] = {}
        self._last: dict[int, int] = {}
        self._newest: dict[str, float] = {}
        self._evaluations: dict[tuple[str, str], float] = {}
        self._defined: list[tuple[str, dict[str, Any]]] = []
        self._axes: set[str] = set()
        self._roles: set[str] = set()
        self._packer = records.RowPacker()
        self._groups: dict[str, int] = {}
        self._grouped: set[str] = set()
        self._files = 0
        self._opened = threading.Event()
        self._rewound_below = 0
        self._config_changes: list[list[Any]] = []
        self.config = Config(setup.get("config", {}), self._config_changed)
        self._controls: dict[str, Control] = {}
        self._actions: dict[str, Action] = {}
        self._declared = False
        self._started = False
        self._status = "running"
        self._inbox: deque[dict[str, Any]] = deque()
        self._arrived = threading.Event()
        self._known: set[str] = set()
        self._held: list[dict[str, Any]] = []
        self._steps_left: int | None = None
        self._link: links.Link | None = None
        self._console: Any = None
        self._system: Any = None
        if self._off:
            return
        self._folder = settings.folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:8]}"
        (self._folder / "blobs").mkdir(parents=True)
        self._folder_lock = spool.FolderLock(self._folder)
        self._folder_lock.take()
        self._meta = links.new_meta(key, self._sendable_setup(), resume, fork, uuid.uuid4().hex, _device(), _software())
        spool.write_meta(self._folder, self._meta)
        self._writer = spool.Writer(self._folder)
        if settings.mode == "online":
            self._link = links.Link(self._folder, self._meta, settings.server, settings.token, self, self._sendable_setup)
            self._link.start()
        if console:
            from .console import Capture

            self._console = Capture(self)
        if system_seconds:
            from .system import Sampler

            self._system = Sampler(self, system_seconds)

    # ---- numbers ----

    def log(self, data: Mapping[str, Any], step: int | None = None, commit: bool = True) -> None:
        """Numbers (and samples) at a step; without `step` at the one after the last. `commit=False`: what is logged next belongs to the same step.

        Never blocks and never raises. A step may not lie below the last one of the same series: `rewind` first.
        """
        if self._off:
            return
        try:
            self._log(data, step, commit)
        except Exception as error:
            self._warn(f"log: {error!r}")

    def _log(self, data: Mapping[str, Any], step: int | None, commit: bool) -> None:
        if self._ended or self._forked():
            return
        with self._lock:
            if not self._started:
                self._start()
            if step is None:
                at = self._step
            else:
                at = self._step = int(step)
            if at < self._rewound_below:
                self._rewind(at)
            ids, last = self._ids, self._last
            pairs: list[Any] = []
            rest: list[tuple[str, Any]] | None = None
            for name, value in data.items():
                kind = type(value)
                if kind is float or kind is int:
                    pass
                else:
                    number = _number(value)
                    if number is None:
                        rest = rest or []
                        rest.append((name, value))
                        continue
                    value = number
                id = ids.get(name)
                if id is None:
                    try:
                        id = self._declare(name)
                    except ValueError as error:
                        self._warn(f"log: {error}")
                        continue
                before = last.get(id)
                if before is not None and at <= before:
                    self._warn(f'log: "{name}" was logged at step {before}; step {at} is set aside (use rewind to go back)')
                    continue
                last[id] = at
                pairs.append(id)
                pairs.append(value)
                self._newest[name] = value
            if pairs:
                self._writer.append(self._packer.row(at, time.time() * 1000.0, pairs))
            if rest:
                for name, value in rest:
                    self._log_other(str(name), value, at)
            if commit:
                self._step = at + 1

    def _log_other(self, name: str, value: Any, at: int) -> None:
        if isinstance(value, Mapping):
            nested = {f"{name}/{k}": v for k, v in value.items()}
            step, self._step = self._step, at
            self._log(nested, at, False)
            self._step = step
        elif isinstance(value, (str, Text)):
            self.text(name, value if isinstance(value, str) else value.text, at, getattr(value, "caption", None))
        elif isinstance(value, Image):
            self.image(name, value.data, at, value.caption)
        elif isinstance(value, Histogram):
            self.histogram(name, value, at)
        elif isinstance(value, Table):
            self.table(name, value.columns, value.data, at)
        elif isinstance(value, (list, tuple)) and value and all(isinstance(v, Image) for v in value):
            for i, v in enumerate(value):
                self.image(f"{name}/{i}" if len(value) > 1 else name, v.data, at, v.caption)
        elif value is not None:
            self._warn(f'log: "{name}": {type(value).__name__} is no number and no sample')

    def log_group(self, group: str, values: Mapping[str, float], step: int, columns: Callable[[], list[dict[str, Any]]]) -> None:
        """Series that are always logged together, in one stream: cheaper than `log`. `columns` declares them, in the order of `values`."""
        if self._off:
            return
        try:
            with self._lock:
                if self._ended or self._forked():
                    return
                if not self._started:
                    self._start()
                if step < self._rewound_below:
                    self._rewind(step)
                id = self._groups.get(group)
                if id is None:
                    taken = [name for name in values if name in self._ids or name in self._grouped]
                    if taken:
                        return self._warn(f'"{taken[0]}" is logged by another call already; log it in one way alone')
                    id = self._groups[group] = 1_000_000 + len(self._groups)
                    self._grouped.update(values)
                    # Streams of `log` are called like their series.
                    self._writer.append(records.declare(id, f"headroom:{group}", columns()))
                before = self._last.get(id)
                if before is not None and step <= before:
                    return self._warn(f'"{group}" was logged at step {before}; step {step} is set aside (use rewind to go back)')
                self._last[id] = step
                self._writer.append(self._packer.group(id, step, time.time() * 1000.0, [float(v) for v in values.values()]))
                self._newest.update(values)
        except Exception as error:
            self._warn(f"{group}: {error!r}")

    def define_metric(
        self,
        name: str,
        step_metric: str | None = None,
        *,
        unit: str | None = None,
        group: str | None = None,
        role: str | None = None,
        goal: str | None = None,
        main: bool | None = None,
        summary: str | None = None,
    ) -> None:
        """What a series is, before it is first logged. `name` may hold `*`. `goal`: "minimize" or "maximize". `step_metric`: another series that is an x axis."""
        better = {"minimize": "lower", "maximize": "higher", "lower": "lower", "higher": "higher", None: None}.get(goal)
        if goal is not None and better is None:
            return self._warn(f'define_metric: goal "{goal}" is neither "minimize" nor "maximize"')
        said = {"unit": unit, "group": group, "role": role, "better": better, "main": main}
        with self._lock:
            known = [n for n in self._ids if fnmatch.fnmatchcase(n, name)]
            if known and any(v is not None for v in said.values()):
                self._warn(f'define_metric: "{known[0]}" was logged already; define it before')
            self._defined.append((name, {k: v for k, v in said.items() if v is not None}))
            if step_metric:
                self._axes.add(step_metric)

    def _declare(self, name: Any) -> int:
        text = str(name)
        if not 1 <= len(text) <= 512:
            raise ValueError("the name of a series has 1 to 512 letters")
        if text in self._grouped:
            raise ValueError(f'"{text}" is logged by the room already; give it another name')
        id = len(self._ids)
        column: dict[str, Any] = {"name": text}
        if "/" in text:
            column["group"] = text.rsplit("/", 1)[0][:128]
        role = ROLES_BY_NAME.get(text)
        if role and role not in self._roles:
            column["role"] = role
        for pattern, said in self._defined:
            if fnmatch.fnmatchcase(text, pattern):
                column.update(said)
        if "role" in column:
            self._roles.add(column["role"])
        if text in self._axes or column.get("role") == "epoch":
            column["x"] = True
        self._writer.append(records.declare(id, text, [column]))
        self._ids[name] = id
        return id

    def rewind(self, step: int) -> None:
        """What is logged from now on replaces everything at and after `step`; nothing is deleted."""
        if self._off:
            return
        with self._lock:
            self._rewind(int(step))

    def _rewind(self, step: int) -> None:
        if not self._started:
            self._start()
        self._event({"type": "rewind", "step": step})
        self._rewound_below = 0
        self._step = step
        for id, last in list(self._last.items()):
            if last >= step:
                self._last[id] = step - 1

    def evaluation(
        self,
        split: str,
        metrics: Mapping[str, Any],
        step: int | None = None,
        *,
        examples: int | None = None,
        elapsed_ms: float | None = None,
        main: str | None = None,
        goal: str | None = None,
        trigger: str = "cadence",
        command_id: str | None = None,
    ) -> None:
        """Metrics of a data set. `main`: the metric that says how good the run is, `goal` its direction ("minimize" or "maximize")."""
        if self._off:
            return
        try:
            said = []
            for name, value in metrics.items():
                number = _number(value)
                if number is None:
                    self._warn(f'evaluation: "{name}" is no number')
                    continue
                metric: dict[str, Any] = {"name": str(name), "value": number}
                if name in ("loss", "accuracy"):
                    metric["role"] = str(name)
                    metric["better"] = "lower" if name == "loss" else "higher"
                if name == main:
                    metric["main"] = True
                    if goal:
                        metric["better"] = "lower" if goal in ("minimize", "lower") else "higher"
                said.append(metric)
                self._evaluations[(split, str(name))] = number
            event: dict[str, Any] = {"type": "evaluation", "step": self._at(step), "split": str(split)[:64], "metrics": said, "trigger": trigger}
            if examples:
                event["examples"] = int(examples)
            if elapsed_ms is not None:
                event["elapsedMs"] = float(elapsed_ms)
            if command_id:
                event["commandId"] = command_id
            if said:
                self._say(event)
        except Exception as error:
            self._warn(f"evaluation: {error!r}")

    # ---- samples and files ----

    def text(self, name: str, text: str, step: int | None = None, caption: str | None = None) -> None:
        text = str(text)
        if len(text.encode("utf-16-le")) // 2 <= MAX_INLINE:
            self._media(name, "text", step, caption, text=text)
        else:
            self._media(name, "text", step, caption, data=text.encode("utf-8", "replace"))

    def image(self, name: str, image: Any, step: int | None = None, caption: str | None = None) -> None:
        """PNG, JPEG, GIF or WebP (bytes or a file), an array, a torch tensor, a PIL image or a matplotlib figure."""
        if self._off:
            return
        try:
            data = image_bytes(image)
        except Exception as error:
            return self._warn(f'image "{name}": {error}')
        self._media(name, "image", step, caption, data=data)

    def histogram(self, name: str, values: Any, step: int | None = None, bins: int = 64, caption: str | None = None) -> None:
        if self._off:
            return
        try:
            if isinstance(values, Histogram):
                if values.edges is not None and values.counts is not None:
                    made = {"edges": [float(e) for e in values.edges], "counts": [float(c) for c in values.counts]}
                else:
                    made = histogram_of(values.values, values.bins)
            else:
                made = histogram_of(values, bins)
        except Exception as error:
            return self._warn(f'histogram "{name}": {error}')
        self._json_sample(name, "histogram", made, step, caption)

    def table(
        self, name: str, columns: Iterable[Any], rows: Iterable[Any], step: int | None = None, caption: str | None = None
    ) -> None:
        if self._off:
            return
        try:
            made = table_of(columns, rows)
        except Exception as error:
            return self._warn(f'table "{name}": {error}')
        self._json_sample(name, "table", made, step, caption)

    def _json_sample(self, name: str, kind: str, made: Any, step: int | None, caption: str | None) -> None:
        text = json.dumps(made, ensure_ascii=False, allow_nan=False)
        if len(text) <= MAX_INLINE // 2:
            self._media(name, kind, step, caption, text=text)
        else:
            self._media(name, kind, step, caption, data=text.encode("utf-8", "replace"))

    def _media(
        self, name: str, kind: str, step: int | None, caption: str | None, text: str | None = None, data: bytes | None = None
    ) -> None:
        if self._off:
            return
        try:
            event: dict[str, Any] = {"type": "media", "step": self._at(step), "name": str(name)[:512], "kind": kind}
            if text is not None:
                event["text"] = text
            if data is not None:
                event["blob"] = {"file": self._keep(data)}
            if caption:
                event["caption"] = str(caption)[:500]
            self._say(event)
        except Exception as error:
            self._warn(f'{kind} "{name}": {error!r}')

    def checkpoint(self, source: Any, step: int | None = None, *, trigger: str = "cadence", command_id: str | None = None) -> None:
        """Bytes, or a file, that training can go on from: a copy is kept and sent."""
        if self._off:
            return
        try:
            file = self._keep(source)
            event: dict[str, Any] = {"type": "checkpoint", "step": self._at(step), "blob": {"file": file}, "trigger": trigger}
            if command_id:
                event["commandId"] = command_id
            self._say(event)
        except Exception as error:
            self._warn(f"checkpoint: {error!r}")

    def _keep(self, source: Any) -> str:
        with self._lock:
            self._files += 1
            name = f"{self._files:06d}"
        target = self._folder / "blobs" / name
        if isinstance(source, (bytes, bytearray, memoryview)):
            target.write_bytes(source)
        else:
            shutil.copyfile(source, target)
        return name

    def alert(self, title: str, text: str = "", level: str = "warning", step: int | None = None) -> None:
        """Shown on the run's page; people are called as the team has set it up."""
        level = {"INFO": "info", "WARN": "warning", "WARNING": "warning", "ERROR": "error"}.get(str(level).upper(), "warning")
        message = f"{title}: {text}" if text else str(title)
        self._say({"type": "alert", "step": self._at(step), "level": level, "kind": "script", "message": message[:2000]})

    # ---- what every event goes through ----

    def _at(self, step: int | None) -> int:
        return max(0, self._step if step is None else int(step))

    def _say(self, event: dict[str, Any]) -> None:
        if self._off:
            return
        try:
            with self._lock:
                if self._ended or self._forked():
                    return
                if not self._started:
                    self._start()
                self._event(event)
        except Exception as error:
            self._warn(f"{event.get('type')}: {error!r}")

    def _event(self, event: dict[str, Any]) -> None:
        self._writer.append(records.event(event))

    def _start(self) -> None:
        self._started = True
        self._say_started()
        self._event({"type": "status", "status": "running", "step": self._step, "message": f"training in {self._meta['name']}"})

    def _say_started(self) -> None:
        self._declared = True
        self._event(
            {
                "type": "started",
                "step": self._step,
                "device": {"device": self._meta["device"] or "unknown", "software": self._meta["software"]},
                "controls": {
                    "values": [c.declaration() for c in self._controls.values()],
                    "actions": [a.declaration() for a in self._actions.values()],
                },
                "values": {c.name: c.current() for c in self._controls.values()},
            }
        )

    def _redeclare(self) -> None:
        """What can be steered has changed."""
        if self._off or self._ended:
            return
        with self._lock:
            if self._started:
                self._say_started()

    def _forked(self) -> bool:
        return os.getpid() != self._pid

    def _warn(self, message: str) -> None:
        self._warned += 1
        if self._warned <= MAX_WARNINGS:
            last = "; more warnings are not shown" if self._warned == MAX_WARNINGS else ""
            print(f"headroom: {message}{last}", file=sys.__stderr__)

    def _config_changed(self, name: str, value: Any) -> None:
        if getattr(self, "_opened", None) is not None and self._opened.is_set():
            self._config_changes.append([name, records.plain(value)])

    def _sendable_setup(self) -> dict[str, Any]:
        config = records.plain(dict(self.config))
        return {**self._setup, "config": _without_specials(config)}

    # ---- steering ----

    def control(self, name: str, value: Any = None, **about: Any) -> Control:
        """Declares something steerable; `.value` is what holds. `set`: called with a new value, between two steps. See steering.make_control for the rest."""
        made = steering.make_control(name, value, **about)
        self._controls[name] = made
        self._redeclare()
        return made

    def action(
        self,
        call: F | None = None,
        *,
        name: str | None = None,
        label: str | None = None,
        help: str | None = None,
        role: str | None = None,
        risky: bool = False,
    ) -> Any:
        """A button: `@run.action` on a function whose arguments have defaults. It is called between two steps."""

        def declare(function: F) -> F:
            made = steering.make_action(function, name, label, help, role, risky)
            self._actions[made.name] = made
            self._redeclare()
            return function

        return declare if call is None else declare(call)

    def attach(self, optimizer: Any = None, scheduler: Any = None, model: Any = None, clip: float | None = None, **more: Any) -> Any:
        """Makes a loop steerable: learning rate, weight decay, clip value, pause, resume, step, stop. `room.step(loss=loss)` goes at the end of each step."""
        from .room import Room

        return Room(self, optimizer, scheduler, model, clip, **more)

    def watch(self, model: Any, every: int = 10) -> Any:
        """Gradient norms by parameter, every `every` steps of a room (`attach` first), measured when `room.step` is called."""
        from .room import Watch

        return Watch(self, model, every)

    def should_stop(self) -> bool:
        return self.stopped

    def handle_commands(self, step: int | None = None) -> bool:
        """Applies what people have asked for, between two steps; `step` is the next one. Waits while paused. False: stop."""
        if self._off or self._forked():
            return not self.stopped
        at = self._at(step)
        if self._steps_left is not None and self._status == "running":
            self._steps_left -= 1
            if self._steps_left <= 0:
                self._steps_left = None
                self._set_status("paused", at, "the steps asked for are done")
        self._apply(at)
        while self._status == "paused" and not self.stopped and not self._ended:
            self._arrived.wait(0.2)
            self._apply(at)
        return not self.stopped

    def _set_status(self, status: str, step: int, message: str) -> None:
        self._status = status
        self._say({"type": "status", "status": status, "step": step, "message": message})

    def _apply(self, step: int) -> None:
        self._arrived.clear()
        while self._inbox:
            logged = self._inbox.popleft()
            command = logged["command"]
            if command.get("when") is not None and not holds_now(self, command, step):
                self._held.append(logged)
                self._answer(logged, "command.scheduled", step, message=f"waits: {steering.describe(command['when'])}")
            else:
                self._do(logged, step)
        for logged in list(self._held):
            if holds_now(self, logged["command"], step):
                self._held.remove(logged)
                self._do(logged, step)

    def _do(self, logged: dict[str, Any], step: int) -> None:
        command = logged["command"]
        try:
            if command["kind"] == "set":
                before, after, message = self._set(command, step)
            else:
                before, after, message = self._act(command, step)
            self._answer(logged, "command.applied", step, before=before, after=after, message=message)
        except Refused as refused:
            self._answer(logged, "command.refused", step, reason=refused.reason, message=str(refused))
        except Exception as error:
            self._warn(f"command {command.get('id')}: {error!r}")
            self._answer(logged, "command.refused", step, reason="failed", message=f"{type(error).__name__}: {error}"[:500])

    def _set(self, command: dict[str, Any], step: int) -> tuple[Any, Any, str]:
        control = self._controls.get(command["control"])
        if control is None:
            raise Refused(f"there is no control {command['control']}", "unknown-control")
        before = control.current()
        if "expected" in command and command["expected"] != before:
            raise Refused(f"{control.name} is {before!r} now, not {command['expected']!r}", "conflict")
        wrong = control.problem(command["value"])
        if wrong:
            raise Refused(wrong)
        value = int(command["value"]) if control.type == "integer" and command["value"] is not None else command["value"]
        if control.set:
            control.set(value)
        control.value = value
        after = control.current()
        return before, after, f"{control.spec.get('label', control.name)}: {before} -> {after} from step {step}"

    def _act(self, command: dict[str, Any], step: int) -> tuple[Any, Any, str]:
        action = self._actions.get(command["action"])
        if action is None:
            raise Refused(f"there is no action {command['action']}", "unknown-control")
        args = dict(command.get("args") or {})
        given: dict[str, Any] = {}
        for arg in action.args:
            value = args.pop(arg.name, arg.value)
            wrong = arg.problem(value)
            if wrong:
                raise Refused(f"args.{wrong}")
            given[arg.name] = int(value) if arg.type == "integer" and value is not None else value
        if args:
            raise Refused(f"args.{next(iter(args))}: {action.name} takes no such argument")
        self._command_id = command["id"]
        said = action.call(**given)
        return None, None, said if isinstance(said, str) else f"{action.label} at step {step}"

    def _answer(self, logged: dict[str, Any], type: str, step: int, **fields: Any) -> None:
        self._say({"type": type, "commandId": logged["command"]["id"], "seq": logged["seq"], "step": step, **fields})

    # ---- the link's news ----

    def opened(self, run_id: str, attempt: int, step: int, status: str) -> None:
        with self._lock:
            self.id = run_id
            self.resumed_step = step
            if not self._started and step > 0:
                self._step = step
                self._rewound_below = step
        self._opened.set()

    def command(self, logged: dict[str, Any]) -> None:
        id = logged["command"]["id"]
        if id in self._known:
            return
        self._known.add(id)
        self._inbox.append(logged)
        self._arrived.set()

    def dropped(self, message: str) -> None:
        self.stopped = True
        self._off = True
        self._arrived.set()
        self._opened.set()
        print(f"headroom: the run is not this script's any more: {message}", file=sys.__stderr__)

    def trouble(self, message: str) -> None:
        self._warn(message)

    @property
    def url(self) -> str | None:
        """The run's page; None until it was opened."""
        return f"{self.settings.server}/runs/{self.id}" if self.id else None

    def wait_until_open(self, timeout: float = 10.0) -> bool:
        return self._opened.wait(timeout)

    # ---- the end ----

    def finish(self, status: str = "finished", message: str = "", traceback: str | None = None, timeout: float = 30.0) -> None:
        """Ends the run and waits for what is still to be sent: at most `timeout` seconds, and less than one when the server is away."""
        if self._forked():
            return
        with self._lock:
            if self._ended or (self._off and self._link is None):
                self._ended = True
                return
            if self._system:
                self._system.stop()
            if self._console:
                self._console.stop()
            try:
                if not self._off:
                    if not self._started:
                        self._start()
                    if self._config_changes:
                        self.table("config changes", ["setting", "value"], [[n, json.dumps(v)] for n, v in self._config_changes])
                    if self.summary:
                        self.table("summary", ["name", "value"], list(self.summary.items()))
                    event: dict[str, Any] = {"type": "status", "status": status, "step": self._step, "message": message[:2000]}
                    if traceback:
                        event["traceback"] = traceback[-16_000:]
                    self._event(event)
            except Exception as error:
                self._warn(f"finish: {error!r}")
            self._ended = True
        _open_runs.discard(self)
        link = self._link
        if link is None:
            print(f"headroom: kept in {self._folder}; `headroom sync` sends it", file=sys.__stderr__)
            self._folder_lock.release()
            return
        link.end()
        until = time.monotonic() + timeout
        away_until = time.monotonic() + 0.7
        while not link.done.wait(0.02):
            now = time.monotonic()
            if now > until or (now > away_until and not link.connected):
                break
        if link.done.is_set():
            link.join(1.0)
            self._folder_lock.release()
            links.remove(self._folder)
        else:
            link.abandon()
            link.join(0.2)
            self._folder_lock.release()
            print(f"headroom: the server has not got everything; the rest is kept in {self._folder}, `headroom sync` sends it", file=sys.__stderr__)

    def fail(self, error: BaseException, trace: TracebackType | None = None) -> None:
        """Ends the run as failed, with the traceback."""
        text = "".join(tracebacks.format_exception(type(error), error, trace or error.__traceback__))
        self.finish("failed", f"{type(error).__name__}: {error}"[:2000], text)

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None or isinstance(error, SystemExit) and error.code in (None, 0):
            self.finish()
        elif isinstance(error, KeyboardInterrupt):
            self.finish("stopped", "stopped by Ctrl+C")
        else:
            self.fail(error, trace)

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


_open_runs: set[Run] = set()


def holds_now(run: Run, command: dict[str, Any], step: int) -> bool:
    return steering.holds(command["when"], step, run._evaluations, run._newest)


def _number(value: Any) -> float | None:
    """A number of whatever kind; None = it is none."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, (str, bytes)):
        return None
    if getattr(value, "ndim", None) in (0, None) or getattr(value, "size", None) == 1 or _one_element(value):
        read = getattr(value, "item", None)
        if callable(read):
            try:
                return float(read())
            except (TypeError, ValueError, RuntimeError):
                return None
    try:
        return float(value) if hasattr(value, "__float__") and not hasattr(value, "__len__") else None
    except (TypeError, ValueError):
        return None


def _one_element(value: Any) -> bool:
    numel = getattr(value, "numel", None)
    try:
        return callable(numel) and numel() == 1
    except Exception:
        return False


def _without_specials(value: Any) -> Any:
    """A config is plain JSON: NaN and infinities become text."""
    if isinstance(value, dict):
        if len(value) == 1 and "$" in value:
            return value["$"]
        return {k: _without_specials(v) for k, v in value.items()}
    return [_without_specials(v) for v in value] if isinstance(value, list) else value


def _device() -> str:
    torch = sys.modules.get("torch")
    try:
        if torch is not None and torch.cuda.is_available():
            return str(torch.cuda.get_device_name(0))[:300]
    except Exception:
        pass
    return f"{os.cpu_count()} CPU cores"


def _software() -> str:
    import platform

    names = [f"Python {platform.python_version()}"]
    for module in ("torch", "tensorflow", "jax"):
        version = getattr(sys.modules.get(module), "__version__", None)
        if version:
            names.insert(0, f"{module} {version}")
    return ", ".join(names)[:300]

