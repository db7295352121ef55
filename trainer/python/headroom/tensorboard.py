"""`SummaryWriter` with the calls of torch.utils.tensorboard, which logs to Headroom instead of event files.

>>> from headroom.tensorboard import SummaryWriter
"""

from __future__ import annotations

import os
from typing import Any, Mapping

import headroom


class SummaryWriter:
    """`log_dir` (its last part) names the run; the other arguments are those of `headroom.init`. `run`: an open run."""

    def __init__(
        self,
        log_dir: Any = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
        run: headroom.Run | None = None,
        **settings: Any,
    ) -> None:
        named = {"name": os.path.basename(os.path.normpath(str(log_dir))) + comment} if log_dir else {}
        self.run = run if run is not None else headroom.init(**{**named, **settings})
        self.log_dir = str(log_dir or "")
        if purge_step is not None:
            self.run.rewind(purge_step)

    def add_scalar(self, tag: str, scalar_value: Any, global_step: int | None = None, *_: Any, **__: Any) -> None:
        self.run.log({tag: scalar_value}, global_step, commit=global_step is None)

    def add_scalars(self, main_tag: str, tag_scalar_dict: Mapping[str, Any], global_step: int | None = None, *_: Any, **__: Any) -> None:
        self.run.log({f"{main_tag}/{tag}": v for tag, v in tag_scalar_dict.items()}, global_step, commit=global_step is None)

    def add_histogram(self, tag: str, values: Any, global_step: int | None = None, *_: Any, **__: Any) -> None:
        self.run.histogram(tag, values, global_step)

    def add_image(self, tag: str, img_tensor: Any, global_step: int | None = None, walltime: Any = None, dataformats: str = "CHW") -> None:
        self.run.image(tag, _pixels_last(img_tensor, dataformats), global_step)

    def add_images(self, tag: str, img_tensor: Any, global_step: int | None = None, walltime: Any = None, dataformats: str = "NCHW") -> None:
        for i, one in enumerate(img_tensor):
            self.run.image(f"{tag}/{i}", _pixels_last(one, dataformats[1:]), global_step)

    def add_figure(self, tag: str, figure: Any, global_step: int | None = None, close: bool = True, walltime: Any = None) -> None:
        for i, one in enumerate(figure if isinstance(figure, list) else [figure]):
            self.run.image(f"{tag}/{i}" if isinstance(figure, list) else tag, one, global_step)
            if close:
                from matplotlib import pyplot

                pyplot.close(one)

    def add_text(self, tag: str, text_string: str, global_step: int | None = None, *_: Any) -> None:
        self.run.text(tag, text_string, global_step)

    def add_hparams(self, hparam_dict: Mapping[str, Any], metric_dict: Mapping[str, Any], *_: Any, **__: Any) -> None:
        self.run.config.update(dict(hparam_dict))
        self.run.summary.update(metric_dict)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.run.finish()

    def __enter__(self) -> "SummaryWriter":
        return self

    def __exit__(self, *error: Any) -> None:
        self.run.__exit__(*error)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("add_"):
            raise AttributeError(name)
        self.run._out.warn(f"SummaryWriter.{name} is ignored")
        return lambda *_, **__: None


def _pixels_last(image: Any, order: str) -> Any:
    """Reorders an array to [height, width] or [height, width, channels]."""
    if len(order) == 3 and order != "HWC":
        axes = [order.index(axis) for axis in "HWC"]
        image = image.permute(*axes) if hasattr(image, "permute") else image.transpose(axes)
    return image.numpy(force=True) if hasattr(image, "detach") else image
