"""The records of a spool, and the events made from them.

A record begins with one byte:

    DECLARE   JSON {"id", "stream", "columns"}: a stream; rows refer to it by `id`
    SHAPE     JSON {"id", "streams"}: names passed to `log` together; each is a stream of one series
    ROW       shape id u32, step i64, time f64 (ms since 1970), then one f64 for each stream of the shape
    GROUP     stream id u32, step i64, time f64, then one f64 for each column of the stream
    EVENT     JSON of any other event; numbers that JSON lacks are tagged as in packing.py
    BUNDLE    u32 length of JSON, JSON, then records, each after its u32 length: they are stored all together or not at all, with
              the JSON, which says how far their source has been read (sources.py)
"""

from __future__ import annotations

import json
import struct
from array import array
from typing import Any, Iterator

from .numbers import plain
from .packing import special

DECLARE, ROW, GROUP, EVENT, SHAPE, BUNDLE = 1, 2, 3, 4, 5, 6
_ROW = struct.Struct("<BIqd")
_LENGTH = struct.Struct("<I")

MAX_EVENTS = 3900
MAX_ROWS = 20_000
MAX_BYTES = 4 << 20


def declare(id: int, stream: str, columns: list[dict[str, Any]]) -> bytes:
    return bytes([DECLARE]) + json.dumps({"id": id, "stream": stream, "columns": columns}).encode()


def shape(id: int, streams: list[int]) -> bytes:
    return bytes([SHAPE]) + json.dumps({"id": id, "streams": streams}).encode()


def row_struct(width: int) -> struct.Struct:
    """Packs ROW (or GROUP), id, step, time and `width` values."""
    return struct.Struct(f"<BIqd{width}d")


def row_values(record: bytes) -> tuple[float, ...]:
    return struct.unpack_from(f"<{(len(record) - _ROW.size) // 8}d", record, _ROW.size)


def event(fields: dict[str, Any]) -> bytes:
    return bytes([EVENT]) + json.dumps(plain(fields, special), allow_nan=False).encode("utf-8", "replace")


def bundle(records: list[bytes], mark: dict[str, Any]) -> bytes:
    said = json.dumps(mark).encode()
    parts = [bytes([BUNDLE]), _LENGTH.pack(len(said)), said]
    for record in records:
        parts += [_LENGTH.pack(len(record)), record]
    return b"".join(parts)


def unbundle(record: bytes) -> Iterator[bytes]:
    """The records of a bundle; for any other record, the record itself."""
    if record[0] != BUNDLE:
        yield record
        return
    at = 5 + _LENGTH.unpack_from(record, 1)[0]
    while at < len(record):
        (length,) = _LENGTH.unpack_from(record, at)
        yield record[at + 4 : at + 4 + length]
        at += 4 + length


def mark_of(record: bytes) -> dict[str, Any] | None:
    """A bundle's mark of its source; None for any other record."""
    if record[0] != BUNDLE:
        return None
    said: dict[str, Any] = json.loads(record[5 : 5 + _LENGTH.unpack_from(record, 1)[0]])
    return said


class Decoder:
    """Makes events from records, in order. Consecutive rows of a stream become one event, before any later event."""

    def __init__(self) -> None:
        self.streams: dict[int, tuple[str, int]] = {}
        """Name and number of columns of each stream that is declared."""
        self.shapes: dict[int, list[int]] = {}
        self.marks: dict[str, Any] = {}
        """How far each source has been read."""
        self.reset()

    def reset(self) -> None:
        """Begins a batch."""
        self.events: list[dict[str, Any]] = []
        self.count = 0
        self.rows = 0
        self.bytes = 0
        self.files: list[str] = []
        self._open: dict[int, tuple[list[int], list[float], list[float]]] = {}
        self._shape = -1
        self._steps: list[int] = []
        self._times: list[float] = []
        self._values: list[float] = []

    def learn(self, record: bytes) -> None:
        """Restores the declarations of a record of an earlier batch."""
        self.marks.update(mark_of(record) or {})
        for one in unbundle(record):
            if one[0] == DECLARE:
                self._declare(one)
            elif one[0] == SHAPE:
                self._learn_shape(one)

    def full(self) -> bool:
        return (
            len(self.events) + len(self._open) + len(self.shapes.get(self._shape, ())) >= MAX_EVENTS
            or self.rows >= MAX_ROWS
            or self.bytes >= MAX_BYTES
        )

    def lowest_step(self) -> int | None:
        """The lowest step of the rows gathered so far."""
        self._spread()
        steps = [s for steps, _times, _values in self._open.values() for s in steps]
        return min(steps) if steps else None

    def add(self, record: bytes) -> None:
        kind = record[0]
        self.bytes += len(record)
        if kind == ROW:
            _, id, step, time = _ROW.unpack_from(record)
            if id != self._shape:
                self._spread()
                self._shape = id
            self._steps.append(step)
            self._times.append(time)
            self._values.extend(row_values(record))
            self.rows += len(self.shapes[id])
            return
        if kind == SHAPE:
            return self._learn_shape(record)
        self._spread()
        if kind == GROUP:
            _, id, step, time = _ROW.unpack_from(record)
            steps, times, values = self._open.setdefault(id, ([], [], []))
            steps.append(step)
            times.append(time)
            values.extend(row_values(record))
            self.rows += 1
        elif kind == DECLARE:
            self.events.append({"type": "series", **self._declare(record)})
            self.count += 1
        elif kind == EVENT:
            self.flush()
            fields = json.loads(record[1:], object_hook=_untagged)
            for name in ("blob", "pictures"):
                blob = fields.get(name)
                if isinstance(blob, dict) and "file" in blob:
                    self.files.append(blob["file"])
            self.events.append(fields)
            self.count += 1
        elif kind == BUNDLE:
            self.marks.update(mark_of(record) or {})
            for one in unbundle(record):
                self.add(one)

    def _declare(self, record: bytes) -> dict[str, Any]:
        said = json.loads(record[1:])
        self.streams[said["id"]] = (said["stream"], len(said["columns"]))
        return {"stream": said["stream"], "columns": said["columns"]}

    def _learn_shape(self, record: bytes) -> None:
        said = json.loads(record[1:])
        self.shapes[said["id"]] = said["streams"]

    def _spread(self) -> None:
        """Moves each column of the gathered rows to its stream."""
        if not self._steps:
            return
        streams = self.shapes[self._shape]
        for i, id in enumerate(streams):
            steps, times, values = self._open.setdefault(id, ([], [], []))
            steps += self._steps
            times += self._times
            values += self._values[i :: len(streams)]
        self._steps, self._times, self._values = [], [], []

    def flush(self) -> None:
        """Turns the gathered rows into events; called at the end of a batch."""
        self._spread()
        for id, (steps, times, values) in self._open.items():
            together = steps[-1] - steps[0] == len(steps) - 1
            self.events.append(
                {
                    "type": "rows",
                    "stream": self.streams[id][0],
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
