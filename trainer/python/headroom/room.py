"""The two lines that make a torch loop steerable."""

from __future__ import annotations

from typing import Any, Callable

from .numbers import step_of
from .rates import GroupValue, base_rate, scale_rates
from .run import Run
from .steering import Control, Refused
from .wrappers import is_flattened


class LoopControls:
    """Declares learning rate, weight decay, clip value, and the buttons pause, resume, step and stop as controls and actions of a run.

    `next_step` returns the number of the next update. `optimizer`: one, or a list. Where a framework runs the loop, `set_clip` passes the clip value to it.
    """

    def __init__(
        self,
        run: Run,
        next_step: Callable[[], int],
        optimizer: Any = None,
        schedulers: Any = (),
        clip: float | None = None,
        set_clip: Callable[[float], None] | None = None,
        evaluate: Callable[[], Any] | None = None,
        save: Callable[[], Any] | None = None,
    ) -> None:
        self.clip: Control | None = None
        self.optimizers = [] if optimizer is None else list(optimizer) if isinstance(optimizer, (list, tuple)) else [optimizer]
        followers = [] if schedulers is None else list(schedulers) if isinstance(schedulers, (list, tuple)) else [schedulers]
        self.rates = [
            declare_optimizer(run, own_name(i), one, [s for s in followers if len(self.optimizers) == 1 or _drives(s, one)], main=i == 0)
            for i, one in enumerate(self.optimizers)
        ]
        if clip is not None:
            self.clip = run.control(
                "clip",
                float(clip),
                set=set_clip,
                above=0.0,
                scale="log",
                role="clipThreshold",
                label="Clip value",
                help="Largest gradient norm.",
            )
        self._run = run
        loop_actions(run, next_step, evaluate, save)
        run._commands.join_ranks()

    def log_update(self, at: int, grad_norm: float | None = None, loss: Any = None, under: str = "") -> None:
        """Logs what the update of step `at` used. `grad_norm`: before clipping. `under`: comes before the names, where a framework logs series of its users' names."""
        # A scheduler has already advanced.
        values: dict[str, Any] = {f"lr/{own_name(i)}" if i else "lr": rate.used for i, rate in enumerate(self.rates)}
        if self.clip is not None:
            values["clip"] = float(self.clip.value)
        if loss is not None:
            values["loss"] = loss.detach() if hasattr(loss, "detach") else loss
        # Each by itself: the loss may be left out sometimes, and the next attempt of the run may have another clip value or optimizer.
        groups = [(name, {name: value}) for name, value in values.items()]
        if grad_norm is not None:
            groups.append(("gradient", {"grad_norm": grad_norm, "clipped": float(grad_norm > values.get("clip", float("inf")))}))
        for group, numbers in groups:
            self._run.log_group(under + group, {under + name: value for name, value in numbers.items()}, at, _declare(under, *numbers))


def own_name(index: int) -> str:
    """Of an optimizer, in the order in which they were given."""
    return f"optimizer{index + 1}" if index else "optimizer"


def _drives(scheduler: Any, optimizer: Any) -> bool:
    """Whether a scheduler, or the one that it wraps, sets the rates of this optimizer."""
    driven = getattr(scheduler, "optimizer", None) or getattr(getattr(scheduler, "scheduler", None), "optimizer", optimizer)
    return getattr(driven, "param_groups", None) is optimizer.param_groups


def declare_optimizer(run: Run, name: str, optimizer: Any, followers: list[Any], main: bool = True) -> GroupValue:
    """Learning rate and weight decay of a torch optimizer, as controls `name`.lr and `name`.weight_decay. Returns the rate."""
    if not hasattr(optimizer, "param_groups"):
        raise TypeError(f"optimizer: {type(optimizer).__name__} has no param_groups; give a torch optimizer, or a list of them")
    label = "" if main else f" of {name}"

    def scale(before: float, value: float) -> None:
        if not before > 0:
            raise Refused("the base learning rate is 0: there is nothing to scale", "state")
        scale_rates(optimizer, followers, value / before)

    rate = GroupValue(optimizer, "lr", lambda: optimizer.param_groups, base_rate(optimizer), scale, followers)
    run.control(
        f"{name}.lr",
        get=lambda: rate.value,
        set=rate.set,
        above=0.0,
        scale="log",
        role="learningRate" if main else None,
        label=f"Learning rate{label}",
        help="Of the first group, before the schedule: all groups and the schedule are scaled with it.",
    )
    # Groups keep their ratio: those without decay (biases, norms) stay without. Groups are new objects after `load_state_dict`.
    decays = [float(g.get("weight_decay") or 0) for g in optimizer.param_groups]
    decayed = [i for i, decay in enumerate(decays) if decay] or [i for i, g in enumerate(optimizer.param_groups) if "weight_decay" in g]
    if decayed:
        first = decays[decayed[0]]

        def decay_groups() -> list[Any]:
            return [optimizer.param_groups[i] for i in decayed]

        def write(_: float, value: float) -> None:
            for i in decayed:
                optimizer.param_groups[i]["weight_decay"] = value * (decays[i] / first if first else 1.0)

        decay = GroupValue(optimizer, "weight_decay", decay_groups, first, write)
        run.control(
            f"{name}.weight_decay",
            get=lambda: decay.value,
            set=decay.set,
            min=0.0,
            role="weightDecay" if main else None,
            label=f"Weight decay{label}",
            help="Of the first group that has one: the other groups are scaled with it.",
        )
    return rate


def total_norm(parameters: list[Any]) -> float | None:
    """The norm of all gradients together; None where torch is older than 2.6."""
    import torch

    of = getattr(torch.nn.utils, "get_total_norm", None)
    return of and float(of([p.grad for p in parameters if p.grad is not None]))


