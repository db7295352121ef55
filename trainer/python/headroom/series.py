"""The numbers of a run: its series and their rows."""

from __future__ import annotations

import fnmatch
import struct
import time
from typing import Any, Callable, Mapping

from . import records
from .numbers import MAX_STEP, cut, number_of, step_of
from .outbox import Outbox

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

GOALS = {"minimize": "lower", "min": "lower", "lower": "lower", "maximize": "higher", "max": "higher", "higher": "higher", None: None}
MAX_SHAPES = 1000
MANY = 1000
_GROUP_IDS = 1_000_000


class _Shape:
    """Names that were logged together before. The next row with the same names needs only one `pack`."""

    __slots__ = ("id", "names", "streams", "pack", "step", "record", "plain")

    def __init__(self, id: int, names: list[str], streams: list[int]) -> None:
        self.id = id
        self.names = names
        self.streams = streams
        self.pack = records.row_struct(len(streams)).pack
        self.step = 0
        self.record: bytes | None = None
        self.plain = True
        """No value was a tensor."""


class Series:
    """One per run; the caller of a method that begins with `_` must hold the outbox's lock."""

    def __init__(self, out: Outbox) -> None:
        self._out = out
        self.clock: Callable[[], float] = time.time
        """When what is logged was made, in seconds since 1970."""
        self._ids: dict[str, int] = {}
        # The last step of each stream, and the newest value of each series; `_settle` adds those of `_recent`.
        self._last: dict[int, int] = {}
        self._before: dict[str, int] = {}
        """The last step of each stream in the attempt before."""
        self._newest: dict[str, float] = {}
        self._highest = -(2**53)
        self._shapes: dict[tuple[Any, ...], _Shape] = {}
        self._shape_count = 0
        self._recent: _Shape | None = None
        self._groups: dict[str, tuple[int, list[str], struct.Struct]] = {}
        self._grouped: set[str] = set()
        self._defined: list[tuple[str, dict[str, Any]]] = []
        self._axes: set[str] = set()
        self._roles: set[str] = set()
        self._rewound_below: int | None = None

    def newest(self, name: str) -> float | None:
        """The last value of a series."""
        with self._out.lock:
            self._settle()
            return self._newest.get(name)

    def resumed_at(self, step: int) -> None:
        """An earlier attempt was left at `step`: a value logged below it rewinds the run."""
        self._rewound_below = step
        self._highest = step - 1

    def go_on_from(self, before: "Series") -> None:
        """`go_on`, where an object of this class logged the attempt before: a step that it has reached is set aside."""
        with before._out.lock:
            before._settle()
            ids = {**before._ids, **{f"headroom:{group}": known[0] for group, known in before._groups.items()}}
            self._before = {**before._before, **{name: before._last[id] for name, id in ids.items() if id in before._last}}
            self._newest = dict(before._newest)
        self.go_on()

    def go_on(self, highest: int = -(2**53)) -> None:
        """From now on a value logged below the step of `resumed_at` belongs to a series that is behind: it does not rewind."""
        with self._out.lock:
            self._rewound_below = None
            self._highest = highest

    def log(self, data: Mapping[str, Any], step: int | None, commit: bool) -> list[tuple[str, Any, int]]:
        """Writes a row. Returns the values that are not numbers, as name, value and step. Raises Interrupted."""
        rest: list[tuple[str, Any, int]] = self._out.alone(self._log, data, step, commit)
        return rest

    def _log(self, data: Mapping[str, Any], step: int | None, commit: bool) -> list[tuple[str, Any, int]]:
        out = self._out
        if not out.ready():
            return []
        at = out.step if step is None else step_of(step)
        shape = self._shapes.get(tuple(data))
        if shape is not None and self._highest < at <= MAX_STEP:
            try:
                record = shape.pack(records.ROW, shape.id, at, self.clock() * 1000.0, *(data.values() if shape.plain else map(number_of, data.values())))
            except Exception:
                pass
            else:
                out.append(record)
                if shape is not self._recent:
                    self._settle()
                    self._recent = shape
                shape.step = self._highest = at
                shape.record = record
                out.step = at + commit
                return []
        out.step = at
        rest = self._log_each(data, at)
        shape = self._shapes.get(tuple(data))
        if shape is not None:
            # torch warns of a tensor with a gradient that becomes a number in any other way than `number_of`.
            shape.plain = not any(hasattr(value, "requires_grad") for value in data.values())
        if step is not None and self._rewound_below is not None:
            # The script goes on from here: a later value below this step belongs to a series that is behind.
            self.go_on(at)
        if commit:
            out.step = at + 1
        return rest

    def _log_each(self, data: Mapping[str, Any], at: int) -> list[tuple[str, Any, int]]:
        step_of(at)
        if self._rewound_below is not None and at < self._rewound_below:
            self._rewind(at)
        self._settle()
        names: list[str] = []
        streams: list[int] = []
        values: list[float] = []
        rest: list[tuple[str, Any, int]] = []
        known = len(self._ids)
        for key, value in data.items():
            # 1 and "1" are one series.
            name = str(key)
            number = value if type(value) is float else number_of(value)
            if number is None:
                rest.append((name, value, at))
                continue
            id = self._ids.get(name)
            if id is None:
                try:
                    id = self._declare(name)
                except ValueError as error:
                    self._out.warn(f"log: {error}")
                    continue
            before = self._last.get(id)
            if before is not None and at <= before:
                if at < before or number != self._newest.get(name):
                    self._out.warn(f'log: "{name}" was logged at step {before}; step {at} is set aside (use rewind to go back)', f"back {name}")
                continue
            self._last[id] = at
            self._newest[name] = number
            names.append(name)
            streams.append(id)
            values.append(number)
        if len(self._ids) - known > MANY:
            self._out.warn(f'log: {len(self._ids) - known} new series in one call; give numbers that are always logged together a name, log(..., stream="norms"): they then cost far less')
        if streams:
            self._write(names, streams, values, at)
            self._highest = max(self._highest, at)
        return rest

    def _write(self, names: list[str], streams: list[int], values: list[float], at: int) -> None:
        shape = self._shapes.get(tuple(names))
        if shape is None or shape.streams != streams:
            if len(self._shapes) >= MAX_SHAPES and len(names) > 1:
                for name, stream, value in zip(names, streams, values):
                    self._write([name], [stream], [value], at)
                return
            shape = _Shape(self._shape_count, names, streams)
            self._out.append(records.shape(shape.id, streams))
            self._shape_count += 1
            self._shapes[tuple(names)] = shape
        self._out.append(shape.pack(records.ROW, shape.id, at, self.clock() * 1000.0, *values))

    def _settle(self) -> None:
        """Records steps and values of the rows that were written by the fast path."""
        shape, self._recent = self._recent, None
        if shape is None or shape.record is None:
            return
        for id in shape.streams:
            self._last[id] = shape.step
        self._newest.update(zip(shape.names, records.row_values(shape.record)))

    def log_group(self, group: str, values: Mapping[str, Any], step: int, columns: Callable[[], list[dict[str, Any]]] | None = None) -> None:
        """Logs series that are always logged together, in one stream. `columns` declares them, in the order of `values`; default: as `define_metric` says. Raises Interrupted."""
        self._out.alone(self._log_group, group, values, step, columns)

    def _log_group(self, group: str, values: Mapping[str, Any], step: int, columns: Callable[[], list[dict[str, Any]]] | None) -> None:
        out = self._out
        if not out.ready():
            return
        step = step_of(step)
        if self._rewound_below is not None and step < self._rewound_below:
            self._rewind(step)
        known = self._groups.get(group)
        if known is None:
            taken = [name for name in values if name in self._ids or name in self._grouped]
            if taken:
                return out.warn(f'"{taken[0]}" is logged by another call already; log it in one way alone')
            known = (_GROUP_IDS + len(self._groups), list(values), records.row_struct(len(values)))
            # Streams of `log` have the name of their series.
            out.append(records.declare(known[0], f"headroom:{group}", columns() if columns else [self._column(n) for n in values]))
            self._groups[group] = known
            self._grouped.update(values)
            self._reached(known[0], f"headroom:{group}")
        id, names, packer = known
        if names != list(values):
            return out.warn(f'"{group}" has the series {", ".join(names)}, always all of them; step {step} is set aside', f"all of {group}")
        before = self._last.get(id)
        if before is not None and step <= before:
            return out.warn(f'"{group}" was logged at step {before}; step {step} is set aside (use rewind to go back)', f"back {group}")
        numbers: list[Any] = [v if type(v) is float else number_of(v) for v in values.values()]
        if None in numbers:
            wrong = names[numbers.index(None)]
            return out.warn(f'log: "{wrong}" of "{group}" is no number; step {step} is set aside', f"no number {group}")
        self._last[id] = step
        out.append(packer.pack(records.GROUP, id, step, self.clock() * 1000.0, *numbers))
        self._newest.update(zip(names, numbers))

    def define(self, name: str, step_metric: str | None, goal: str | None, said: dict[str, Any]) -> None:
        name = str(name)
        if goal not in GOALS:
            return self._out.warn(f'define_metric: goal "{goal}" is neither "minimize" nor "maximize"')
        said = {k: v for k, v in {**said, "better": GOALS[goal]}.items() if v is not None}
        with self._out.lock:
            known = [n for n in self._ids if fnmatch.fnmatchcase(n, name)]
            if known and said:
                self._out.warn(f'define_metric: "{known[0]}" was logged already; define it before')
            self._defined.append((name, said))
            if step_metric:
                self._axes.add(step_metric)

    def _declare(self, name: str) -> int:
        if not name or cut(name, 512) != name:
            length = len(name.encode("utf-16-le", "surrogatepass")) // 2
            raise ValueError(f'"{cut(name, 40)}" is left out: the name of a series has 1 to 512 characters (of 16 bits), this has {length}')
        if name in self._grouped:
            raise ValueError(f'"{name}" is logged by the room already; give it another name')
        id = len(self._ids)
        self._out.append(records.declare(id, name, [self._column(name)]))
        self._ids[name] = id
        self._reached(id, name)
        return id

    def _reached(self, id: int, stream: str) -> None:
        if stream in self._before:
            self._last[id] = self._before[stream]

    def _column(self, name: str) -> dict[str, Any]:
        column: dict[str, Any] = {"name": name}
        if "/" in name:
            column["group"] = cut(name.rsplit("/", 1)[0], 128)
        role = ROLES_BY_NAME.get(name)
        if role and role not in self._roles:
            column["role"] = role
        for pattern, said in self._defined:
            if fnmatch.fnmatchcase(name, pattern):
                column.update(said)
        if "role" in column:
            self._roles.add(column["role"])
        if name in self._axes or column.get("role") == "epoch":
            column["x"] = True
        return column

    def rewind(self, step: int) -> None:
        with self._out.lock:
            if self._out.ready():
                self._rewind(step)

    def _rewind(self, step: int) -> None:
        self._settle()
        self._out.append(records.event({"type": "rewind", "step": step}))
        self._rewound_below = None
        self._out.step = step
        self._highest = step - 1
        for id, last in list(self._last.items()):
            if last >= step:
                self._last[id] = step - 1
        self._before = {name: min(last, step - 1) for name, last in self._before.items()}
