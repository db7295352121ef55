"""A run, as scripts use it."""

from __future__ import annotations

import functools
import sys
import traceback as tracebacks
import uuid
from types import TracebackType
from typing import Any, Callable, ContextManager, Iterable, Mapping, TypeVar

from . import records, steering
from .commands import Commands
from .config import ToldConfig
from .meta import new_meta
from .numbers import cut, step_of
from .outbox import Interrupted, Outbox
from .samples import Samples
from .say import say
from .series import Series
from .session import Session
from .settings import Settings, SettingsError
from .steering import Control

F = TypeVar("F", bound=Callable[..., Any])

ENDS = ("finished", "failed", "stopped", "crashed")
LEVELS = {"INFO": "info", "WARN": "warning", "WARNING": "warning", "ERROR": "error"}


def _warns(method: F) -> F:
    """What a method raises becomes a warning: training goes on."""

    @functools.wraps(method)
    def call(self: "Run", *args: Any, **more: Any) -> None:
        if self._out.ended:
            if method.__name__ != "log_group":
                self._out.late(method.__name__)
            return
        try:
            method(self, *args, **more)
        except Exception as error:
            self._out.failed(method.__name__, error)

    return call  # type: ignore[return-value]


class Run:
    """Made by `headroom.init`. Except the constructor, no method raises because of the server, the disk or an invalid value: it warns; wrong declarations (`control`, `action`, `attach`, `watch`) raise."""

    def __init__(
        self,
        settings: Settings,
        key: str,
        setup: dict[str, Any],
        resume: str = "never",
        fork: dict[str, Any] | None = None,
        console: bool = False,
        system_seconds: float | None = 15.0,
        source: str | None = None,
        beside: bool = False,
    ) -> None:
        """source: the folder that the run is read from (follow.py). beside: what is logged belongs beside what an attempt before logged at its steps."""
        self.key = key
        self.id: str | None = None
        """The server's name for the run; None until it was opened."""
        self.name: str = setup["name"]
        self.settings = settings
        self.summary: dict[str, Any] = {}
        self.resumed_step = 0
        """Where an earlier attempt of the run was left."""
        self._setup = setup
        self._session = Session(settings)
        self._out = Outbox(self._session.folder, self._say_hello)
        self._told = ToldConfig(setup.get("config", {}), self._out, settings.mode != "online")
        self.config = self._told.config
        self._series = Series(self._out)
        self._samples = Samples(self._out)
        self._commands = Commands(self._out, self._condition_holds)
        self._commands.on_change = self._declare_anew
        self._console: Any = None
        self._system: Any = None
        self._watches: list[Any] = []
        if system_seconds:
            from .system import Sampler

            self._system = Sampler(self, system_seconds)
        if self._session.folder is None:
            return
        meta = new_meta(key, {**setup, "config": self._told.as_json()}, resume, fork, uuid.uuid4().hex)
        if source is not None:
            meta["source"] = source
        meta["beside"] = beside
        self._session.must_open = settings.mode == "online" and (resume == "must" or fork is not None)
        self._session.begin(meta, self, lambda: {**setup, "config": self._told.to_open()})
        if console:
            from .console import Capture

            self._console = Capture(self._out.say)

    # ---- numbers ----

    def log(self, data: Mapping[str, Any], step: int | None = None, commit: bool = True, stream: str | None = None) -> None:
        """Logs numbers (and samples) at a step; without `step`, at the step after the last. `commit=False`: the next log belongs to the same step.

        `stream`: a name for numbers that are always logged together, all of them at each step: a thousand then cost little more than one.
        Never blocks and never raises. A step must not be below the last one of the same series: call `rewind` first.
        """
        if self._out.ended:
            return self._out.late("log")
        try:
            if type(data) is not dict and not isinstance(data, Mapping):
                raise ValueError(f"{type(data).__name__} is no dict of names and numbers")
            if stream is None:
                rest = self._series.log(data, step, commit)
                if rest:
                    self._log_other(rest)
            else:
                at = self._out.at(step)
                self._series.log_group(stream, data, at)
                self._out.step = at + commit
        except Interrupted:
            self._out.later.append(functools.partial(self.log, dict(data), step, commit, stream))
        except Exception as error:
            self._out.failed("log", error)

    def _log_other(self, rest: list[tuple[str, Any, int]]) -> None:
        for name, value, at in rest:
            if isinstance(value, Mapping):
                after = self._out.step
                self.log({f"{name}/{k}": v for k, v in value.items()}, at, False)
                self._out.step = after
            elif value is not None and not self._samples.add(name, value, at):
                why = "is too large for a number of 64 bits" if isinstance(value, int) else "is neither one number nor a sample (text, headroom.Image, Histogram, Table)"
                self._out.warn(f'log: "{name}" is left out: {type(value).__name__} {why}')

    @_warns
    def log_group(self, group: str, values: Mapping[str, Any], step: int, columns: Callable[[], list[dict[str, Any]]] | None = None) -> None:
        """`log` with `stream`, where the caller declares the series: `columns` returns the declarations, in the order of `values`."""
        self._series.log_group(group, values, step, columns)

    @_warns
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
    ) -> None:
        """Describes a series before it is first logged. `name` may contain `*`. `goal`: "minimize" or "maximize". `step_metric`: another series as its x axis."""
        self._series.define(name, step_metric, goal, {"unit": unit, "group": group, "role": role, "main": main})

    @_warns
    def rewind(self, step: int) -> None:
        """Values logged from now on replace everything at and after `step`; nothing is deleted."""
        self._series.rewind(step_of(step))

    @_warns
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
        trigger: str | None = None,
        command_id: str | None = None,
    ) -> None:
        """Logs metrics of a data set. `main`: the metric that measures how good the run is, `goal` its direction ("minimize" or "maximize")."""
        self._samples.evaluation(split, metrics, step, examples, elapsed_ms, main, goal, self._why(trigger, command_id))

    # ---- samples and files ----

    @_warns
    def text(self, name: str, text: str, step: int | None = None, caption: str | None = None) -> None:
        self._samples.text(name, text, step, caption)

    @_warns
    def image(self, name: str, image: Any, step: int | None = None, caption: str | None = None) -> None:
        """Logs a PNG, JPEG, GIF or WebP (bytes or a file), an array, a torch tensor, a PIL image or a matplotlib figure."""
        self._samples.image(name, image, step, caption)

    @_warns
    def histogram(self, name: str, values: Any, step: int | None = None, bins: int = 64, caption: str | None = None) -> None:
        self._samples.histogram(name, values, step, bins, caption)

    @_warns
    def table(self, name: str, columns: Iterable[Any], rows: Iterable[Any], step: int | None = None, caption: str | None = None) -> None:
        self._samples.table(name, columns, rows, step, caption)

    @_warns
    def checkpoint(self, source: Any, step: int | None = None, *, trigger: str | None = None, command_id: str | None = None) -> None:
        """Stores bytes, or a file, that training can continue from: a copy is kept and sent."""
        self._samples.checkpoint(source, step, self._why(trigger, command_id))

    def _why(self, trigger: str | None, command_id: str | None) -> dict[str, str]:
        """The reason of an evaluation or a checkpoint: inside an action, its command."""
        command_id = command_id or (None if trigger else self._commands.command_id)
        why = {"trigger": trigger or ("command" if command_id else "cadence")}
        return {**why, "commandId": command_id} if command_id else why

    @_warns
    def alert(self, title: str, text: str = "", level: str = "warning", step: int | None = None) -> None:
        """Shows an alert on the run's page and notifies people as configured by the team."""
        message = f"{title}: {text}" if text else str(title)
        level = LEVELS.get(str(level).upper(), "warning")
        self._out.say({"type": "alert", "step": self._out.at(step), "level": level, "kind": "script", "message": cut(message, 2000)})

    def bundle(self, mark: dict[str, Any]) -> ContextManager[None]:
        """Values logged inside are stored all together or not at all; `mark` says how far their source was read."""
        return self._out.bundle(mark)

    # ---- steering ----

    @property
    def stopped(self) -> bool:
        """True when somebody asked the script to stop, or the run was taken over."""
        return self._commands.stopped

    def control(self, name: str, value: Any = None, **about: Any) -> Control:
        """Declares a control; `.value` is its current value. `set`: called with a new value, between two steps. See steering.make_control for the other arguments."""
        return self._commands.add_control(steering.make_control(name, value, **about))

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
        """Declares a button: `@run.action` on a function whose arguments have defaults. The function is called between two steps."""

        def declare(function: F) -> F:
            self._commands.add_action(steering.make_action(function, name, label, help, role, risky))
            return function

        return declare if call is None else declare(call)

    def attach(self, optimizer: Any = None, scheduler: Any = None, model: Any = None, clip: float | None = None, **more: Any) -> Any:
        """Makes a loop steerable: learning rate, weight decay, clip value, pause, resume, step, stop. `room.step(loss=loss)` goes at the end of each step.

        With several ranks (torch.distributed) every rank calls `attach` and `room.step`: commands are applied at the same step on each rank.
        """
        from .room import Room

        return Room(self, optimizer, scheduler, model, clip, **more)

    def watch(self, model: Any, every: int | None = None, **attention: Any) -> Any:
        """Logs gradient norms by parameter, and with `probe` the attention of the model on a batch. See watch.Watch for the arguments."""
        from .watch import Watch

        return Watch(self, model, every, **attention)

    def should_stop(self) -> bool:
        return self.stopped

    def handle_commands(self, step: int | None = None) -> bool:
        """Applies commands between two steps; `step` is the next one. Waits while paused. False: stop."""
        try:
            step = self._out.at(step)
        except ValueError as error:
            self._out.failed("handle_commands", error)
            step = None
        return self._commands.handle(step)

    def _condition_holds(self, condition: dict[str, Any], step: int) -> bool:
        return steering.holds(condition, step, self._samples.evaluations, self._series.newest)

    def _declare_anew(self) -> None:
        """Declares the controls and actions again after a change."""
        with self._out.lock:
            if self._out.started and not self._out.ended and not self._out.forked:
                self._out.append(records.event(self._hello()))

    def _hello(self) -> dict[str, Any]:
        device = {"device": self._session.meta["device"] or "unknown", "software": self._session.meta["software"]}
        return {"type": "started", "step": self._out.at(), "device": device, **self._commands.declaration()}

    def _say_hello(self) -> None:
        self._out.append(records.event(self._hello()))
        said = {"type": "status", "status": "running", "step": self._out.at(), "message": f"training in {self._session.meta['name']}"}
        self._out.append(records.event(said))

    # ---- called by the link ----

    def opened(self, run_id: str, attempt: int, step: int, status: str) -> None:
        with self._out.lock:
            self.id = run_id
            self.resumed_step = step
            if not self._out.started and step > 0:
                self._out.step = step
                self._series.resumed_at(step)
        self._session.opened()

    def command(self, logged: dict[str, Any]) -> None:
        self._commands.arrived(logged)

    def dropped(self, message: str) -> None:
        self._out.ended = True
        self._commands.lose()
        self._session.opened()
        say(f"the run is not this script's any more: {message}")

    def trouble(self, message: str) -> None:
        if self._session.is_news():
            self._out.warn(message)

    @property
    def url(self) -> str | None:
        """URL of the run's page; None until the server has opened the run."""
        return f"{self.settings.server}/runs/{self.id}" if self.id else None

    def wait_until_open(self, timeout: float = 10.0) -> bool:
        """Waits until the run is open, or the server has refused to open it."""
        return self._session.wait_until_open(timeout)

    def check_opening(self, timeout: float) -> None:
        """`wait_until_open`. Raises SettingsError for a key that no run has, or a wrong fork: nothing is kept of the run."""
        self.wait_until_open(timeout)
        if wrong := self._session.given_up():
            self._out.ended = True
            self.finish()
            self._session.remove()
            raise SettingsError(wrong)

    def notice_config(self) -> None:
        self._told.notice()

    # ---- the end ----

    def __deepcopy__(self, _: Any) -> "Run":
        """Frameworks copy what holds a run: the run is the same."""
        return self

    def __reduce__(self) -> Any:
        raise TypeError("a headroom run belongs to the process that opened it: open it in the other process, with its id and resume='allow'")

    def reopened(self) -> "Run":
        """This run; where its framework has ended it, its next attempt, so that what is measured after training belongs to it."""
        if not self._out.ended or self._out.forked or self._out.folder is None or self._commands.lost:
            return self
        from .process import guard

        again = Run(self.settings, self.key, self._setup, "allow", system_seconds=None, beside=True)
        guard(again)
        if self.settings.mode == "online":
            again._session.wait_unless_away()
        again._series.go_on_from(self._series)
        # What people could change stays to be seen, with its last values.
        again._commands.controls.update(self._commands.controls)
        return again

    def trains_on(self, done: int, before: int, first: int) -> "Run | None":
        """`reopened`, for a training that goes on after `done` updates; the one before had made `before`.

        None where it begins again: a run has one value at each step. Where it goes back to a checkpoint, its values replace those from step `first` on.
        """
        if done == 0 < before:
            self.finish()
            return None
        again = self.reopened()
        if again._out.ended:
            return None
        if done < before:
            again.rewind(first)
        return again

    def finish(self, status: str | None = None, message: str = "", traceback: str | None = None, timeout: float = 30.0) -> None:
        """Ends the run, and waits until all data is sent: at most `timeout` seconds, and less than one when the server is unreachable.

        Without a `status` it ends as "stopped" if somebody stopped it; called in `except` or `finally`, as the error says: "failed" with the traceback, or "stopped" after Ctrl+C; else as "finished".
        """
        if self._out.forked:
            return
        if status not in (None, *ENDS):
            self._out.warn(f"finish: status: {cut(status, 40)} is none of {', '.join(ENDS)}; the run ends as finished")
            status = "finished"
        error = sys.exc_info()[1] if status is None else None
        if error is not None and not isinstance(error, (GeneratorExit, StopIteration)):
            # Called in `finally` or `except`: the error ends the run.
            return self.__exit__(type(error), error, error.__traceback__)
        _open_runs.discard(self)
        with self._out.lock:
            if self._system:
                self._system.stop()
                self._system = None
            if self._console:
                self._console.stop()
            if self._out.folder is None or (self._out.ended and self._session.link is None):
                return
            self.notice_config()
            try:
                if self._out.ready():
                    self._say_end(status or ("stopped" if self.stopped else "finished"), message, traceback)
            except Exception as error:
                self._out.failed("finish", error)
            self._out.ended = True
            link = self._session.take_link()
        self._session.send_rest(link, timeout)

    def _say_end(self, status: str, message: str, traceback: str | None) -> None:
        if self.summary:
            self.table("summary", ["name", "value"], list(self.summary.items()))
        event: dict[str, Any] = {"type": "status", "status": status, "step": self._out.at(), "message": cut(message, 2000)}
        if traceback:
            event["traceback"] = traceback[-16_000:]
        self._out.append(records.event(event))

    def leave(self) -> None:
        """In a forked process: its copies of the connection and of the folder's lock would outlive the script."""
        self._session.leave()
        self._out.forget()

    def fail(self, error: BaseException, trace: TracebackType | None = None) -> None:
        """Ends the run as failed, with the traceback."""
        text = "".join(tracebacks.format_exception(type(error), error, trace or error.__traceback__))
        self.finish("failed", f"{type(error).__name__}: {cut(error, 2000)}", text)

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None or isinstance(error, SystemExit) and error.code in (None, 0):
            self.finish("stopped" if self.stopped else "finished")
        elif isinstance(error, SystemExit):
            self.finish("failed", f"the script left with {error.code!r}")
        elif isinstance(error, KeyboardInterrupt):
            self.finish("stopped", "stopped by Ctrl+C")
        else:
            self.fail(error, trace)


_open_runs: set[Run] = set()
