"""One message as one binary buffer, as shared/pack.ts lays it out.

Little-endian u32 "HRM1", u32 length of the text, JSON text padded with spaces to a multiple of 8, then the arrays, each padded to 8 bytes.
In the text, an array of doubles is {"$f64": [offset, bytes]}; NaN and the infinities as {"$": "NaN"}, {"$": "Infinity"}, {"$": "-Infinity"}.
"""

from __future__ import annotations

import json
import math
import struct
from array import array
from typing import Any

MAGIC = 0x314D5248
_HEAD = struct.Struct("<II")


def pack(value: Any) -> bytes:
    """`array('d')` in `value` becomes an array of doubles beside the text."""
    blobs: list[bytes] = []
    size = 0

    def tagged(v: Any) -> Any:
        nonlocal size
        if isinstance(v, float):
            return v if math.isfinite(v) else special(v)
        if isinstance(v, array):
            data = doubles(v)
            at = size
            blobs.append(data)
            size += len(data) + (-len(data)) % 8
            return {"$f64": [at, len(data)]}
        if isinstance(v, dict):
            if len(v) == 1:
                ((key, only),) = v.items()
                if str(key).startswith("$"):
                    return {"$object": [str(key), tagged(only)]}
            return {str(k): tagged(x) for k, x in v.items()}
        if isinstance(v, (list, tuple)):
            return [tagged(x) for x in v]
        return v

    text = json.dumps(tagged(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8", "replace")
    text += b" " * (-len(text) % 8)
    parts = [_HEAD.pack(MAGIC, len(text)), text]
    for blob in blobs:
        parts.append(blob)
        parts.append(b"\0" * (-len(blob) % 8))
    return b"".join(parts)


def special(v: float) -> dict[str, str]:
    """A number that JSON lacks."""
    return {"$": "NaN" if math.isnan(v) else "Infinity" if v > 0 else "-Infinity"}


def doubles(v: "array[float]") -> bytes:
    import sys

    if sys.byteorder == "big":
        v = array("d", v)
        v.byteswap()
    return v.tobytes()


def unpack(data: bytes) -> Any:
    """The inverse of `pack`. Raises ValueError when `data` is not a packed message."""
    if len(data) < 8:
        raise ValueError(f"packed message: {len(data)} bytes are too few")
    magic, text_bytes = _HEAD.unpack_from(data)
    if magic != MAGIC or 8 + text_bytes > len(data):
        raise ValueError("packed message: wrong first bytes")
    arrays_at = 8 + text_bytes
    codes = {"$f64": "d", "$f32": "f", "$i32": "i", "$u8": "B"}

    def untagged(v: Any) -> Any:
        if isinstance(v, list):
            return [untagged(x) for x in v]
        if not isinstance(v, dict):
            return v
        if len(v) == 1:
            ((key, payload),) = v.items()
            if key == "$":
                return float(payload.replace("Infinity", "inf"))
            if key == "$object":
                return {payload[0]: untagged(payload[1])}
            if key in codes:
                at, length = payload
                out = array(codes[key])
                out.frombytes(data[arrays_at + at : arrays_at + at + length])
                return out
        return {k: untagged(x) for k, x in v.items()}

    return untagged(json.loads(data[8:arrays_at].decode("utf-8")))
