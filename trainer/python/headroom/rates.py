"""Learning rates of torch optimizers, changed so that they stay changed.

A scheduler computes the rate of the next step from its own fields (`base_lrs`, `initial_lr`, `max_lr`, ...): a rate written into `param_groups` alone is lost at its next step
(LambdaLR, OneCycleLR, CosineAnnealingWarmRestarts), and one written into `base_lrs` alone has no effect where the next rate is computed from the last (most others).
So every rate is scaled by one factor, in the optimizer, the scheduler, and the schedulers inside it.
"""

from __future__ import annotations

from typing import Any, Iterable

_group_keys = ("lr", "initial_lr", "max_lr", "min_lr", "swa_lr")
_lists = ("base_lrs", "max_lrs", "min_lrs", "_last_lr")
_numbers = ("eta_min",)
_numbers_of_plateau = ("eps",)
_inner = ("_schedulers", "after_scheduler", "_scheduler", "scheduler", "warmup_scheduler")


def base_rate(optimizer: Any) -> float:
    """The rate that schedules start from: `initial_lr` of the first group, else its rate."""
    group = optimizer.param_groups[0]
    return float(group.get("max_lr", group.get("initial_lr", group["lr"])))


def scale_rates(optimizer: Any, schedulers: Iterable[Any], factor: float) -> None:
    """Multiplies every learning rate by `factor`, now and for the rest of the schedule."""
    for group in optimizer.param_groups:
        for key in _group_keys:
            if key in group and group[key] is not None:
                group[key] = _scaled(group[key], factor)
    seen: set[int] = set()
    for scheduler in schedulers:
        _scale_scheduler(scheduler, factor, seen)


def _scale_scheduler(scheduler: Any, factor: float, seen: set[int]) -> None:
    if scheduler is None or id(scheduler) in seen:
        return
    seen.add(id(scheduler))
    state = getattr(scheduler, "__dict__", {})
    for name in _lists:
        rates = state.get(name)
        if isinstance(rates, (list, tuple)):
            setattr(scheduler, name, type(rates)(_scaled(r, factor) for r in rates))
    for name in _numbers + (_numbers_of_plateau if "min_lrs" in state else ()):
        if isinstance(state.get(name), (int, float)):
            setattr(scheduler, name, state[name] * factor)
    for name in _inner:
        inside = state.get(name)
        for one in inside if isinstance(inside, (list, tuple)) else [inside]:
            if one is not None and (hasattr(one, "step") or hasattr(one, "get_last_lr")):
                _scale_scheduler(one, factor, seen)


def _scaled(rate: Any, factor: float) -> Any:
    """The scaled rate; a rate in a tensor (compiled or capturable optimizers) is changed in place."""
    if hasattr(rate, "mul_"):
        rate.mul_(factor)
        return rate
    return rate * factor
