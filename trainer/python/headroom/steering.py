"""Controls and actions of a script while it trains, and conditions of commands."""

from __future__ import annotations

import inspect
import math
import re
from dataclasses import dataclass, field
from typing import Any, Callable

from .numbers import cut

NAME = re.compile(r"^[\w][\w./:-]{0,127}$")
TYPES = ("number", "integer", "boolean", "enum", "text")
SCALES = ("linear", "log")
ROLES = ("learningRate", "clipThreshold", "clipMode", "weightDecay", "scheduleEnd", "epochs", "batchSize", "")
ACTION_ROLES = ("pause", "resume", "step", "stop", "evaluate", "snapshot", "checkpoint", "revert", "branch", "cancel", "")
Value = Any
"""Number, text, True or False, or None."""


class Refused(Exception):
    """A command that cannot be applied; `reason` is one of the protocol's reasons."""

    def __init__(self, message: str, reason: str = "invalid") -> None:
        super().__init__(message)
        self.reason = reason


@dataclass
class Control:
    """A value that people can change. `value` is the current one; `set` is called when somebody changes it."""

    name: str
    value: Value
    type: str
    set: Callable[[Any], None] | None = None
    get: Callable[[], Any] | None = None
    spec: dict[str, Any] = field(default_factory=dict)

    def current(self) -> Value:
        return plain_value(self.get()) if self.get else self.value

    def problem(self, value: Value) -> str | None:
        """None, or why a value is invalid."""
        spec = self.spec
        if value is None:
            return None if spec.get("nullLabel") is not None else f"{self.name}: None does not fit; a control that may be None needs a null_label"
        if self.type in ("number", "integer"):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                return f"{self.name}: {value!r} is no number"
            if self.type == "integer" and not float(value).is_integer():
                return f"{self.name}: {value!r} is no whole number"
            low, high = spec.get("min"), spec.get("max")
            if low is not None and (value < low or (value == low and spec.get("exclusiveMin"))):
                return f"{self.name}: {value!r} is below what fits ({'>' if spec.get('exclusiveMin') else '>='} {low})"
            if high is not None and (value > high or (value == high and spec.get("exclusiveMax"))):
                return f"{self.name}: {value!r} is above what fits ({'<' if spec.get('exclusiveMax') else '<='} {high})"
            return None
        if self.type == "boolean":
            return None if isinstance(value, bool) else f"{self.name}: give True or False"
        if self.type == "enum":
            return None if value in spec["options"] else f"{self.name}: give one of {', '.join(spec['options'])}, not {value!r}"
        return None if isinstance(value, str) else f"{self.name}: give text"

    def declaration(self) -> dict[str, Any]:
        return {"name": self.name, "type": self.type, **self.spec}


@dataclass
class Action:
    name: str
    call: Callable[..., Any]
    args: list[Control]
    label: str
    help: str
    role: str | None
    risky: bool

    def declaration(self) -> dict[str, Any]:
        out: dict[str, Any] = {
            "name": self.name,
            "label": self.label,
            "help": self.help,
            "args": [{**a.declaration(), "default": a.value} for a in self.args],
            "risky": self.risky,
        }
        if self.role:
            out["role"] = self.role
        return out


def checked_name(name: str) -> str:
    if not isinstance(name, str) or not NAME.match(name):
        raise ValueError(f'"{name}" is no name for a control or an action: 1 to 128 letters, digits and "_", with . / : - inside')
    return name


def _one_of(field: str, said: Any, allowed: tuple[str, ...]) -> None:
    if said not in allowed:
        raise ValueError(f'{field}: "{said}" is none of {", ".join(a for a in allowed if a)}')


def plain_value(value: Any) -> Value:
    """A value as the protocol has it: NaN and infinities, which JSON lacks, as their text."""
    if isinstance(value, str):
        return cut(value, 4096)
    if value is None or isinstance(value, (bool, int)):
        return value
    number = float(value)
    return number if math.isfinite(number) else str(number)


def type_of(value: Any, options: Any) -> str:
    if options is not None:
        return "enum"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "text" if isinstance(value, str) else "number"


