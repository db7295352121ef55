"""Learning rates and weight decays of torch optimizers, changed so that they stay changed.

A scheduler computes the rate of the next step from its own fields (`base_lrs`, `initial_lr`, `max_lr`, ...): a rate written into `param_groups` alone is lost at its next step
(LambdaLR, OneCycleLR, CosineAnnealingWarmRestarts), and one written into `base_lrs` alone has no effect where the next rate is computed from the last (most others).
So every rate is scaled by one factor, in the optimizer, the scheduler, and the schedulers inside it.

Others that write rates (the script itself, a scheduler that was not given or is none of torch's) may compute them from anything: what they write is scaled only
while an update is made, so that they never see that somebody else changed it.
"""

from __future__ import annotations

import math
from typing import Any, Callable, Iterable

from .steering import Refused

_group_keys = ("lr", "initial_lr", "max_lr", "min_lr", "swa_lr")
_lists = ("base_lrs", "max_lrs", "min_lrs", "_last_lr")
_numbers = ("eta_min",)
_numbers_of_plateau = ("eps",)
_inner = ("_schedulers", "after_scheduler", "_scheduler", "scheduler", "warmup_scheduler")


class GroupValue:
    """A number of an optimizer's groups that people change, `value` in the first of them; the others keep their ratio to it."""

    def __init__(self, optimizer: Any, key: str, groups: Callable[[], list[Any]], value: float, write: Callable[[float, float], None], schedulers: Iterable[Any] = ()) -> None:
        """write: changes the groups, and what writes them, from one value to another. schedulers: those that `write` changes."""
        self._key = key
        self._groups = groups
        self._write = write
        self._schedulers = [getattr(one, "scheduler", one) for one in schedulers]
        self.value = self._first = value
        self._written = self._contained = 1.0
        """`value / first` as `write` left it, and as what stands in the groups contains it."""
        self._others_write = False
        self._updates = False
        """Updates are noticed; else (an optimizer that is none of torch's, or is not asked for its `step`) the groups alone can be changed."""
        self._left = self._now()
        self._scaled: list[tuple[Any, Any, float]] = []
        """During an update, the groups in which the number is scaled, with what it was before and what it is."""
        self.used = 0.0
        """In the first group, by the last update; where none was made (GradScaler leaves some out), what it would have used."""
        self.begin_step()
        _follow_updates(optimizer, key, self)

    def _now(self) -> list[float]:
        return [float(group[self._key]) for group in self._groups()]

    @property
    def _scale(self) -> float:
        return self.value / self._first / self._contained if self._first > 0 else 1.0

    def set(self, value: float) -> None:
        self._notice()
        if not self._others_write:
            self._write(self.value, value)
            self._left = self._now()
            if not self._first > 0:
                self._first = value
            self._written = self._contained = value / self._first if value > 0 else 1.0
        elif not self._first > 0:
            raise Refused(f"{self._key}: the script sets it itself, and it was 0 at first: there is nothing to scale", "state")
        self.value = value

    def begin_step(self) -> None:
        """Called between two steps: schedulers have written what the next update uses."""
        self.after_update()
        self.used = self._now()[0] * self._scale

    def _notice(self) -> None:
        """Notices who has written the groups, and whether that contains what people have changed."""
        self.after_update()
        now = self._now()
        pairs = list(zip(now, self._left))
        self._left = now
        if not self._updates or all(a == b for a, b in pairs):
            return
        if any(_wrote(one, now) for one in self._schedulers):
            self._contained = self._written
            return
        self._others_write = True
        if _distance(pairs, self._contained) < _distance(pairs, 1.0):
            self._contained = 1.0

    def before_update(self) -> None:
        self._updates = True
        self._notice()
        scale = self._scale
        self.used = self._left[0] * scale
        if scale == 1.0:
            return
        for group in self._groups():
            number = group[self._key]
            before = number.clone() if hasattr(number, "clone") else number
            group[self._key] = _scaled(number, scale)
            self._scaled.append((group, before, float(group[self._key])))

    def after_update(self) -> None:
        """Also called later, for an update that raised."""
        scaled, self._scaled = self._scaled, []
        for group, before, during in scaled:
            # The script may have written it since.
            if float(group[self._key]) != during:
                continue
            if hasattr(before, "clone"):
                group[self._key].copy_(before)
            else:
                group[self._key] = before


def _wrote(scheduler: Any, now: list[float]) -> bool:
    """Whether the rates are those of a scheduler that `scale_rates` knows."""
    last = getattr(scheduler, "_last_lr", None) if type(scheduler).__module__.startswith("torch.") else None
    return isinstance(last, (list, tuple)) and [float(rate) for rate in last] == now[: len(last)]


def _distance(pairs: list[tuple[float, float]], contained: float) -> float:
    """How far the numbers went, had those before contained so much more than those now."""
    return max((abs(math.log(a * contained / b)) for a, b in pairs if a * contained > 0 and b > 0), default=0.0)


def _follow_updates(optimizer: Any, key: str, value: GroupValue) -> None:
    """Calls `before_update` and `after_update` of the newest value for each key; of an optimizer that is none of torch's never."""
    # The one that updates is inside the wrappers of accelerate and Lightning.
    while getattr(inner := getattr(optimizer, "optimizer", None), "param_groups", None) is optimizer.param_groups:
        optimizer = inner
    if not hasattr(optimizer, "_optimizer_step_pre_hooks"):
        return
    import torch

    followed: dict[str, GroupValue] | None = getattr(optimizer, "_headroom_values", None)
    if followed is None:
        followed = optimizer._headroom_values = {}
        cuda: Any = torch.cuda
        # Where an update is compiled, this is not.
        disable: Any = getattr(getattr(torch, "compiler", None), "disable", lambda function: function)

        def before(*_: Any) -> None:
            # What is captured is not done, and may not be waited for.
            if not (cuda.is_initialized() and cuda.is_current_stream_capturing()):
                for one in followed.values():
                    one.before_update()

        def after(*_: Any) -> None:
            for one in followed.values():
                one.after_update()

        optimizer.register_step_pre_hook(disable(before))
        optimizer.register_step_post_hook(disable(after))
    followed[key] = value


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
