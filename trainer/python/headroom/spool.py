"""A run on disk: logged data is stored here first, and stays until the server has it.

The folder of a run holds

    meta.json     the run: key, setup, trainer, attempt
    NNNNNN.seg    records, one after the other, in files of fixed size that are mapped into memory
    cuts          the batches: (segment u32, offset u32) of begin and end, number u64 of the first event and of the one after the last
    blobs/        bytes that events name, until the server has them
    space         kept free: where the disk is full, it is deleted, so that sending can write what it needs; what is sent is then deleted too
    lock          held by the process that sends from here

A record is u32 length, u32 CRC-32, payload; length 0 = none yet. A record is written by copying it into the mapping, which costs no system call and survives the death of
the process; its length is written last. The numbers of events depend on how records are divided into batches, so the begin of a batch is on disk before it is sent:
a process that sends the rest later makes exactly the same events.
"""

from __future__ import annotations

import errno
import json
import mmap
import os
import struct
import threading
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator

try:
    import fcntl
except ImportError:  # Windows: "one process per folder" is then not enforced
    fcntl = None  # type: ignore[assignment]

SEGMENT = 1 << 20
AHEAD = 1 << 16
_HEAD = struct.Struct("<II")
_CUT = struct.Struct("<IIIIQQ")
_LENGTH = struct.Struct("<I")
_POPULATE_WRITE = 23

Place = tuple[int, int]
"""Segment and offset."""


def segment_name(number: int) -> str:
    return f"{number:06d}.seg"


def segments_in(folder: Path) -> list[int]:
    return sorted(int(f.name[:6]) for f in folder.glob("[0-9][0-9][0-9][0-9][0-9][0-9].seg"))


def _allocate(descriptor: int, size: int) -> None:
    """Writing to a part of a mapped file for which the disk has no space would kill the process."""
    getattr(os, "posix_fallocate", lambda file, _at, length: os.ftruncate(file, length))(descriptor, 0, size)


def need_space(folder: Path) -> None:
    """Raises OSError when the folder has no space for the first segment and what lies beside it; keeps AHEAD bytes of it free for `_write`."""
    path = folder / "space"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _allocate(descriptor, SEGMENT + AHEAD)
        os.ftruncate(descriptor, AHEAD)
    except OSError:
        os.unlink(path)
        raise
    finally:
        os.close(descriptor)


def _write(folder: Path, write: Callable[[], object]) -> None:
    """Calls `write`, which sending needs. Where the disk is full, perhaps because of what waits to be sent, once more in the space that was kept free."""
    try:
        write()
        return
    except OSError as error:
        try:
            os.unlink(folder / "space")
        except OSError:
            raise OSError(error.errno, error.strerror, str(folder)) from None
    write()


