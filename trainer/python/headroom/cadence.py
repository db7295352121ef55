"""How often an expensive measurement is made."""

from __future__ import annotations

import time

SHARE = 0.01
"""Of the time, at most, that a measurement takes once its cadence has settled. The first two may take more."""


class Cadence:
    """Every `every` steps. Default: every `first` steps at first; the interval doubles while the measurement takes more than its share of the time."""

    def __init__(self, every: int | None, first: int) -> None:
        self.every = max(1, int(every)) if every is not None else first
        self._fixed = every is not None
        self._step = 0
        self._begun = 0.0
        # Step and end time of the previous measurement.
        self._before: tuple[int, float] | None = None

    def due(self, step: int) -> bool:
        self._step = step
        return step % self.every == 0

    def __enter__(self) -> None:
        self._begun = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        now = time.perf_counter()
        if not self._fixed and self._before is not None and self._step > self._before[0]:
            a_step = (self._begun - self._before[1]) / (self._step - self._before[0])
            cost = now - self._begun
            while cost > SHARE * (self.every * a_step + cost) and self.every < 1 << 20:
                self.every *= 2
        self._before = (self._step, now)