def make_control(
    name: str,
    value: Any = None,
    *,
    type: str | None = None,
    set: Callable[[Any], None] | None = None,
    get: Callable[[], Any] | None = None,
    min: float | None = None,
    max: float | None = None,
    above: float | None = None,
    options: Any = None,
    label: str | None = None,
    help: str = "",
    unit: str = "",
    group: str = "",
    scale: str = "linear",
    role: str | None = None,
    null_label: str | None = None,
    takes_effect: str = "next step",
) -> Control:
    """Raises ValueError, which names what is wrong, for a declaration that makes no sense."""
    if get and not set:
        raise ValueError(f"{name}: set: a value that is read by `get` needs a function that changes it")
    given = get() if get else value
    if isinstance(given, (list, tuple, dict)):
        raise ValueError(f"{name}: give one number, text, True or False, not {given!r}")
    if hasattr(given, "item"):
        given = given.item()
    first = plain_value(given)
    if options is not None and (isinstance(options, str) or not options or not all(isinstance(o, str) for o in (*options, first or ""))):
        raise ValueError(f"{name}: options: give texts, and one of them as the value, not {value!r} of {options!r}")
    for part, said, allowed in (("type", type or "number", TYPES), ("scale", scale, SCALES), ("role", role or "", ROLES)):
        _one_of(f"{name}: {part}", said, allowed)
    low = above if above is not None else min
    for field, bound in (("min" if above is None else "above", low), ("max", max)):
        if bound is not None and (isinstance(bound, bool) or not isinstance(bound, (int, float)) or not math.isfinite(bound)):
            raise ValueError(f"{name}: {field}: {bound!r} is no number")
    if low is not None and max is not None and low > max:
        raise ValueError(f"{name}: max: {max!r} is below {low!r}, the least value")
    spec: dict[str, Any] = {"label": label or name, "help": help, "unit": unit, "group": group, "scale": scale, "takesEffect": takes_effect}
    if min is not None:
        spec["min"] = min
    if above is not None:
        spec.update(min=above, exclusiveMin=True)
    if max is not None:
        spec["max"] = max
    if options is not None:
        spec["options"] = list(options)
    if role is not None:
        spec["role"] = role
    if null_label is not None:
        spec["nullLabel"] = null_label
    spec["default"] = first
    made = Control(checked_name(name), first, type or type_of(given, options), set, get, spec)
    # What `get` reads is the script's own: a learning rate may be 0 before its warm-up. An infinite value is no limit yet.
    wrong = None if get or given == math.inf else made.problem(first)
    if wrong:
        raise ValueError(wrong)
    return made


def make_action(
    call: Callable[..., Any], name: str | None, label: str | None, help: str | None, role: str | None, risky: bool
) -> Action:
    """An action with the arguments of the function: each needs a default, which determines its type."""
    args = []
    for parameter in inspect.signature(call).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.default is parameter.empty:
            raise ValueError(f"{call.__name__}: argument {parameter.name} needs a default, which says its type")
        args.append(make_control(parameter.name, parameter.default))
    own = checked_name(name or call.__name__)
    _one_of(f"{own}: role", role or "", ACTION_ROLES)
    said = help if help is not None else (inspect.getdoc(call) or "").split("\n")[0]
    return Action(own, call, args, label or own.replace("_", " "), said, role, risky)


def holds(
    condition: dict[str, Any], step: int, evaluations: dict[tuple[str, str], float], newest: Callable[[str], float | None]
) -> bool:
    """Whether a command's `when` is met before update `step`."""
    kind = condition.get("kind")
    if kind == "step":
        return step >= int(condition["step"])
    if kind == "evaluation":
        value = evaluations.get((condition["split"], condition["metric"]))
    else:
        value = newest(condition.get("name", ""))
    if value is None or math.isnan(value):
        return False
    limit = float(condition["value"])
    return value > limit if condition.get("comparison") == ">" else value < limit


def describe(condition: dict[str, Any]) -> str:
    kind = condition.get("kind")
    if kind == "step":
        return f"at step {condition['step']}"
    about = f"{condition.get('split')} {condition.get('metric')}" if kind == "evaluation" else str(condition.get("name"))
    return f"when {about} {condition.get('comparison')} {condition.get('value')}"
