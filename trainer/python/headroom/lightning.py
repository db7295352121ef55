"""Lightning (also installed as pytorch_lightning).

>>> from headroom.lightning import HeadroomLogger, HeadroomCallback
>>> logger = HeadroomLogger(project="lm", name="char gpt")
>>> trainer = Trainer(logger=logger, callbacks=[HeadroomCallback(logger)])

The logger shows what the module logs; the callback makes the run steerable: learning rates, weight decay, clip value, pause, step, stop, validate, checkpoint.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import headroom

from .config import as_dict
from .room import LoopControls, total_norm
from .say import say
from .wrappers import is_sharded

if "pytorch_lightning" in sys.modules and "lightning.pytorch" not in sys.modules:
    from pytorch_lightning import Callback
    from pytorch_lightning.loggers.logger import Logger, rank_zero_experiment
    from pytorch_lightning.utilities import rank_zero_only
else:
    from lightning.pytorch import Callback
    from lightning.pytorch.loggers.logger import Logger, rank_zero_experiment
    from lightning.pytorch.utilities import rank_zero_only


class HeadroomLogger(Logger):
    """`run`: an open run; else `headroom.init` is called with the other arguments at the first log."""

    def __init__(self, run: headroom.Run | None = None, log_checkpoints: bool = False, **settings: Any) -> None:
        super().__init__()
        self._run = run
        self._own = run is None
        self._settings = settings
        self._config: dict[str, Any] = dict(settings.get("config") or {})
        self._log_checkpoints = log_checkpoints
        self._sent: set[str] = set()
        self._again: dict[str, Any] = {}
        """Settings that open the run of another process again."""
        self._begins = 0
        """Rows of the training before the present fit."""
        self._fit: Any = None
        """The Trainer, during a fit."""
        self._done: int | None = None
        """Rows of the training up to the end of the last fit, until the next one logs."""

    def __deepcopy__(self, _: Any) -> "HeadroomLogger":
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        return made

    def __getstate__(self) -> dict[str, Any]:
        """For another process that trains (ddp_spawn): it goes on with the run."""
        state = {**self.__dict__, "_fit": None}
        if self._run is not None:
            setup, place = self._run._setup, self._run.settings
            known = {"server": place.server, "token": place.token, "folder": place.folder, "project": setup["project"], "name": setup["name"]}
            again = {"id": self._run.key.split(f"{setup['project']}/", 1)[-1], "resume": "allow"}
            state |= {"_run": None, "_own": True, "_settings": {**known, **self._settings}, "_again": again}
        return state

    @property
    def run(self) -> headroom.Run:
        """The run; on ranks above 0 it only receives commands."""
        if self._run is not None and self._run._out.forked:
            self.__dict__.update(self.__getstate__())
        if self._run is not None and self._own:
            # Each fit and test ends with `finalize`: the next one goes on with the run, unless it trains from the start.
            if self._fit is None or self._done is None:
                self._run = self._run.reopened()
            else:
                before, self._done = self._done, None
                self._run = self._run.trains_on(self._begins, before, self._begins)
        if self._run is None:
            self._run = headroom.init(**{**self._settings, **self._again, "config": self._config})
            self._again = {}
        return self._run

    @property
    @rank_zero_experiment
    def experiment(self) -> headroom.Run:
        return self.run

    @property
    def name(self) -> str:
        return str(self._settings.get("project") or "default")

    @property
    def version(self) -> str:
        return str(self._settings.get("id") or self._settings.get("name") or (self._run.name if self._run else "run"))

    def log_graph(self, model: Any, input_array: Any = None) -> None:
        # Called as each fit and test begins; the Trainer takes over the step of a checkpoint only later.
        trainer = model.trainer
        self._fit = trainer if trainer.state.fn == "fit" else None
        # Not part of Lightning's public interface: another version may lack it.
        loaded = getattr(getattr(trainer, "_checkpoint_connector", None), "_loaded_checkpoint", None) or {}
        self._begins = _rows_of(loaded, model.automatic_optimization) if loaded else _rows(trainer)

    @rank_zero_only
    def log_hyperparams(self, params: Any, *_: Any, **__: Any) -> None:
        try:
            values = as_dict(params)
        except headroom.SettingsError as error:
            say(str(error))
            return
        self._config.update(values)
        if self._run is not None:
            self._run.config.update(values)

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.run.log(metrics, step)

    @rank_zero_only
    def log_image(self, key: str, images: list[Any], step: int | None = None, **_: Any) -> None:
        self.run.log({key: [i if isinstance(i, headroom.Image) else headroom.Image(i) for i in images]}, step, commit=False)

    @rank_zero_only
    def log_text(self, key: str, text: str, step: int | None = None, **_: Any) -> None:
        self.run.text(key, text, step)

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        path = getattr(checkpoint_callback, "best_model_path", "") or getattr(checkpoint_callback, "last_model_path", "")
        if self._log_checkpoints and path and path not in self._sent and os.path.isfile(path):
            self._sent.add(path)
            self.run.checkpoint(path)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        if self._run is not None and self._own:
            self._run.finish("failed" if status == "failed" and sys.exc_info()[1] is None else None)
        if self._fit is not None:
            self._done, self._fit = _rows(self._fit), None


def _rows(trainer: Any) -> int:
    """The step at which the logger gets the next row: of several optimizers, `global_step` counts the updates of each."""
    return int(getattr(trainer.fit_loop.epoch_loop, "_batches_that_stepped", trainer.global_step))


def _rows_of(checkpoint: dict[str, Any], automatic: bool) -> int:
    """The same for a checkpoint: one that was saved at the end of a batch does not count that batch yet."""
    try:
        if not automatic:
            loop = checkpoint["loops"]["fit_loop"]
            batches = loop["epoch_loop.batch_progress"]["current"]
            return int(loop["epoch_loop.state_dict"]["_batches_that_stepped"]) + int(batches["completed"] < batches["ready"])
    except LookupError:
        pass
    return int(checkpoint["global_step"])


class HeadroomCallback(Callback):
    """Steering. `source`: a HeadroomLogger or a run; default: the trainer's own HeadroomLogger."""

    def __init__(self, source: HeadroomLogger | headroom.Run | None = None) -> None:
        self._source = source
        self._run: headroom.Run | None = None
        self._controls: LoopControls | None = None
        self._step = self._seen = 0
        self._grad_norm: float | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_run": None, "_controls": None}

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        source = self._source or next((one for one in trainer.loggers if isinstance(one, HeadroomLogger)), None)
        if source is None:
            raise ValueError("HeadroomCallback: give it a HeadroomLogger or a run, or give the Trainer a HeadroomLogger")
        self._run = source.run if isinstance(source, HeadroomLogger) else source
        self._step, self._seen = _rows(trainer), trainer.global_step
        self._controls = LoopControls(
            self._run,
            lambda: self._step,
            list(trainer.optimizers),
            [config.scheduler for config in trainer.lr_scheduler_configs],
            trainer.gradient_clip_val or None,
            lambda value: setattr(trainer, "gradient_clip_val", value),
            (lambda: self._validate(trainer)) if trainer.enable_validation else None,
            lambda: self._save(trainer),
        )

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        for watch in self._run._watches if self._run else ():
            watch.measure(_rows(trainer))
        # Lightning clips after this; a norm over the shards of FSDP would take all ranks.
        if self._run and self._shows(trainer) and trainer.gradient_clip_val and trainer.gradient_clip_algorithm in (None, "norm"):
            try:
                parameters = [p for group in optimizer.param_groups for p in group["params"]]
                if not any(map(is_sharded, parameters)):
                    self._grad_norm = total_norm(parameters)
            except Exception as error:
                self._run._out.failed("gradient norm", error)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        # Only between two updates, also with gradient accumulation over several batches.
        if self._run is None or trainer.global_step == self._seen:
            return
        # Lightning counts the row of this batch after the callbacks.
        self._step, self._seen = _rows(trainer) + 1, trainer.global_step
        if self._controls and self._shows(trainer):
            self._controls.log_update(_rows(trainer), self._grad_norm, under="optimizer/")
        self._grad_norm = None
        if not self._run.handle_commands(self._step):
            trainer.should_stop = True

    def _shows(self, trainer: Any) -> bool:
        """Whether this is a step whose numbers Lightning logs."""
        return bool(trainer.is_global_zero and trainer.log_every_n_steps and (_rows(trainer) + 1) % trainer.log_every_n_steps == 0)

    def _validate(self, trainer: Any) -> str:
        """Runs now the validation that Lightning runs after a batch."""
        loop = trainer.fit_loop.epoch_loop
        first = trainer._logger_connector._first_loop_iter
        trainer.validating = True
        try:
            loop.val_loop.run()
        finally:
            trainer.training = True
            trainer._logger_connector._first_loop_iter = first
        return f"validated at step {self._step}"

    def _save(self, trainer: Any) -> str:
        path = os.path.join(trainer.default_root_dir, "checkpoints", f"step={self._step}.ckpt")
        trainer.save_checkpoint(path)
        return f"saved as {path}"
