"""A spool cut into batches of numbered events: a batch made again has exactly the same events."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import spool
from .records import Decoder


@dataclass
class Batch:
    cut: spool.Cut
    events: list[dict[str, Any]]
    files: list[str]
    """Blobs that the events name, as files of the spool."""
    full: bool
    """There may be more that waits."""


class Batches:
    """The batches of one spool. `meta` is the spool's metadata and is kept up to date."""

    def __init__(self, folder: Path, meta: dict[str, Any]) -> None:
        self._folder = folder
        self._meta = meta
        self._cuts = spool.Cuts(folder)
        self.unsent = self._cuts.all()
        """What the server may lack, oldest first."""
        self._reader = spool.Reader(folder, self.unsent[-1].end if self.unsent else None)
        self._decoder = Decoder()
        # The blobs named by each batch that was returned.
        self._files: dict[int, list[str]] = {}
        self._learn()

    def close(self) -> None:
        self._reader.close()

    @property
    def marks(self) -> dict[str, Any]:
        """How far the sources were read for the records of all batches so far."""
        return dict(self._decoder.marks)

    def _learn(self) -> None:
        """Restores the declarations of earlier batches, some of which are deleted."""
        decoder = self._decoder
        for id, name, width in self._meta.get("streams", []):
            decoder.streams[id] = (name, width)
        for id, streams in self._meta.get("shapes", []):
            decoder.shapes[id] = streams
        decoder.marks.update(self._meta.get("marks", {}))
        if self.unsent:
            reader = spool.Reader(self._folder)
            while reader.at < self.unsent[-1].end and (record := reader.next()) is not None:
                decoder.learn(record)
            reader.close()

    def next(self) -> Batch | None:
        """The batch of new records in the spool; its cut is on disk before the batch is returned."""
        decoder = self._decoder
        begin = self._reader.at
        first = self.unsent[-1].next if self.unsent else self._meta.get("nextEvent", 0)
        self._begin(first)
        while not decoder.full() and (record := self._reader.next()) is not None:
            decoder.add(record)
        if decoder.bytes == 0:
            return None
        full = decoder.full()
        decoder.flush()
        cut = spool.Cut(begin, self._reader.at, first, first + decoder.count)
        if decoder.count > 0:
            try:
                self._cuts.add(cut)
            except OSError:
                self._reader.at = begin
                raise
            self.unsent.append(cut)
        return self._given(cut, full)

    def again(self, cut: spool.Cut) -> Batch:
        """A batch that was returned before."""
        reader = spool.Reader(self._folder, cut.begin)
        decoder = self._decoder
        self._begin(cut.first)
        while reader.at < cut.end and (record := reader.next()) is not None:
            decoder.add(record)
        reader.close()
        decoder.flush()
        if decoder.count != cut.next - cut.first:
            raise RuntimeError(f"batch {cut.first}: {decoder.count} events, {cut.next - cut.first} were sent before")
        return self._given(cut, True)

    def _given(self, cut: spool.Cut, full: bool) -> Batch:
        if self._decoder.files:
            self._files[cut.first] = self._decoder.files
        return Batch(cut, self._decoder.events, self._decoder.files, full)

    def _begin(self, first: int) -> None:
        self._decoder.reset()
        if first == 0 and self._meta.get("rewind") is not None:
            self._decoder.events.append({"type": "rewind", "step": self._meta["rewind"]})
            self._decoder.count += 1

    def stored(self, next_event: int) -> None:
        """The server has every event below `next_event`: deletes segments and blobs that are not needed any more."""
        while self.unsent and self.unsent[0].next <= next_event:
            self._forget(self.unsent.pop(0))

    def _forget(self, cut: spool.Cut) -> None:
        self._meta["nextEvent"] = cut.next
        for file in self._files.pop(cut.first, []):
            (self._folder / "blobs" / file).unlink(missing_ok=True)
        gone = [n for n in spool.segments_in(self._folder) if n < cut.end[0]]
        if gone:
            # The declarations in these segments are needed to read the others.
            decoder = self._decoder
            self._meta["streams"] = [[id, name, width] for id, (name, width) in decoder.streams.items()]
            self._meta["shapes"] = list(decoder.shapes.items())
            self._meta["marks"] = decoder.marks
            spool.write_meta(self._folder, self._meta)
        for number in gone:
            (self._folder / spool.segment_name(number)).unlink(missing_ok=True)
        if gone and not (self._folder / "space").exists():
            with suppress(OSError):
                spool.need_space(self._folder)

    def rewind_to(self, left_at: int) -> int | None:
        """The lowest waiting step, if the run was left at a later step; None = no rewind is needed."""
        if left_at <= 0:
            return None
        decoder = Decoder()
        reader = spool.Reader(self._folder)
        try:
            while (record := reader.next()) is not None:
                decoder.add(record)
                if (lowest := decoder.lowest_step()) is not None:
                    return lowest if lowest < left_at else None
                decoder.events.clear()
        finally:
            reader.close()
        return None