class Writer:
    """Appends records. The caller must hold a lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        existing = segments_in(folder)
        self._number = existing[-1] if existing else -1
        self._map: mmap.mmap
        self._size = SEGMENT
        self._end = 0
        # Until when no new segment is tried, after one for which there was no space.
        self._no_space: tuple[float, OSError] | None = None
        self._open(SEGMENT)

    def _open(self, size: int) -> None:
        """Begins the next segment. Raises OSError when there is no space for it: then, and until there is, nothing can be appended."""
        if self._no_space and time.monotonic() < self._no_space[0]:
            raise self._no_space[1]
        self._end = self._size
        path = self._folder / segment_name(self._number + 1)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _allocate(descriptor, size)
            self._map = mmap.mmap(descriptor, size)
        except OSError as error:
            os.unlink(path)
            self._no_space = (time.monotonic() + 1.0, error)
            raise
        finally:
            os.close(descriptor)
        self._number += 1
        self._size = size
        self._end = 0
        self._ready = 0

    def _prepare(self, end: int) -> None:
        """Makes the system allocate the next pages now, many at once: the first write to each page would take as long as twenty records."""
        at = self._ready
        self._ready = min(self._size, -(-end // AHEAD) * AHEAD + AHEAD)
        try:
            self._map.madvise(_POPULATE_WRITE, at, self._ready - at)
        except (AttributeError, OSError, ValueError):  # not Linux, or before 5.14
            pass

    def append(self, payload: bytes) -> None:
        length = len(payload)
        at = self._end
        end = at + 8 + length
        # Four more bytes: the length 0 that ends a segment.
        if end + 4 > self._size:
            self._open(max(SEGMENT, 8 + length + 4))
            at, end = 0, 8 + length
        if end > self._ready:
            self._prepare(end)
        segment = self._map
        segment[at + 8 : end] = payload
        _HEAD.pack_into(segment, at, 0, zlib.crc32(payload))
        _LENGTH.pack_into(segment, at, length)
        self._end = end


class Reader:
    """Reads records in order, also while they are being written."""

    def __init__(self, folder: Path, at: Place | None = None) -> None:
        self._folder = folder
        known = segments_in(folder)
        self.at: Place = at if at is not None else (known[0] if known else 0, 0)
        self._file: int | None = None
        self._open: int | None = None
        # The part of the segment that was read ahead, starting at `_base`.
        self._ahead = b""
        self._base = 0

    def next(self) -> bytes | None:
        """The next record, or None when there is none yet."""
        fresh = last = False
        while True:
            number, offset = self.at
            if self._open != number:
                self.close()
                try:
                    self._file = os.open(self._folder / segment_name(number), os.O_RDONLY)
                except FileNotFoundError:
                    return None
                self._open = number
                fresh = last = False
            i = offset - self._base
            length, crc = _HEAD.unpack_from(self._ahead, i) if 0 <= i <= len(self._ahead) - 8 else (0, 0)
            if length and i + 8 + length <= len(self._ahead):
                payload = self._ahead[i + 8 : i + 8 + length]
                if zlib.crc32(payload) == crc:
                    self.at = (number, offset + 8 + length)
                    return payload
            if not fresh:
                self._read_ahead(offset)
                fresh = True
                continue
            # A segment is full once the next one exists; check again, because a record may have arrived in between.
            if not last:
                if not (self._folder / segment_name(number + 1)).exists():
                    return None
                last, fresh = True, False
                continue
            # The end of the segment, or a record torn by a power cut; nothing after it in this segment can be trusted.
            self.at = (number + 1, 0)

    def _read_ahead(self, offset: int) -> None:
        assert self._file is not None
        self._base = offset
        self._ahead = os.pread(self._file, AHEAD, offset)
        length = _LENGTH.unpack_from(self._ahead)[0] if len(self._ahead) >= 4 else 0
        if length + 8 > AHEAD:
            self._ahead = os.pread(self._file, length + 8, offset)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
        self._file = None
        self._open = None
        self._ahead = b""


@dataclass(frozen=True)
class Cut:
    """One batch: records from `begin` to before `end`, events `first` to before `next`."""

    begin: Place
    end: Place
    first: int
    next: int


class Cuts:
    """The batches that were sent or will be sent next, oldest first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = os.open(folder / "cuts", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, cut: Cut) -> None:
        packed = _CUT.pack(*cut.begin, *cut.end, cut.first, cut.next)

        def append() -> None:
            # What a full disk, or a power cut, left of one.
            os.ftruncate(self._file, os.fstat(self._file).st_size // _CUT.size * _CUT.size)
            if os.write(self._file, packed) < _CUT.size:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        _write(self._folder, append)

    def all(self) -> list[Cut]:
        data = os.pread(self._file, os.fstat(self._file).st_size, 0)
        whole = len(data) - len(data) % _CUT.size
        return [Cut((a, b), (c, d), first, next) for a, b, c, d, first, next in _CUT.iter_unpack(data[:whole])]

    def close(self) -> None:
        os.close(self._file)


def write_meta(folder: Path, meta: dict[str, Any]) -> None:
    own = folder / f"meta.{os.getpid()}.{threading.get_ident()}"
    _write(folder, lambda: own.write_text(json.dumps(meta), "utf-8"))
    os.replace(own, folder / "meta.json")


def read_meta(folder: Path) -> dict[str, Any] | None:
    """None: it is not there, or damaged."""
    try:
        found = json.loads((folder / "meta.json").read_text("utf-8"))
        return found if isinstance(found["key"], str) and isinstance(found["setup"]["name"], str) and "trainerId" in found else None
    except (OSError, ValueError, TypeError, LookupError):
        return None


class FolderLock:
    """A lock held as long as the process lives: the operating system releases it, also after kill -9."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)

    def take(self) -> bool:
        if fcntl is None:
            return True
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            return False

    def release(self) -> None:
        os.close(self._file)


def runs_in(folder: Path) -> Iterator[Path]:
    """Folders of runs that have something to send, oldest first."""
    try:
        found = sorted((f for f in folder.iterdir() if (f / "meta.json").exists()), key=lambda f: f.name)
    except OSError:
        return
    yield from found
