"""Wrappers around a torch model, which add a part to the names of what is inside."""

from __future__ import annotations

from typing import Any, Callable

INNER = {
    "DistributedDataParallel": "module",
    "DataParallel": "module",
    "OptimizedModule": "_orig_mod",
    "CheckpointWrapper": "_checkpoint_wrapped_module",
    "FullyShardedDataParallel": "_fsdp_wrapped_module",
}
"""By the name of its class, what a wrapper calls the model inside."""


def unwrapped(model: Any) -> Any:
    """The model inside all wrappers."""
    while (inner := INNER.get(type(model).__name__)) and hasattr(model, inner):
        model = getattr(model, inner)
    return model


def is_flattened(parameter: Any) -> bool:
    """Whether FSDP 1 shards the parameter: torch then takes a process's part for the whole."""
    return type(parameter).__name__ == "FlatParameter" or bool(getattr(parameter, "_fsdp_flattened", False))


def is_sharded(parameter: Any) -> bool:
    """Whether a process has only a part of the parameter, as with FSDP of either version and with tensor parallelism."""
    return hasattr(parameter, "device_mesh") or is_flattened(parameter)


def own_names(model: Any) -> Callable[[str], str]:
    """A function that gives a parameter's or module's name as it is without wrappers, around the model and inside it."""
    added = {f"{name}.{INNER[type(m).__name__]}".lstrip(".") for name, m in model.named_modules(remove_duplicate=False) if type(m).__name__ in INNER}

    def own(name: str) -> str:
        parts = name.split(".")
        return ".".join(part for i, part in enumerate(parts) if ".".join(parts[: i + 1]) not in added)

    return own
