"""Hugging Face Trainer.

>>> from headroom.huggingface import HeadroomCallback
>>> trainer = Trainer(..., callbacks=[HeadroomCallback(project="lm", name="gpt2 on shakespeare")])

Everything that the Trainer logs keeps the Trainer's own names. People can change learning rate, weight decay and clip value, pause, go step by step, stop, evaluate
and save; with several ranks at the same step on each rank.
"""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback

import headroom

from .room import LoopControls


class HeadroomCallback(TrainerCallback):
    """`run`: an open run (it stays open at the end); else `headroom.init` is called with the other arguments when training begins."""

    def __init__(self, run: headroom.Run | None = None, **settings: Any) -> None:
        self.run = run
        self._own = run is None
        self._ended: headroom.Run | None = None
        """The run that training has ended: evaluations after it, and a training that resumes from a checkpoint, go on with it."""
        self._settings = settings
        self._evaluated: dict[str, int] = {}
        """The step at which each runtime was last logged."""
        self._step = 0
        self._control: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_ended": None}

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, optimizer: Any = None, lr_scheduler: Any = None, **_: Any) -> None:
        done = state.global_step
        if self.run is None and self._ended is not None:
            self.run, self._ended = self._ended.trains_on(done, self._step, done + 1), None
        if self.run is None:
            self.run = headroom.init(**{"name": args.run_name, **self._settings, "config": _config(args, model, self._settings.get("config"))})
        run = self.run
        self._evaluated.clear()
        self._step = done
        # The Trainer logs series of these names.
        run.define_metric("loss", role="loss", goal="minimize")
        run.define_metric("eval_loss", goal="minimize")
        clips = args.max_grad_norm is not None and args.max_grad_norm > 0
        LoopControls(
            run,
            lambda: self._step,
            getattr(optimizer, "optimizer", optimizer),
            getattr(lr_scheduler, "scheduler", lr_scheduler),
            args.max_grad_norm if clips else None,
            lambda value: setattr(args, "max_grad_norm", value),
            self._evaluate if args.eval_strategy != "no" else None,
            self._save,
        )

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        for watch in self.run._watches if self.run else ():
            watch.measure(state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._step = state.global_step
        self._boundary(control)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, Any] | None = None, **_: Any) -> None:
        run = self.run or self._go_on()
        if run is None:
            return
        split, values = split_of(metrics or {})
        run.evaluation(split, values, state.global_step)
        if self.run is None:
            return run.finish()
        # An evaluation requested while the run was paused: pause again.
        if self.run._commands.status == "paused":
            self._boundary(control)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.run is not None and self.run._commands.status == "paused":
            self._boundary(control)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        run = self.run or self._go_on()
        if run is None or not logs:
            return
        # A series has one value at a step: of a second evaluation at the same one, `on_evaluate` gets the metrics.
        evaluations = {name: state.global_step for name in logs if name.endswith("_runtime")}
        if not evaluations or self._evaluated.items().isdisjoint(evaluations.items()):
            self._evaluated.update(evaluations)
            run.log({name: v for name, v in logs.items() if isinstance(v, (int, float))}, state.global_step)

    def _go_on(self) -> headroom.Run | None:
        self._ended = self._ended and self._ended.reopened()
        return self._ended

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.run is not None and self._own:
            self.run.finish()
            self._ended, self.run = self.run, None

    def _boundary(self, control: Any) -> None:
        if self.run is None:
            return
        self._control = control
        if not self.run.handle_commands(self._step):
            control.should_training_stop = True

    def _evaluate(self) -> str:
        return self._ask("should_evaluate", "evaluates")

    def _save(self) -> str:
        return self._ask("should_save", "saves")

    def _ask(self, flag: str, what: str) -> str:
        """Makes the Trainer act after this boundary, also when the run is paused: the pause is interrupted for it."""
        setattr(self._control, flag, True)
        self.run._commands.interrupted = True  # type: ignore[union-attr]
        return f"{what} at step {self._step}"


def split_of(metrics: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The split, and its metrics without their prefix: `eval_` of the only data set, `eval_NAME_` of one of several, or the script's own. The Trainer measures a runtime each time."""
    metrics = {str(name): value for name, value in metrics.items()}
    runtimes = [name.removesuffix("_runtime") for name in metrics if name.endswith("_runtime")]
    prefix = min(runtimes, key=len, default="eval")
    return prefix.removeprefix("eval_"), {name.removeprefix(f"{prefix}_"): v for name, v in metrics.items() if name.startswith(f"{prefix}_")}


def _config(args: Any, model: Any, own: Any) -> dict[str, Any]:
    config: dict[str, Any] = dict(args.to_sanitized_dict())
    described: Any = getattr(model, "config", None)
    if hasattr(described, "to_diff_dict"):
        config["model"] = described.to_diff_dict()
    return {**config, **(own or {})}
