"""The records of a spool, and the events that they become.

A record begins with one byte:

    DECLARE   JSON {"id", "stream", "columns"}: a stream; `id` is what rows call it
    ROW       step i64, time f64 (ms since 1970), then for each series (stream id u32, value f64): streams of one series
    GROUP     stream id u32, step i64, time f64, then one f64 for each column
    EVENT     JSON of any other event; numbers that JSON lacks are tagged as in packing.py
"""

from __future__ import annotations

import json
import math
import struct
from array import array
from typing import Any

from .packing import special

DECLARE, ROW, GROUP, EVENT = 1, 2, 3, 4
_ROW = struct.Struct("<Bqd")
_PAIR = struct.Struct("<Id")
_GROUP = struct.Struct("<BIqd")

MAX_EVENTS = 4000
MAX_ROWS = 20_000
MAX_BYTES = 4 << 20


def plain(value: Any) -> Any:
    """JSON data of whatever a user gives: numbers of numpy and torch become numbers, what nothing else fits becomes text."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$": special(value)}
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(v) for v in value]
    for reader in ("item", "tolist"):
        read = getattr(value, reader, None)
        if callable(read):
            try:
                return plain(read())
            except Exception:
                continue
    return str(value)


def declare(id: int, stream: str, columns: list[dict[str, Any]]) -> bytes:
    return bytes([DECLARE]) + json.dumps({"id": id, "stream": stream, "columns": columns}).encode()


def event(fields: dict[str, Any]) -> bytes:
    return bytes([EVENT]) + json.dumps(plain(fields), allow_nan=False).encode("utf-8", "replace")


class Decoder:
    """Makes events of records, in their order. Rows of a stream that follow each other become one event, ahead of what came after them."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._widths: dict[int, int] = {}
        self.reset()

    def reset(self) -> None:
        """Begins a batch."""
        self.events: list[dict[str, Any]] = []
        self.count = 0
        self.rows = 0
        self.bytes = 0
        self.files: list[str] = []
        self._open: dict[int, tuple[list[int], list[float], list[float]]] = {}

    def learn(self, record: bytes) -> None:
        """Takes in what a record of an earlier batch declared."""
        if record[0] == DECLARE:
            self._declare(record)

    def full(self) -> bool:
        return len(self.events) + len(self._open) >= MAX_EVENTS or self.rows >= MAX_ROWS or self.bytes >= MAX_BYTES

    def add(self, record: bytes) -> None:
        kind = record[0]
        self.bytes += len(record)
        if kind == ROW:
            _, step, time = _ROW.unpack_from(record)
            for id, value in _PAIR.iter_unpack(memoryview(record)[_ROW.size :]):
                self._row(id, step, time, (value,))
        elif kind == GROUP:
            _, id, step, time = _GROUP.unpack_from(record)
            values = struct.unpack_from(f"<{(len(record) - _GROUP.size) // 8}d", record, _GROUP.size)
            self._row(id, step, time, values)
        elif kind == DECLARE:
            self._event({"type": "series", **self._declare(record)})
        elif kind == EVENT:
            self.flush()
            fields = json.loads(record[1:], object_hook=_untagged)
            for name in ("blob", "pictures"):
                blob = fields.get(name)
                if isinstance(blob, dict) and "file" in blob:
                    self.files.append(blob["file"])
            self._event(fields)

    def _declare(self, record: bytes) -> dict[str, Any]:
        said = json.loads(record[1:])
        self._names[said["id"]] = said["stream"]
        self._widths[said["id"]] = len(said["columns"])
        return {"stream": said["stream"], "columns": said["columns"]}

    def _row(self, id: int, step: int, time: float, values: tuple[float, ...]) -> None:
        steps, times, rows = self._open.setdefault(id, ([], [], []))
        steps.append(step)
        times.append(time)
        rows.extend(values)
        self.rows += 1

    def _event(self, fields: dict[str, Any]) -> None:
        self.events.append(fields)
        self.count += 1

    def flush(self) -> None:
        """Ends the rows that are being gathered; to be called at the end of a batch."""
        for id, (steps, times, values) in self._open.items():
            together = steps[-1] - steps[0] == len(steps) - 1
            self.events.append(
                {
                    "type": "rows",
                    "stream": self._names[id],
                    "steps": {"first": steps[0], "count": len(steps)} if together else array("d", steps),
                    "times": array("d", times),
                    "values": array("d", values),
                }
            )
            self.count += len(steps)
        self._open = {}


def _untagged(value: dict[str, Any]) -> Any:
    if len(value) == 1 and "$" in value:
        return float(value["$"].replace("Infinity", "inf"))
    return value


class RowPacker:
    """Packs rows of streams with one series each: one struct per number of series."""

    def __init__(self) -> None:
        self._structs: dict[int, struct.Struct] = {}

    def row(self, step: int, time: float, pairs: list[Any]) -> bytes:
        """`pairs`: stream id, value, stream id, value, ..."""
        known = self._structs.get(len(pairs))
        if known is None:
            known = self._structs[len(pairs)] = struct.Struct("<Bqd" + "Id" * (len(pairs) // 2))
        return known.pack(ROW, step, time, *pairs)

    def group(self, id: int, step: int, time: float, values: list[float]) -> bytes:
        return struct.pack(f"<BIqd{len(values)}d", GROUP, id, step, time, *values)