def loop_actions(run: Run, next_step: Callable[[], int], evaluate: Callable[[], Any] | None, save: Callable[[], Any] | None) -> None:
    """Declares the buttons of any loop."""
    commands = run._commands

    def pause() -> str:
        commands.steps_left = None
        if commands.status == "paused":
            raise Refused("the run is paused already", "state")
        commands.set_status("paused", next_step(), f"paused at step {next_step()}")
        return f"paused at step {next_step()}"

    def resume() -> str:
        commands.steps_left = None
        if commands.status != "paused":
            raise Refused("the run is not paused", "state")
        commands.set_status("running", next_step(), "")
        return f"goes on from step {next_step()}"

    def step(count: int = 1) -> str:
        if count < 1:
            raise Refused("args.count: give 1 or more")
        commands.steps_left = count
        if commands.status == "paused":
            commands.set_status("running", next_step(), "")
        return f"{count} steps from step {next_step()}, then paused"

    def stop() -> str:
        commands.stopped = True
        return f"stops at step {next_step()}"

    run.action(pause, label="Pause", role="pause", help="After the current step.")
    run.action(resume, label="Resume", role="resume", help="Goes on.")
    run.action(step, label="Step", role="step", help="So many steps, then paused again.")
    run.action(stop, label="Stop", role="stop", help="Ends the run after the current step.", risky=True)
    if evaluate is not None:
        run.action(_without_arguments(evaluate), name="evaluate", label="Evaluate", role="evaluate", help="Runs the script's evaluation.")
    if save is not None:
        run.action(_without_arguments(save), name="checkpoint", label="Checkpoint", role="checkpoint", help="Saves a checkpoint.")


class Room:
    """Made by `run.attach`. `optimizer` and `model`: one, or a list (a GAN's); the first optimizer's rate is the run's learning rate.

    >>> room = run.attach(optimizer=optimizer, scheduler=scheduler, model=model, clip=1.0)
    >>> for batch in loader:
    ...     loss = model(batch); loss.backward()
    ...     room.clip_gradients()
    ...     optimizer.step(); scheduler.step()
    ...     if not room.step(loss=loss): break
    """

    def __init__(
        self,
        run: Run,
        optimizer: Any = None,
        scheduler: Any = None,
        model: Any = None,
        clip: float | None = None,
        evaluate: Callable[[], Any] | None = None,
        save: Callable[[], Any] | None = None,
        start_step: int | None = None,
    ) -> None:
        self.run = run
        self._models = [] if model is None else list(model) if isinstance(model, (list, tuple)) else [model]
        self._grad_norm: float | None = None
        self._next = run._out.step if start_step is None else start_step
        self._controls = LoopControls(run, lambda: self._next, optimizer, scheduler, clip, None, evaluate, save)
        self._optimizers = self._controls.optimizers

    @property
    def clip(self) -> float:
        """The current clip value; infinite when none was given."""
        control = self._controls.clip
        return float("inf") if control is None else float(control.value)

    def clip_gradients(self, parameters: Any = None) -> float:
        """Scales the gradients down to the clip value, and logs their norm before clipping with the next `step`."""
        import torch

        for watch in self.run._watches:
            watch.measure_gradients(self._next)
        if parameters is None:
            groups = [{"params": m.parameters()} for m in self._models] or [g for one in self._optimizers for g in one.param_groups]
            parameters = [p for group in groups for p in group["params"]]
        else:
            parameters = [parameters] if isinstance(parameters, torch.Tensor) else list(parameters)
        if any(is_flattened(p) for p in parameters):
            if len(self._models) != 1:
                raise ValueError("clip_gradients: FSDP shards these parameters, and clips only all of a model's together: give attach that one model as `model`")
            norm = float(self._models[0].clip_grad_norm_(self.clip))
        elif self.clip == float("inf") and (total := total_norm(parameters)) is not None:
            # Clipped to an infinite value, gradients of an infinite norm (16-bit ones overflow early) become NaN.
            norm = total
        else:
            norm = float(torch.nn.utils.clip_grad_norm_(parameters, self.clip))
        self._grad_norm = norm
        return norm

    def step(self, loss: Any = None, step: int | None = None, **metrics: Any) -> bool:
        """Logs the step that has just finished, then applies commands; waits while paused. False: stop training."""
        run = self.run
        at = self._next
        try:
            at = at if step is None else step_of(step)
        except ValueError as error:
            run._out.failed("room.step", error)
        self._next = at + 1
        try:
            if run._out.ended:
                run._out.late("room.step")
            else:
                self._controls.log_update(at, self._grad_norm, loss)
                self._grad_norm = None
                if metrics:
                    run.log(metrics, at)
                run._out.step = at + 1
            for watch in run._watches:
                watch.measure(at)
        except Exception as error:
            run._out.failed("room.step", error)
        go_on = run.handle_commands(at + 1)
        for rate in self._controls.rates:
            rate.begin_step()
        return go_on


_about: dict[str, dict[str, Any]] = {
    "loss": {"role": "loss", "group": "loss", "better": "lower"},
    "lr": {"role": "learningRate", "group": "learning rate"},
    "clip": {"role": "clipThreshold", "group": "gradient norm"},
    "grad_norm": {"role": "gradNorm", "group": "gradient norm"},
    "clipped": {"role": "clipped", "group": "gradient norm", "unit": "0 or 1"},
}


def _declare(under: str, *names: str) -> Callable[[], list[dict[str, Any]]]:
    return lambda: [{"name": under + name, **_about.get(name, {"group": "learning rate"})} for name in names]


def _without_arguments(function: Callable[[], Any]) -> Callable[[], Any]:
    def call() -> str | None:
        said = function()
        return said if isinstance(said, str) else None

    return call
