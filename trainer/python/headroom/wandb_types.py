"""The values that scripts give to headroom.wandb, and the config of its runs, in wandb's form."""

from __future__ import annotations

from typing import Any, Iterator, MutableMapping, Sequence

from .config import as_dict
from .media import Histogram as _Histogram
from .media import Image as _Image
from .media import Table as _Table
from .media import Text
from .say import say

_said: set[str] = set()


def ignored(what: str) -> None:
    """Prints one line for each ignored argument or call."""
    if what not in _said:
        _said.add(what)
        say(f"{what} is ignored", "headroom.wandb")


class Image(_Image):
    def __init__(self, data_or_path: Any, mode: str | None = None, caption: str | None = None, **more: Any) -> None:
        super().__init__(data_or_path, caption)
        for name in [n for n in ("masks", "boxes", "classes") if more.get(n) is not None]:
            ignored(f"Image({name}=)")


class Histogram(_Histogram):
    def __init__(self, sequence: Any = None, np_histogram: tuple[Any, Any] | None = None, num_bins: int = 64) -> None:
        counts, edges = np_histogram if np_histogram is not None else (None, None)
        super().__init__(sequence, num_bins, edges, counts)


class Table(_Table):
    def __init__(self, columns: Sequence[str] | None = None, data: Any = None, dataframe: Any = None, rows: Any = None, **more: Any) -> None:
        if dataframe is not None:
            columns, data = list(dataframe.columns), dataframe.values.tolist()
        super().__init__(list(columns) if columns is not None else ["Input", "Output", "Expected"], [list(r) for r in (data if data is not None else rows) or []])
        for name in more:
            ignored(f"Table({name}=)")

    def add_data(self, *row: Any) -> None:
        self.data.append(list(row))  # type: ignore[attr-defined]

    def add_column(self, name: str, data: Any, optional: Any = None) -> None:
        rows = self.data if self.columns else [[] for _ in data]
        self.columns, self.data = [*self.columns, name], [[*row, cell] for row, cell in zip(rows, data)]


def Html(data: Any, *_: Any, **__: Any) -> Text:
    """Shown as text."""
    return Text(data if isinstance(data, str) else data.read())


class Config(MutableMapping[str, Any]):
    """The config of a run. `wandb.config` is that of the open run; values set before `init` go into the run that `init` opens."""

    _values: dict[str, Any]

    def __init__(self, values: dict[str, Any]) -> None:
        self._of(values)

    def _of(self, values: dict[str, Any]) -> None:
        object.__setattr__(self, "_values", values)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._values[name] = value

    def __delitem__(self, name: str) -> None:
        del self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_values"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def update(self, *values: Any, allow_val_change: Any = None, **more: Any) -> None:
        given = [as_dict(one) for one in (*values, more)]
        self._values.update({name: value for one in given for name, value in one.items()})

    def setdefaults(self, values: Any) -> None:
        self.update({k: v for k, v in as_dict(values).items() if k not in self})

    def as_dict(self) -> dict[str, Any]:
        return dict(self._values)
