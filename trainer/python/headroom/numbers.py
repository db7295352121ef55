"""Converts values of a script to numbers, plain JSON data and texts of a limited length."""

from __future__ import annotations

import math
from typing import Any, Callable, Mapping


def number_of(value: Any) -> float | None:
    """A Python, numpy, torch or jax number as a float; None for any other type, and for a whole number that a float cannot hold."""
    try:
        if isinstance(value, (bool, int, float)):
            return float(value)
        # numpy.ma.masked, the mean of what is masked as a whole, says 0.0.
        if isinstance(value, (str, bytes)) or type(value).__name__ == "MaskedConstant":
            return None
        if getattr(value, "ndim", None) in (0, None) or getattr(value, "size", None) == 1 or _one_element(value):
            read = getattr(value, "item", None)
            if callable(read):
                return float(read())
        return float(value) if hasattr(value, "__float__") and not hasattr(value, "__len__") else None
    except Exception:  # whatever the value's own type raises
        return None


def _one_element(value: Any) -> bool:
    count = getattr(value, "numel", None)
    return callable(count) and count() == 1


def step_of(value: Any) -> int:
    """Raises ValueError for what is no step."""
    try:
        step = int(value)
        if step == value and abs(step) <= MAX_STEP:
            return step
    except Exception:  # whatever the value's own type raises
        pass
    raise ValueError(f"step: {value!r} is no step; give a whole number from -(2^53 - 1) to 2^53 - 1")


MAX_STEP = 2**53 - 1
MAX_DEPTH = 30


def text_of(value: Any) -> str:
    """Its text; of a value that cannot say it, its type."""
    try:
        return str(value)
    except Exception:
        return f"<{type(value).__name__}>"


def cut(text: Any, most: int) -> str:
    """The first `most` characters, counted as the server counts them (16-bit units)."""
    whole = text_of(text)
    return whole if 2 * len(whole) <= most else whole.encode("utf-16-le", "surrogatepass")[: 2 * most].decode("utf-16-le", "ignore")


def plain(value: Any, special: Callable[[float], Any] = str, depth: int = 0) -> Any:
    """JSON data of any value: numpy and torch numbers become numbers, unknown types and what is nested too deeply their text; `special` converts NaN and infinities."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else special(value)
    if depth < MAX_DEPTH:
        if isinstance(value, Mapping):
            return {str(k): plain(v, special, depth + 1) for k, v in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [plain(v, special, depth + 1) for v in value]
        for reader in ("item", "tolist"):
            read = getattr(value, reader, None)
            if callable(read):
                try:
                    return plain(read(), special, depth + 1)
                except Exception:
                    continue
    return text_of(value)
