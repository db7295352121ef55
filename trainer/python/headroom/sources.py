"""Log files of other tools: TensorBoard event files and Lightning's metrics.csv, read as they grow, item by item in a fixed order."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Iterator, Sequence

from .media import Histogram
from .run import Run

EVENT_FILE = "tfevents"
CSV_FILE = "metrics.csv"
MAX_CELLS = 1000
PRINT_BYTES = 4096
LAST_TIME = 8.64e12
"""The largest time in seconds that the server takes."""

Mark = Any
"""How far a file was read: [number of the last item, ..., fingerprint of what was read]; only the number in marks of earlier versions. JSON."""


def number_of(mark: Mark) -> int:
    return int(mark[0] if isinstance(mark, list) else mark)


@dataclass
class Item:
    """An item of `file`; `mark` says that the file was read up to here, `tell` logs the item. step: None where it has no values."""

    file: str
    mark: Mark
    step: int | None
    tell: Callable[[Run], None]


class Replaced(Exception):
    """The file or folder `path` does not begin with what was read from it: another log has its name."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not the log that was read")
        self.path = path


def signature(path: Path) -> tuple[int, int, int]:
    """Changes whenever the file is written or replaced."""
    about = os.stat(path)
    return about.st_size, about.st_mtime_ns, about.st_ino


Failed = Callable[[Exception], None]


def _guarded(items: Iterator[Item], failed: Failed) -> Iterator[Item]:
    """The items up to an error: what cannot be read must not hide what can."""
    try:
        yield from items
    except Replaced:
        raise
    except Exception as error:
        failed(error)


class TensorBoardFolder:
    """The event files of one folder, which TensorBoard shows as one run. Read with TensorBoard's own reader, so that every value equals TensorBoard's.

    A later file that begins at a step that an earlier one has reached is the resumed run: it continues from that step.
    """

    def __init__(self, folder: Path, done: dict[str, Mark]) -> None:
        self._folder = folder
        self._done = done
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._heads: dict[str, list[Any]] = {}
        self._loaders: dict[str, Any] = {}
        self._counts: dict[str, int] = {}
        self._plugins: dict[str, str] = {}
        # For each tag: its last step, and the file of that step.
        self._last: dict[str, tuple[int, str]] = {}
        self._joined: set[str] = set()
        self.config: dict[str, Any] = {}

    def read(self, failed: Failed) -> Iterator[Item]:
        """New items; skips the items that are already known according to `done`. A file that cannot be read is reported, and read again at the next call.

        Raises Replaced.
        """
        paths = sorted(p for p in self._folder.iterdir() if EVENT_FILE in p.name and p.is_file() and not p.name.endswith(".profile-empty"))
        known = {name for name in self._done if EVENT_FILE in name}
        if known and paths and known.isdisjoint(p.name for p in paths):
            raise Replaced(self._folder)
        for path in paths:
            yield from _guarded(self._read(path), failed)

    def _read(self, path: Path) -> Iterator[Item]:
        name = path.name
        self._compare(path, name)
        loader = self._loaders.get(name)
        if loader is None:
            _read_without_tensorflow()
            from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

            loader = self._loaders[name] = EventFileLoader(str(path))
        for event in loader.Load():
            self._counts[name] = number = self._counts.get(name, 0) + 1
            tell = self._taken_in(event, name)
            if number > number_of(self._done.get(name, 0)):
                self._done[name] = [number, *self._heads[name]]
                yield Item(name, self._done[name], event.step if event.HasField("summary") else None, tell)
        if self._counts.get(name, 0) < number_of(self._done.get(name, 0)):
            raise Replaced(path)

    def _compare(self, path: Path, name: str) -> None:
        """Compares a file that was written with what was read of it: its size, its first bytes, which hold when it was begun, and the last ones of then."""
        now, before, known = signature(path), self._seen.get(name), self._done.get(name)
        if now == before:
            return
        # A mark of an earlier version has no fingerprint of the end, or none at all.
        if isinstance(known, list) and (now[0] < known[1] or _prints(path, known[1])[: len(known) - 2] != known[2:]):
            raise Replaced(path)
        if before and now[2] != before[2]:
            # A copy of the file has its name: a loader may have the earlier one open.
            self._loaders.pop(name, None)
            self._counts.pop(name, None)
        self._seen[name] = now
        self._heads[name] = [now[0], *_prints(path, now[0])]
        if known:
            self._done[name] = [number_of(known), *self._heads[name]]

    def _taken_in(self, event: Any, file: str) -> Callable[[Run], None]:
        """Reads an event into the state of the run; returns a function that logs it."""
        if event.HasField("session_log") and event.session_log.status == event.session_log.START and event.step > 0:
            # SummaryWriter(purge_step=): TensorBoard drops values at or after this step.
            self._forget(event.step)
            step = event.step
            return lambda run: run.rewind(step)
        if not event.HasField("summary"):
            return lambda run: None
        tells: list[Callable[[Run], None]] = []
        for value in event.summary.value:
            plugin = value.metadata.plugin_data.plugin_name
            if plugin:
                self._plugins[value.tag] = plugin
            plugin = self._plugins.get(value.tag, "")
            if plugin == "hparams":
                self._read_config(value)
                continue
            before = self._last.get(value.tag)
            if before is not None and event.step <= before[0] and before[1] != file and file not in self._joined:
                self._joined.add(file)
                self._forget(event.step)
                tells.append(lambda run, step=event.step: run.rewind(step))  # type: ignore[misc]
            self._last[value.tag] = (event.step, file)
            tells.append(_logged(value, plugin, event.step))

        def tell(run: Run) -> None:
            run._series.clock = lambda: event.wall_time if abs(event.wall_time) <= LAST_TIME else time.time()
            for one in tells:
                one(run)

        return tell

    def _forget(self, step: int) -> None:
        for tag, (last, file) in list(self._last.items()):
            if last >= step:
                self._last[tag] = (step - 1, file)

    def _read_config(self, value: Any) -> None:
        from tensorboard.plugins.hparams import plugin_data_pb2

        data = plugin_data_pb2.HParamsPluginData.FromString(value.metadata.plugin_data.content)
        for name, one in data.session_start_info.hparams.items():
            self.config[name] = getattr(one, one.WhichOneof("kind") or "string_value")


