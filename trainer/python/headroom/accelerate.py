"""A tracker for Hugging Face accelerate.

>>> from headroom.accelerate import HeadroomTracker
>>> accelerator = Accelerator(log_with=HeadroomTracker(project="lm", name="fine-tuning"))
>>> accelerator.init_trackers("", config={"lr": 1e-4})

To steer: `room = accelerator.get_tracker("headroom", unwrap=True).attach(optimizer=..., scheduler=...)` and `room.step()` after each update.
"""

from __future__ import annotations

from typing import Any

from accelerate.tracking import GeneralTracker

import headroom


class HeadroomTracker(GeneralTracker):  # type: ignore[misc]
    """The arguments are those of `headroom.init`. The other ranks have a run too, which only receives commands."""

    name = "headroom"
    requires_logging_directory = False
    main_process_only = False

    def __init__(self, name: str | None = None, **settings: Any) -> None:
        super().__init__()
        self._settings = {"name": name, **settings}
        self._run: headroom.Run | None = None

    @property
    def tracker(self) -> headroom.Run:
        if self._run is None:
            self._run = headroom.init(**self._settings)
        return self._run

    def store_init_configuration(self, values: dict[str, Any]) -> None:
        config = {**(self._settings.get("config") or {}), **values}
        if self._run is None:
            self._settings["config"] = config
        else:
            self._run.config.update(config)

    def log(self, values: dict[str, Any], step: int | None = None, **_: Any) -> None:
        self.tracker.log(values, step)

    def log_images(self, values: dict[str, Any], step: int | None = None, **_: Any) -> None:
        self.tracker.log({name: [headroom.Image(one) for one in images] for name, images in values.items()}, step, commit=False)

    def log_table(
        self, table_name: str, columns: Any = None, data: Any = None, dataframe: Any = None, step: int | None = None, **_: Any
    ) -> None:
        if dataframe is not None:
            columns, data = list(dataframe.columns), dataframe.values.tolist()
        self.tracker.table(table_name, columns or [], data or [], step)

    def finish(self) -> None:
        if self._run is not None:
            self._run.finish()
