"""Keras 3, with any backend.

>>> from headroom.keras import HeadroomCallback
>>> model.fit(x, y, validation_data=held_out, callbacks=[HeadroomCallback(project="vision", name="cnn")])

Each batch's metrics are series, each epoch's `val_` metrics an evaluation. People can change the learning rate, also of a schedule, pause, step and stop.
"""

from __future__ import annotations

from typing import Any, Callable

import keras

import headroom

from .room import loop_actions
from .steering import Refused


class HeadroomCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """`run`: an open run; else `headroom.init` is called with the other arguments when training begins. `evaluate`: called when people request an evaluation."""

    def __init__(self, run: headroom.Run | None = None, evaluate: Callable[[], dict[str, float]] | None = None, **settings: Any) -> None:
        super().__init__()
        self.run = run
        self._own = run is None
        self._settings = settings
        self._run_evaluation = evaluate
        self._ended: headroom.Run | None = None
        """The run that `fit` has ended: a `fit` that trains the model further goes on with it."""
        self._step = 0

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_ended": None}

    def on_train_begin(self, logs: Any = None) -> None:
        optimizer = self.model.optimizer
        step = int(keras.ops.convert_to_numpy(optimizer.iterations))
        if self._ended is not None:
            self.run, self._ended = self._ended.trains_on(step, self._step, step), None
        if self.run is None:
            config = {"optimizer": optimizer.get_config(), **{k: v for k, v in self.params.items() if v is not None}, **(self._settings.get("config") or {})}
            self.run = headroom.init(**{"name": self.model.name, **self._settings, "config": config})
        self._step = step
        self._declare_rate(optimizer)
        loop_actions(self.run, lambda: self._step, self._evaluate if self._run_evaluation else None, None)

    def _declare_rate(self, optimizer: Any) -> None:
        schedule = optimizer._learning_rate
        if isinstance(schedule, _Scaled):
            scaled = schedule
        elif isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
            # A schedule is part of the compiled step; its factor is a variable, so it can change.
            scaled = optimizer.learning_rate = _Scaled(schedule)
        else:
            scaled = None

        def rate() -> float:
            return scaled.base if scaled else float(keras.ops.convert_to_numpy(optimizer.learning_rate))

        def set_rate(value: float) -> None:
            if scaled is None:
                optimizer.learning_rate = value
            elif rate() > 0:
                scaled.factor.assign(scaled.factor * (value / rate()))
            else:
                raise Refused("the schedule begins with a rate of 0: there is nothing to scale", "state")

        self.run.control(  # type: ignore[union-attr]
            "optimizer.lr",
            get=rate,
            set=set_rate,
            above=0.0,
            scale="log",
            role="learningRate",
            label="Learning rate",
            help="Before the schedule, which is scaled with it." if scaled else "",
        )

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.run is None:
            return
        # The rate of the finished update; the optimizer has already counted that update.
        values: dict[str, Any] = {"learning_rate": self._rate_at(self._step)}
        values.update(logs or {})
        self.run.log(values, self._step)
        self._step += 1
        if not self.run.handle_commands(self._step):
            self.model.stop_training = True

    def _rate_at(self, step: int) -> float:
        rate = self.model.optimizer._learning_rate
        return float(keras.ops.convert_to_numpy(rate(step) if isinstance(rate, _Scaled) else self.model.optimizer.learning_rate))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.run is None:
            return
        values = {name.removeprefix("val_"): v for name, v in (logs or {}).items() if name.startswith("val_")}
        if values:
            self.run.evaluation("validation", values, self._step)
        self.run.log({"epoch": epoch + 1, **{n: v for n, v in (logs or {}).items() if n.startswith("val_")}}, self._step, commit=False)

    def on_train_end(self, logs: Any = None) -> None:
        if self.run is not None and self._own:
            self.run.finish()
            self._ended, self.run = self.run, None

    def _evaluate(self) -> str:
        values = self._run_evaluation()  # type: ignore[misc]
        self.run.evaluation("on demand", values, self._step)  # type: ignore[union-attr]
        return f"evaluated at step {self._step}"


class _Scaled(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A schedule times a factor that can be changed."""

    def __init__(self, schedule: Any) -> None:
        super().__init__()
        self.schedule = schedule
        self.factor = keras.Variable(1.0, trainable=False, dtype="float32", name="headroom_rate_factor")

    @property
    def base(self) -> float:
        """The schedule's base rate times the factor."""
        own = getattr(self.schedule, "warmup_target", None) or getattr(self.schedule, "initial_learning_rate", None)
        return float(keras.ops.convert_to_numpy((self.schedule(0) if own is None else own) * self.factor))

    def __call__(self, step: Any) -> Any:
        return self.schedule(step) * keras.ops.cast(self.factor, "float32")

    def get_config(self) -> dict[str, Any]:
        return {"schedule": self.schedule}