def _read_without_tensorflow() -> None:
    """Keeps TensorBoard from importing TensorFlow, where that is installed, for its reader of records: 10 s and 480 MB more."""
    if "tensorflow" not in sys.modules:
        sys.modules.setdefault("tensorboard.compat.notf", ModuleType("tensorboard.compat.notf"))


def _prints(path: Path, size: int) -> list[str]:
    """Fingerprints of the beginning and of the end of the first `size` bytes, each of at most PRINT_BYTES."""
    part = min(size, PRINT_BYTES)
    with path.open("rb") as file:
        head = file.read(part)
        file.seek(size - part)
        return [hashlib.sha256(some).hexdigest()[:32] for some in (head, file.read(part))]


def _logged(value: Any, plugin: str, step: int) -> Callable[[Run], None]:
    """Returns a function that logs a value of a summary in its displayed form."""
    from tensorboard.util import tensor_util

    tag = value.tag
    content = tensor_util.make_ndarray(value.tensor)
    if plugin == "images":
        pictures = [bytes(b) for b in content.flatten()[2:]]

        def images(run: Run) -> None:
            for i, data in enumerate(pictures):
                run.image(tag if len(pictures) == 1 else f"{tag}/{i}", data, step)

        return images
    if plugin == "text" or content.dtype.kind in "OSU":
        texts = [b.decode("utf-8", "replace") if isinstance(b, bytes) else str(b) for b in content.flatten()]
        return lambda run: run.text(tag, "\n\n".join(texts), step)
    if plugin == "histograms" and content.ndim == 2 and content.shape[1] == 3:
        made = _histogram(content.tolist())
        return (lambda run: run.histogram(tag, made, step)) if made else lambda run: None
    if content.size == 1:
        number = float(content.item())
        return lambda run: run.log({tag: number}, step, commit=False)
    if content.ndim in (1, 2) and content.size <= MAX_CELLS:
        rows = content.tolist() if content.ndim == 2 else [[v] for v in content.tolist()]
        return lambda run: run.table(tag, [str(i) for i in range(len(rows[0]))], rows, step)
    return lambda run: run._out.warn(f'"{tag}" holds {" x ".join(map(str, content.shape))} numbers and is not shown')


