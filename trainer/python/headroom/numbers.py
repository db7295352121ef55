"""Converts values of a script to numbers and plain JSON data."""

from __future__ import annotations

import math
from typing import Any


def number_of(value: Any) -> float | None:
    """A Python, numpy, torch or jax number as a float; None for any other type."""
    if isinstance(value, (bool, int, float)):
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
    count = getattr(value, "numel", None)
    try:
        return callable(count) and count() == 1
    except Exception:
        return False


def plain_json(value: Any) -> Any:
    """JSON data of any config value: NaN and infinities become text, unknown types their `str`."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {str(k): plain_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain_json(v) for v in value]
    for reader in ("item", "tolist"):
        read = getattr(value, reader, None)
        if callable(read):
            try:
                return plain_json(read())
            except Exception:
                continue
    return str(value)
