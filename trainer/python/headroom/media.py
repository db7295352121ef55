"""Samples: pictures, histograms and tables as the bytes that a run shows."""

from __future__ import annotations

import io
import math
import struct
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable, Sequence

from .numbers import cut, number_of

SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF")
MAX_INLINE = 16_384


@dataclass
class Image:
    """A picture: bytes or a file of PNG, JPEG, GIF or WebP, an array [H, W] or [H, W, 1 | 3 | 4] (0 to 1, or 0 to 255), a PIL image or a matplotlib figure."""

    data: Any
    caption: str | None = None


@dataclass
class Text:
    text: str
    caption: str | None = None


@dataclass
class Histogram:
    """A histogram of values, or of `counts` between `edges`."""

    values: Any = None
    bins: int = 64
    edges: Sequence[float] | None = None
    counts: Sequence[float] | None = None


@dataclass
class Table:
    columns: Sequence[str]
    data: Sequence[Sequence[Any]]


def image_bytes(data: Any) -> bytes:
    """The bytes of an image. Raises TypeError or ValueError with a message that says what would fit."""
    if isinstance(data, Image):
        data = data.data
    if isinstance(data, (str, Path)):
        data = Path(data).read_bytes()
    if isinstance(data, (bytes, bytearray, memoryview)):
        whole = bytes(data)
        if not whole.startswith(SIGNATURES):
            raise ValueError("a picture must be PNG, JPEG, GIF or WebP")
        return whole
    save = getattr(data, "savefig", None) or (getattr(data, "save", None) if hasattr(data, "mode") else None)
    if save is None:
        return png(data)
    # A figure of matplotlib, or a picture of PIL.
    out = io.BytesIO()
    save(out, format="png")
    return out.getvalue()


def png(pixels: Any) -> bytes:
    """PNG of an array-like [H, W] or [H, W, channels]; for torch tensors also channels first."""
    if hasattr(pixels, "detach"):
        # numpy has no bfloat16.
        pixels = pixels.detach().cpu() if not pixels.is_floating_point() else pixels.detach().float().cpu()
        if pixels.ndim == 3 and pixels.shape[0] in (1, 3, 4) and pixels.shape[2] not in (1, 3, 4):
            pixels = pixels.permute(1, 2, 0)
    numpy = sys.modules.get("numpy")
    if numpy is not None and hasattr(pixels, "__array__"):
        pixels = _levels(numpy, numpy.asarray(pixels))
    if hasattr(pixels, "tolist"):
        pixels = pixels.tolist()
    try:
        height = len(pixels)
        width = len(pixels[0])
        first = pixels[0][0]
    except (TypeError, IndexError) as error:
        raise TypeError("a picture must be bytes, a file, or an array [height, width] or [height, width, 1 | 3 | 4]") from error
    channels = len(first) if isinstance(first, (list, tuple)) else 1
    color = {1: 0, 3: 2, 4: 6}.get(channels)
    if color is None:
        raise ValueError(f"a picture has 1, 3 or 4 channels, not {channels}")
    flat = [v for row in pixels for cell in row for v in (cell if isinstance(cell, (list, tuple)) else (cell,))]
    unit = any(isinstance(v, float) for v in flat) and max(flat, default=0) <= 1
    scale = 255.0 if unit else 1.0
    levels = bytes(min(255, max(0, round(v * scale))) if math.isfinite(v) else 0 for v in flat)
    stride = width * channels
    raw = b"".join(b"\0" + levels[y * stride : (y + 1) * stride] for y in range(height))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    return SIGNATURES[0] + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw, 6)) + chunk(b"IEND", b"")


def _levels(numpy: Any, pixels: Any) -> Any:
    """The pixels as integers from 0 to 255."""
    if pixels.dtype.kind == "f":
        top = pixels.max(initial=0, where=numpy.isfinite(pixels))
        pixels = numpy.rint(numpy.nan_to_num(pixels, nan=0.0, posinf=0.0, neginf=0.0) * (255.0 if top <= 1 else 1.0))
    elif pixels.dtype.kind == "b":
        pixels = pixels * 255
    return numpy.clip(pixels, 0, 255).astype(numpy.uint8)


def histogram_of(values: Any, bins: int = 64) -> dict[str, list[float]]:
    """{"edges", "counts"} of the finite values."""
    finite = [v for v in flat_numbers(values) if math.isfinite(v)]
    if not finite:
        raise ValueError("a histogram needs at least one finite value")
    bins = max(1, min(1024, int(bins)))
    low, high = min(finite), max(finite)
    if low == high:
        pad = abs(low) * 1e-6 or 0.5
        low, high = low - pad, high + pad
    width = (high - low) / bins
    counts = [0.0] * bins
    for v in finite:
        counts[min(bins - 1, int((v - low) / width))] += 1
    edges = [low + i * width for i in range(bins)] + [high]
    if any(b <= a for a, b in zip(edges, edges[1:])):
        return histogram_of(finite, bins // 2) if bins > 1 else {"edges": [low, high], "counts": [float(len(finite))]}
    return {"edges": edges, "counts": counts}


def flat_numbers(values: Any) -> list[float]:
    if hasattr(values, "detach"):
        values = values.detach().float().cpu().reshape(-1).tolist()
    elif hasattr(values, "tolist"):
        values = values.tolist()
    out: list[float] = []
    stack: list[Any] = [values]
    while stack:
        v = stack.pop()
        if isinstance(v, (list, tuple)):
            stack.extend(v)
        else:
            out.append(float(v))
    return out


def table_of(columns: Iterable[Any], rows: Iterable[Sequence[Any]]) -> dict[str, Any]:
    names = [cut(c, 512) for c in columns]
    out = []
    for row in rows:
        cells = [cell(v) for v in row]
        if len(cells) != len(names):
            raise ValueError(f"every row of a table needs one cell per column: {len(cells)} cells, {len(names)} columns")
        out.append(cells)
    return {"columns": names, "rows": out}


def cell(v: Any) -> Any:
    if v is None or isinstance(v, bool):
        return v
    if (number := number_of(v)) is not None:
        return (int(number) if number.is_integer() and abs(number) < 2**53 else number) if math.isfinite(number) else str(number)
    return cut(v, 4096)