def _histogram(buckets: list[list[float]]) -> Histogram | None:
    """A histogram from left end, right end and count of each bucket; buckets of width 0 (equal values) get the smallest possible width."""
    edges: list[float] = []
    counts: list[float] = []
    for left, right, count in buckets:
        if count == 0 and right <= left:
            continue
        left = max(left, edges[-1]) if edges else left
        if right <= left:
            right = math.nextafter(left, math.inf) if edges else left + (abs(left) * 1e-6 or 1e-6)
        if edges and left > edges[-1]:
            edges.append(left)
            counts.append(0.0)
        if not edges:
            edges.append(left)
        edges.append(right)
        counts.append(count)
    return Histogram(edges=edges, counts=counts) if counts else None


class LightningCsv:
    """Lightning's metrics.csv. Lightning rewrites it with more columns when a new metric is logged: rows keep their order, and the last line may be incomplete."""

    def __init__(self, folder: Path, done: dict[str, Mark]) -> None:
        self._path = folder / CSV_FILE
        self._done: Mark = done.get(CSV_FILE, 0)
        self._seen: tuple[int, int, int] | None = None
        # What was read, the number of its rows, their fingerprint, and the columns.
        self._before: tuple[str, int, Any, Sequence[str] | None] = ("", 0, hashlib.sha256(), None)
        self.config: dict[str, Any] = {}

    def read(self, failed: Failed) -> Iterator[Item]:
        """New rows. Raises Replaced."""
        return _guarded(self._read(), failed)

    def _read(self) -> Iterator[Item]:
        now = signature(self._path)
        if now == self._seen:
            return
        text = self._path.read_text("utf-8", "replace")
        whole = text[: text.rfind("\n") + 1]
        same = whole.startswith(self._before[0])
        before, number, rows, names = self._before if same else ("", 0, hashlib.sha256(), None)
        known, rows = number_of(self._done), rows.copy()
        reader = csv.DictReader(io.StringIO(whole[len(before) :]), names)
        for number, row in enumerate(reader, number + 1):
            # Without empty cells: more columns do not change the fingerprint.
            rows.update(json.dumps(sorted((name, text) for name, text in row.items() if name and text)).encode())
            if number < known:
                continue
            mark = [number, "all", rows.hexdigest()[:32]]
            # The mark of an earlier version was made of some rows only.
            if number == known and isinstance(self._done, list) and len(self._done) == 3 and self._done != mark:
                raise Replaced(self._path)
            self._done = mark
            if number > known:
                yield _row(row, mark, now[1] / 1e9)
        if number < known:
            raise Replaced(self._path)
        self._seen, self._before = now, (whole, number, rows, reader.fieldnames)


def _row(row: dict[str, Any], mark: Mark, wall: float) -> Item:
    def number(text: str) -> float | None:
        try:
            return float(text)
        except (TypeError, ValueError):
            return None

    written = number(row.pop("step", "") or "")
    step = mark[0] - 1 if written is None else int(written)
    values = {name: n for name, text in row.items() if name and (n := number(text)) is not None}

    def tell(run: Run) -> None:
        run._series.clock = lambda: wall
        run.log(values, step, commit=False)

    return Item(CSV_FILE, mark, step, tell)


Source = TensorBoardFolder | LightningCsv


def find(logdir: Path, failed: Failed) -> Iterator[tuple[Path, type[TensorBoardFolder] | type[LightningCsv]]]:
    """Folders at and below `logdir` that a tool logs into, each once. What only links lead to comes last, so that a folder inside has its own name; loops end."""
    seen: set[tuple[int, int]] = set()
    roots = [str(logdir)]
    for root in roots:
        for folder, folders, files in os.walk(root, onerror=failed):
            try:
                about = os.stat(folder)
            except OSError as error:
                failed(error)
                folders.clear()
                continue
            if (about.st_dev, about.st_ino) in seen:
                folders.clear()
                continue
            seen.add((about.st_dev, about.st_ino))
            roots += sorted(path for f in folders if os.path.islink(path := os.path.join(folder, f)))
            # Only files: opening a pipe would wait for its writer.
            logs = [f for f in files if (EVENT_FILE in f or f == CSV_FILE) and os.path.isfile(os.path.join(folder, f))]
            if any(EVENT_FILE in f for f in logs):
                yield Path(folder), TensorBoardFolder
            elif logs:
                yield Path(folder), LightningCsv
