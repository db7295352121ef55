"""The settings of a run as a script reads and writes them."""

from __future__ import annotations

from typing import Any, Callable, Mapping


class Config(dict[str, Any]):
    """A dict with `config.lr` for `config["lr"]`. `changed` is called with each name and value that is set later."""

    def __init__(self, values: Mapping[str, Any], changed: Callable[[str, Any], None]) -> None:
        super().__init__(values)
        object.__setattr__(self, "_changed", changed)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        self._changed(name, value)

    def update(self, *args: Any, **more: Any) -> None:
        for name, value in dict(*args, **more).items():
            self[name] = value
