"""Declared controls and actions of a script, and the commands that arrive for them."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Callable

from . import steering
from .numbers import cut
from .outbox import Outbox
from .ranks import Ranks, join
from .steering import Action, Control, Refused


class Commands:
    """One per run. `holds(condition, step)` says whether a command's condition is met before update `step`."""

    def __init__(self, out: Outbox, holds: Callable[[dict[str, Any], int], bool]) -> None:
        self._out = out
        self._holds = holds
        self.controls: dict[str, Control] = {}
        self.actions: dict[str, Action] = {}
        self.stopped = False
        self.lost = False
        """The run has been taken away from this script: every rank is to stop."""
        self.status = "running"
        self.command_id: str | None = None
        """Of the action that is being done."""
        self.interrupted = False
        """Set by an action that its framework carries out: the wait of a paused run ends, and begins again with the next `handle`."""
        self.on_change: Callable[[], None] = lambda: None
        self.steps_left: int | None = None
        self.ranks: Ranks | None = None
        self._inbox: deque[dict[str, Any]] = deque()
        self._arrived = threading.Event()
        self._known: set[str] = set()
        self._held: list[dict[str, Any]] = []

    def add_control(self, made: Control) -> Control:
        self.controls[made.name] = made
        self.on_change()
        return made

    def add_action(self, made: Action) -> None:
        self.actions[made.name] = made
        self.on_change()

    def declaration(self) -> dict[str, Any]:
        """The fields `controls` and `values` of `started`."""
        return {
            "controls": {
                "values": [c.declaration() for c in self.controls.values()],
                "actions": [a.declaration() for a in self.actions.values()],
            },
            "values": {c.name: self._current(c) for c in self.controls.values()},
        }

    def _current(self, control: Control) -> Any:
        """Its value; the last known one where `get` raises: what is logged and the other controls do not depend on it."""
        try:
            return control.current()
        except Exception as error:
            self._out.warn(f"control {control.name}: its get raised {error!r}", f"get {control.name}")
            return control.value

    def join_ranks(self) -> None:
        if self.ranks is None and not self._out.forked:
            self.ranks = join(self._out.warn)

    # ---- called by the link's threads ----

    def arrived(self, logged: dict[str, Any]) -> None:
        id = logged["command"]["id"]
        if id not in self._known:
            self._known.add(id)
            self._inbox.append(logged)
            self._arrived.set()

    def lose(self) -> None:
        self.lost = True
        if self.ranks is None:
            self.stopped = True
        self._arrived.set()

    # ---- called between two steps ----

    def handle(self, step: int | None) -> bool:
        """Applies the commands due before update `step`; waits while paused. False: stop."""
        if self._out.forked:
            return not self.stopped
        at = self._out.at(step)
        if self.steps_left is not None and self.status == "running":
            self.steps_left -= 1
            if self.steps_left <= 0:
                self.steps_left = None
                self.set_status("paused", at, "the steps asked for are done")
        ranks = self.ranks
        if ranks is None or ranks.broken:
            self._do_all(self._due(at), at)
        else:
            self._do_taken(ranks, at)
        if self.status == "paused":
            self._out.warn(f"paused at step {at}: training goes on when somebody resumes the run")
        while self.status == "paused" and not self.stopped and not self.interrupted:
            if ranks is None or ranks.broken:
                if self._out.ended and not self.lost:
                    break
                self._arrived.wait(0.2)
                self._do_all(self._due(at), at)
            else:
                if ranks.speaks:
                    self._arrived.wait(0.2)
                ranks.post(self._due(at) if ranks.speaks else [], self.lost)
                self._do_taken(ranks, at)
        self.interrupted = False
        if ranks is not None and not ranks.broken:
            ranks.post(self._due(at + 1) if ranks.speaks else [], self.lost)
        return not self.stopped

    def _do_taken(self, ranks: Ranks, at: int) -> None:
        commands, stopped = ranks.take()
        self._do_all(commands, at)
        self.stopped = self.stopped or stopped
        if ranks.broken and self.lost:
            self.stopped = True

    def set_status(self, status: str, step: int, message: str) -> None:
        self.status = status
        self._out.say({"type": "status", "status": status, "step": step, "message": message})

    def _due(self, step: int) -> list[dict[str, Any]]:
        """Removes the commands due before update `step` from the waiting ones and returns them."""
        self._arrived.clear()
        due = []
        while self._inbox:
            logged = self._inbox.popleft()
            when = logged["command"].get("when")
            if when is not None and not self._holds(when, step):
                self._held.append(logged)
                self._answer(logged, "command.scheduled", step, message=f"waits: {steering.describe(when)}")
            else:
                due.append(logged)
        for logged in list(self._held):
            if self._holds(logged["command"]["when"], step):
                self._held.remove(logged)
                due.append(logged)
        return due

    def _do_all(self, due: list[dict[str, Any]], step: int) -> None:
        for logged in due:
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
            self._out.warn(f"command {command.get('id')}: {error!r}")
            self._answer(logged, "command.refused", step, reason="failed", message=cut(f"{type(error).__name__}: {error}", 500))

    def _set(self, command: dict[str, Any], step: int) -> tuple[Any, Any, str]:
        control = self.controls.get(command["control"])
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
        action = self.actions.get(command["action"])
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
        self.command_id = command["id"]
        try:
            said = action.call(**given)
        finally:
            self.command_id = None
        return None, None, said if isinstance(said, str) else f"{action.label} at step {step}"

    def _answer(self, logged: dict[str, Any], type: str, step: int, **fields: Any) -> None:
        self._out.say({"type": type, "commandId": logged["command"]["id"], "seq": logged["seq"], "step": step, **fields})
