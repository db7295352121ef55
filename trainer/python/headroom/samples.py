"""Logs what is not a number: texts, pictures, histograms, tables, evaluations, checkpoints."""

from __future__ import annotations

import json
from typing import Any, Callable, Iterable, Mapping

from .media import MAX_INLINE, Histogram, Image, Table, Text, histogram_of, image_bytes, table_of
from .numbers import cut, number_of
from .outbox import Outbox
from .series import GOALS


class Samples:
    """One per run. No method raises: an invalid value gives a warning."""

    def __init__(self, out: Outbox) -> None:
        self._out = out
        self.evaluations: dict[tuple[str, str], float] = {}
        """The last value of each metric, by split and name."""

    def add(self, name: str, value: Any, at: int) -> bool:
        """Logs a sample of any kind; False: `value` is not a sample."""
        if isinstance(value, str):
            self.text(name, value, at)
        elif isinstance(value, Text):
            self.text(name, value.text, at, value.caption)
        elif isinstance(value, Image):
            self.image(name, value.data, at, value.caption)
        elif isinstance(value, Histogram):
            self.histogram(name, value, at)
        elif isinstance(value, Table):
            self.table(name, value.columns, value.data, at)
        elif isinstance(value, (list, tuple)) and value and all(isinstance(v, Image) for v in value):
            for i, v in enumerate(value):
                self.image(f"{name}/{i}" if len(value) > 1 else name, v.data, at, v.caption)
        else:
            return False
        return True

    def text(self, name: str, text: Any, step: int | None, caption: str | None = None) -> None:
        said = str(text)
        short = len(said.encode("utf-16-le", "replace")) // 2 <= MAX_INLINE
        self._say(name, "text", step, caption, lambda: {"text": said} if short else {"data": said.encode("utf-8", "replace")})

    def image(self, name: str, image: Any, step: int | None, caption: str | None = None) -> None:
        self._say(name, "image", step, caption, lambda: {"data": image_bytes(image)})

    def histogram(self, name: str, values: Any, step: int | None, bins: int = 64, caption: str | None = None) -> None:
        def made() -> dict[str, Any]:
            if not isinstance(values, Histogram):
                return _inline(histogram_of(values, bins))
            if values.edges is not None and values.counts is not None:
                return _inline({"edges": [float(e) for e in values.edges], "counts": [float(c) for c in values.counts]})
            return _inline(histogram_of(values.values, values.bins))

        self._say(name, "histogram", step, caption, made)

    def table(self, name: str, columns: Iterable[Any], rows: Iterable[Any], step: int | None, caption: str | None = None) -> None:
        self._say(name, "table", step, caption, lambda: _inline(table_of(columns, rows)))

    def _say(self, name: str, kind: str, step: int | None, caption: str | None, make: Callable[[], dict[str, Any]]) -> None:
        """`make`: the content, as {"text": ...} or {"data": bytes}."""
        if self._out.ended:
            return
        try:
            made = make()
            content = {"blob": {"file": self._out.keep(made["data"])}} if "data" in made else made
            event: dict[str, Any] = {"type": "media", "step": self._out.at(step), "name": cut(name, 512), "kind": kind, **content}
            if caption:
                event["caption"] = cut(caption, 500)
            self._out.say(event)
        except Exception as error:
            self._out.failed(f'{kind} "{name}"', error)

    def evaluation(
        self,
        split: str,
        metrics: Mapping[str, Any],
        step: int | None,
        examples: int | None,
        elapsed_ms: float | None,
        main: str | None,
        goal: str | None,
        why: Mapping[str, str],
    ) -> None:
        """`why`: its trigger, and the id of the command that asked for it, if one did."""
        if not isinstance(metrics, Mapping):
            raise ValueError(f"metrics: {type(metrics).__name__} is no dict of names and numbers")
        said = []
        for name, value in metrics.items():
            number = number_of(value)
            if number is None:
                self._out.warn(f'evaluation: "{name}" is no number')
                continue
            metric: dict[str, Any] = {"name": cut(name, 256) or "value", "value": number}
            if name in ("loss", "accuracy"):
                metric["role"] = str(name)
                metric["better"] = "lower" if name == "loss" else "higher"
            if name == main:
                metric["main"] = True
                if GOALS.get(goal):
                    metric["better"] = GOALS[goal]
            said.append(metric)
            self.evaluations[(split, str(name))] = number
        event: dict[str, Any] = {"type": "evaluation", "step": self._out.at(step), "split": cut(split, 64), "metrics": said, **why}
        if examples:
            event["examples"] = int(examples)
        if elapsed_ms is not None:
            event["elapsedMs"] = float(elapsed_ms)
        if said:
            self._out.say(event)

    def checkpoint(self, source: Any, step: int | None, why: Mapping[str, str]) -> None:
        if self._out.ended:
            return
        try:
            self._out.say({"type": "checkpoint", "step": self._out.at(step), "blob": {"file": self._out.keep(source)}, **why})
        except Exception as error:
            self._out.failed("checkpoint", error)


def _inline(made: Any) -> dict[str, Any]:
    """JSON as text beside the event, or as bytes when it is long."""
    text = json.dumps(made, ensure_ascii=False, allow_nan=False)
    return {"text": text} if len(text) <= MAX_INLINE // 2 else {"data": text.encode("utf-8", "replace")}
