"""The two lines that make a torch loop steerable."""

from __future__ import annotations

from typing import Any, Callable

from .rates import base_rate, scale_rates
from .run import Run
from .steering import Control, Refused

STREAM = "steps"


class Room:
    """Made by `run.attach`.

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
        self._optimizer = optimizer
        self._schedulers = [] if scheduler is None else list(scheduler) if isinstance(scheduler, (list, tuple)) else [scheduler]
        self._model = model
        self._clip: Control | None = None
        self._watches: list[Watch] = []
        self._grad_norm: float | None = None
        self._clipped = False
        if optimizer is not None:
            self._rate = base_rate(optimizer)
            # The rate of the update to come: a scheduler has moved on when its step is logged.
            self._rate_used = float(optimizer.param_groups[0]["lr"])
            run.control(
                "optimizer.lr",
                get=lambda: self._rate,
                set=self._set_rate,
                above=0.0,
                scale="log",
                role="learningRate",
                label="Learning rate",
                help="Of the first group, before the schedule: all groups and the schedule are scaled with it.",
            )
            if any("weight_decay" in g for g in optimizer.param_groups):
                run.control(
                    "optimizer.weight_decay",
                    get=lambda: float(optimizer.param_groups[0].get("weight_decay", 0.0)),
                    set=self._set_decay,
                    min=0.0,
                    role="weightDecay",
                    label="Weight decay",
                )
        if clip is not None:
            self._clip = run.control(
                "clip", float(clip), above=0.0, scale="log", role="clipThreshold", label="Clip value", help="Largest gradient norm."
            )
        run.action(self._pause, name="pause", label="Pause", role="pause", help="After the current step.")
        run.action(self._resume, name="resume", label="Resume", role="resume", help="Goes on.")
        run.action(self._step, name="step", label="Step", role="step", help="So many steps, then paused again.")
        run.action(self._stop, name="stop", label="Stop", role="stop", help="Ends the run after the current step.", risky=True)
        if evaluate is not None:
            run.action(_called(evaluate), name="evaluate", label="Evaluate", role="evaluate", help="Runs the script's evaluation.")
        if save is not None:
            run.action(_called(save), name="checkpoint", label="Checkpoint", role="checkpoint", help="Saves a checkpoint.")
        self._next = run._step if start_step is None else start_step

    @property
    def clip(self) -> float:
        """The clip value that holds now; infinite when none was given."""
        return float("inf") if self._clip is None else float(self._clip.value)

    def clip_gradients(self, parameters: Any = None) -> float:
        """Scales the gradients down to the clip value, and logs their norm before that with the next `step`."""
        import torch

        chosen = parameters if parameters is not None else self._model.parameters()
        norm = float(torch.nn.utils.clip_grad_norm_(chosen, self.clip))
        self._grad_norm = norm
        self._clipped = norm > self.clip
        return norm

    def step(self, loss: Any = None, step: int | None = None, **metrics: Any) -> bool:
        """Logs the step that has just been made, then applies what people asked for; waits while paused. False: stop training."""
        run = self.run
        at = self._next if step is None else int(step)
        self._next = at + 1
        if not run._off:
            try:
                self._log(at, loss)
                for watch in run.__dict__.get("_watches", []):
                    watch.measure(at)
                if metrics:
                    run.log(metrics, at)
                run._step = at + 1
            except Exception as error:
                run._warn(f"step {at}: {error!r}")
        return run.handle_commands(at + 1)

    def _log(self, at: int, loss: Any) -> None:
        values: dict[str, float] = {}
        if loss is not None:
            values["loss"] = float(loss.detach() if hasattr(loss, "detach") else loss)
        if self._optimizer is not None:
            values["lr"] = self._rate_used
        if self._clip is not None:
            values["clip"] = self.clip
        # `loss` may be left out now and then: then it is absent, and what is always there goes on by itself.
        loss_only = {"loss": values.pop("loss")} if "loss" in values else {}
        for stream, some in (("loss", loss_only), (STREAM, values)):
            if some:
                self.run.log_group(stream, some, at, lambda some=some: self._declare(some))  # type: ignore[misc]
        if self._grad_norm is not None:
            norms = {"grad_norm": self._grad_norm, "clipped": float(self._clipped)}
            self.run.log_group(
                "gradient",
                norms,
                at,
                lambda: [
                    {"name": "grad_norm", "role": "gradNorm", "group": "gradient norm"},
                    {"name": "clipped", "role": "clipped", "group": "gradient norm", "unit": "0 or 1"},
                ],
            )
            self._grad_norm = None
        self._remember_rate()

    def _declare(self, values: dict[str, float]) -> list[dict[str, Any]]:
        about = {
            "loss": {"role": "loss", "group": "loss", "better": "lower"},
            "lr": {"role": "learningRate", "group": "learning rate"},
            "clip": {"role": "clipThreshold", "group": "gradient norm"},
        }
        return [{"name": name, **about[name]} for name in values]

    def _remember_rate(self) -> None:
        if self._optimizer is not None:
            self._rate_used = float(self._optimizer.param_groups[0]["lr"])

    def _set_rate(self, value: float) -> None:
        if not self._rate > 0:
            raise Refused("the base learning rate is 0: there is nothing to scale", "state")
        scale_rates(self._optimizer, self._schedulers, value / self._rate)
        self._rate = value
        self._remember_rate()

    def _set_decay(self, value: float) -> None:
        for group in self._optimizer.param_groups:
            if "weight_decay" in group:
                group["weight_decay"] = value

    def _pause(self) -> str:
        self.run._steps_left = None
        if self.run._status == "paused":
            raise Refused("the run is paused already", "state")
        self.run._set_status("paused", self._next, f"paused at step {self._next}")
        return f"paused at step {self._next}"

    def _resume(self) -> str:
        self.run._steps_left = None
        if self.run._status != "paused":
            raise Refused("the run is not paused", "state")
        self.run._set_status("running", self._next, "")
        return f"goes on from step {self._next}"

    def _step(self, count: int = 1) -> str:
        if count < 1:
            raise Refused("args.count: give 1 or more")
        self.run._steps_left = count
        if self.run._status == "paused":
            self.run._set_status("running", self._next, "")
        return f"{count} steps from step {self._next}, then paused"

    def _stop(self) -> str:
        self.run.stopped = True
        return f"stops at step {self._next}"


class Watch:
    """Norms of the gradients of a model's parameters, measured every `every` steps in one go."""

    def __init__(self, run: Run, model: Any, every: int) -> None:
        self._run = run
        self._every = max(1, int(every))
        self._named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        run.__dict__.setdefault("_watches", []).append(self)

    def measure(self, step: int) -> None:
        if step % self._every or not self._named:
            return
        import torch

        zero = None
        norms = []
        for _, p in self._named:
            if p.grad is None:
                zero = torch.zeros((), device=p.device) if zero is None else zero
                norms.append(zero)
            else:
                norms.append(torch.linalg.vector_norm(p.grad.detach()).float())
        values = torch.stack([n.to(norms[0].device) for n in norms]).tolist()
        names = [f"grad_norm/{name}" for name, _ in self._named]
        self._run.log_group(
            "gradients",
            dict(zip(names, values)),
            step,
            lambda: [
                {"name": f"grad_norm/{name}"[:512], "role": "gradNormOf", "of": name[:512], "group": "gradient norm per parameter"}
                for name, _ in self._named
            ],
        )


def _called(function: Callable[[], Any]) -> Callable[[], Any]:
    def call() -> str | None:
        said = function()
        return said if isinstance(said, str) else None

    return call
