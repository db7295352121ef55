"""All events of a run go through the outbox into the spool on disk."""

from __future__ import annotations

import os
import shutil
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator

from . import records, spool
from .numbers import MAX_STEP, step_of
from .say import say

MAX_WARNINGS = 50
MAX_BLOB = 1 << 30


class Interrupted(Exception):
    """A signal handler, or a finalizer, logs in the middle of what its own thread is writing."""


class Outbox:
    """One per run. `folder` is the spool's folder; None: nothing is stored (mode "disabled", ranks above 0)."""

    def __init__(self, folder: Path | None, say_hello: Callable[[], None]) -> None:
        self.folder = folder
        self.lock = threading.RLock()
        """Held while something is said, so that what belongs together stays together."""
        self.step = 0
        """Of what is said without a step."""
        self.started = False
        self.ended = folder is None
        """Nothing more is taken."""
        self._say_hello = say_hello
        self._pid = os.getpid()
        self._writer = spool.Writer(folder) if folder is not None else None
        self._bundle: list[bytes] | None = None
        self.later: list[Callable[[], None]] = []
        """Calls that were Interrupted; they are made when the call that they came into has ended."""
        # The thread that is writing now.
        self._writing: int | None = None
        self._files = 0
        self._warned: set[str] = set()

    @property
    def forked(self) -> bool:
        """This process is a child of the run's (a worker of a DataLoader), which may not write."""
        return os.getpid() != self._pid

    def ready(self) -> bool:
        """Whether events can be written; the first call writes the run's first events. The caller holds `lock`."""
        if self.ended or os.getpid() != self._pid:
            return False
        if not self.started:
            self._say_hello()
            self.started = True
        return True

    def alone(self, write: Callable[..., Any], *args: Any) -> Any:
        """Calls `write`, which appends records that belong together. Raises Interrupted within such a call."""
        with self.lock:
            if self._writing == threading.get_ident():
                raise Interrupted("it came in the middle of another call")
            return self._write(write, *args)

    def _write(self, write: Callable[..., Any], *args: Any) -> Any:
        before = self._writing
        try:
            self._writing = threading.get_ident()
            return write(*args)
        finally:
            self._writing = before
            if before is None and self.later:
                calls, self.later = self.later, []
                for call in calls:
                    call()

    def append(self, record: bytes) -> None:
        if self._bundle is not None:
            self._bundle.append(record)
        elif self._writer is not None:
            self._writer.append(record)

    def say(self, event: dict[str, Any]) -> None:
        """Writes an event. Never raises."""
        if self.ended:
            return
        try:
            with self.lock:
                if self.ready():
                    self._write(self.append, records.event(event))
        except Exception as error:
            self.failed(str(event.get("type")), error)

    def at(self, step: int | None = None) -> int:
        return min(self.step, MAX_STEP) if step is None else step_of(step)

    @contextmanager
    def bundle(self, mark: dict[str, Any]) -> Iterator[None]:
        """Events written inside are stored all together or not at all, together with `mark`."""
        with self.lock:
            self._bundle = []
            try:
                yield
                said = records.bundle(self._bundle, mark)
            finally:
                self._bundle = None
            if self._writer is not None and not self.forked:
                self._writer.append(said)

    def keep(self, source: Any) -> str:
        """Copies bytes, or a file, into the spool. Returns the name for an event."""
        assert self.folder is not None
        if hasattr(source, "getvalue"):
            source = source.getvalue()
        whole = isinstance(source, (bytes, bytearray, memoryview))
        # A number would be taken for an open file, and closed.
        if not whole and not isinstance(source, (str, os.PathLike)):
            raise TypeError(f"give bytes or a file, not {type(source).__name__}")
        if not whole and not os.path.isfile(source):
            raise ValueError(f"there is no file {os.fspath(source)!r}")
        size = memoryview(source).nbytes if whole else os.path.getsize(source)
        if size > MAX_BLOB:
            raise ValueError(f"{size} bytes; at most {MAX_BLOB} (1 GiB) are stored")
        with self.lock:
            self._files += 1
            name = f"{self._files:06d}"
        target = self.folder / "blobs" / name
        try:
            if whole:
                target.write_bytes(source)
            else:
                shutil.copyfile(source, target)
        except OSError:
            # The part for which there was space.
            target.unlink(missing_ok=True)
            raise
        return name

    def failed(self, what: str, error: Exception) -> None:
        """Warns about an error of a call, which must not reach the script."""
        if isinstance(error, OSError):
            self.warn(f"{what}: {error}; nothing can be kept in {self.folder} while this lasts", f"{what} {error.errno}")
        else:
            self.warn(f"{what}: {error}" if isinstance(error, (ValueError, TypeError)) else f"{what}: {error!r}")

    def late(self, what: str) -> None:
        """Warns, once, that what is logged now is not kept: nothing is lost silently."""
        if self.forked:
            self.warn(f"{what}: this process is a forked worker; what it logs is not kept: log in the process that opened the run", "worker")
        elif self.folder is not None:
            self.warn(f"{what}: the run has ended; what is logged now is not kept", "late")

    def warn(self, message: str, about: str | None = None) -> None:
        """Prints a line, once for each message, or for each `about`."""
        if (about or message) in self._warned or len(self._warned) >= MAX_WARNINGS:
            return
        self._warned.add(about or message)
        last = "; more warnings are not shown" if len(self._warned) == MAX_WARNINGS else ""
        say(f"{message}{last}")

    def forget(self) -> None:
        """Called in a forked child: the thread that held the lock does not exist there."""
        self.ended = True
        self.lock = threading.RLock()
