"""`headroom watch LOGDIR`: one run for each folder that TensorBoard or Lightning logs into, live.

How far each file was read, with a fingerprint of what was read, is stored together with the values from it, in one record of the spool (`Run.bundle`), and in a separate
file once the server has everything: so the command can be killed and started again at any moment, and every value is shown once. A log that was written anew under the
same name becomes a run of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
import time
import uuid
from pathlib import Path
from typing import Any, Iterator

from . import spool
from .config import made_setup
from .run import Run
from .settings import Settings
from .sources import Failed, Item, Mark, Replaced, Source, find, number_of, signature

TOGETHER = 200
REWRITE_SECONDS = 0.3
REWRITE_TRIES = 10


class Follower:
    """idle_seconds: a run without new data for this long is shown as finished; it continues when new data arrives."""

    def __init__(self, logdir: Path, settings: Settings, project: str | None = None, idle_seconds: float = 600.0) -> None:
        self._logdir = logdir.resolve()
        self._settings = settings
        self._project = project or self._logdir.name or "default"
        self._idle = idle_seconds
        self._followed: dict[Path, "_Followed"] = {}
        self._said: set[str] = set()

    def poll(self, final: bool = False) -> int:
        """Reads new items in all folders and returns their number. `final`: ends the runs as well."""
        count = 0
        gone = set(self._followed)
        for folder, kind in sorted(find(self._logdir, self._failed), key=lambda f: str(f[0])):
            gone.discard(folder)
            try:
                followed = self._followed.get(folder)
                if followed is None:
                    done, attempt, key = read_marks(self._settings.folder, str(folder), self._settings.server)
                    name = str(folder.relative_to(self._logdir))
                    followed = self._followed[folder] = _Followed(folder, self._logdir.name if name == "." else name, kind(folder, done), attempt, key)
                count += followed.read(self, lambda error: self._failed(error, folder))
            except Exception as error:
                self._failed(error, folder)
            # One after the other: many old folders would need more open files than a process may have.
            self._settle(folder, final)
        for folder in gone:
            self._settle(folder, final)
        if not self._followed:
            self._say(f"{self._logdir}: there is no log in it (event files of TensorBoard, metrics.csv){'' if final else ' yet; waiting for one'}")
        elif final and count == 0:
            self._say(f"{self._logdir}: nothing new since it was read last")
        return count

    def _settle(self, folder: Path, final: bool) -> None:
        followed = self._followed.get(folder)
        if followed and (final or followed.idle_for() > self._idle):
            followed.end("" if final else "nothing was written any more")

    def _failed(self, error: Exception, folder: Path | None = None) -> None:
        """Prints what cannot be read, once."""
        # Errors of TensorFlow have no text of their own.
        said = getattr(error, "message", None) or repr(error)
        why = str(error) if isinstance(error, OSError) and error.filename else f"{folder or self._logdir}: {said}"
        self._say(why)

    def _say(self, words: str) -> None:
        """Prints it, once."""
        if words not in self._said:
            self._said.add(words)
            print(shown(words), file=sys.stderr, flush=True)

    def close(self) -> None:
        """Ends the runs; the next `headroom watch` reads later data."""
        for followed in self._followed.values():
            followed.end("not watched any more")

    def compare(self) -> None:
        """The server has lost a run, and perhaps others that ended: each is opened at the next poll, and logged anew where the server lacks it."""
        for followed in self._followed.values():
            followed.compare()

    def new_run(self, folder: Path) -> str:
        """Forgets how far the files of `folder` were read; returns the key of the run that they are logged to from now on."""
        key = f"watch:{uuid.uuid4().hex}"
        _write_marks(self._settings.folder, str(folder), self._settings.server, {}, 0, key)
        return key

    def open(self, folder: Path, name: str, config: dict[str, Any], key: str | None) -> Run:
        """key: None for the first run of the folder."""
        from .process import guard

        key = key or f"watch:{hashlib.sha256(os.fsencode(f'{platform.node()}:{folder}')).hexdigest()[:40]}"
        setup = made_setup(shown(name)[-40:], self._project, {"folder": shown(folder), **config}, None, None, None, None)
        run = Run(self._settings, key, setup, "allow", system_seconds=None, source=str(folder))
        guard(run)
        run._session.wait_unless_away()
        if run._session.is_away:
            self._say(f"{self._settings.server} does not answer: check the address; what is read is kept in {self._settings.folder}, and sent once it does")
        # The files themselves show where a run goes back.
        run._series.go_on()
        return run


class _Followed:
    def __init__(self, folder: Path, name: str, source: Source, attempt: int | None, key: str | None) -> None:
        """attempt: the last one that was opened from here, 0 for none; None: not known. key: of the run, None for the first of the folder."""
        self._folder = folder
        self._name = name
        self._source = source
        self._attempt = attempt
        self._key = key
        self._run: Run | None = None
        self._compared = True
        """Whether the attempt that was opened is the one after the last from here."""
        self._count = 0
        self._newest = self._written_at()
        # On time.monotonic(), as far as this machine's clock agrees with that of the files.
        self._news_at = time.monotonic() - max(0.0, time.time() - self._newest)

    def read(self, follower: Follower, failed: Failed, tries: int = REWRITE_TRIES) -> int:
        count = self._count
        try:
            self._read(follower, failed)
        except Replaced as replaced:
            # Lightning, and a copy over the network, rewrite a file in place: for a moment it is shorter than it was.
            before = signature(replaced.path)
            time.sleep(REWRITE_SECONDS)
            if not tries or signature(replaced.path) == before:
                print(shown(f"{replaced.path} was written anew: it is logged as a new run, and the earlier run keeps what it has"), flush=True)
                self.end("its log was written anew")
                self._key, self._attempt = follower.new_run(self._folder), 0
                self._source = type(self._source)(self._folder, {})
            self.read(follower, failed, max(tries - 1, 0))
        return self._count - count

    def _read(self, follower: Follower, failed: Failed) -> None:
        before = self._count
        if self._run is not None and self._run._session.unknown:
            print(shown(f"{self._folder}: the server has its run no more: everything is logged anew"), flush=True)
            self.end("")
            self._source, self._attempt = type(self._source)(self._folder, {}), 0
            follower.compare()
        items = _batches(self._source.read(failed))
        while (some := next(items, [])) or not self._compared:
            if self._run is None:
                print(shown(f"{self._folder}: {self._name}"))
                self._run = follower.open(self._folder, self._name, self._source.config, self._key)
                self._compared = False
            attempt = self._run._session.meta["attempt"]
            if not self._compared and attempt:
                if self._attempt is not None and attempt != self._attempt + 1:
                    # The server has more from a watch with another spool, or less than the marks say: everything is logged anew, in the place of what it has.
                    self._source = type(self._source)(self._folder, {})
                    items = _batches(self._source.read(failed))
                    some = next(items, [])
                    first = min((item.step for item in some if item.step is not None), default=0)
                    if first < max(self._run.resumed_step, self._run._out.step):
                        self._run.rewind(first)
                self._compared, self._attempt = True, attempt
            if not some:
                break
            with self._run.bundle({item.file: item.mark for item in some}):
                for item in some:
                    item.tell(self._run)
            self._count += len(some)
        if self._count > before:
            newest = self._written_at()
            if newest != self._newest:
                self._newest, self._news_at = newest, time.monotonic()

    def compare(self) -> None:
        if self._run is None and self._attempt:
            self._compared = False

    def idle_for(self) -> float:
        return time.monotonic() - self._news_at if self._run is not None else 0.0

    def _written_at(self) -> float:
        return max((f.stat().st_mtime for f in self._folder.iterdir() if f.is_file()), default=0.0)

    def end(self, message: str) -> None:
        run, self._run, self._compared = self._run, None, True
        if run is not None:
            run.finish("finished", message)


def _batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    """At most TOGETHER items at a time. What was read before Replaced comes before it: it is not read again where the file is the same after all."""
    some: list[Item] = []
    try:
        for item in items:
            some.append(item)
            if len(some) == TOGETHER:
                yield some
                some = []
    except Replaced:
        if some:
            yield some
        raise
    if some:
        yield some


def shown(text: object) -> str:
    """Text of a path; bytes that are no UTF-8 are replaced."""
    return os.fsencode(str(text)).decode("utf-8", "replace")


def marks_file(spool_folder: Path, source: str) -> Path:
    return spool_folder / "watched" / f"{hashlib.sha256(os.fsencode(source)).hexdigest()[:40]}.json"


def read_marks(spool_folder: Path, source: str, server: str) -> tuple[dict[str, Mark], int | None, str | None]:
    """How far the files of `source` have been read for `server`, in which attempt of the run last, and the run's key; None: not stored by an earlier version."""
    try:
        kept = json.loads(marks_file(spool_folder, source).read_text("utf-8"))
        marks, attempt = (dict(kept["marks"]), kept.get("attempt")) if kept.get("server", server) == server else ({}, 0)
        return marks, attempt, kept.get("key")
    except (OSError, ValueError, KeyError):
        return {}, 0, None


def keep_marks(spool_folder: Path, source: str, server: str, marks: dict[str, Mark], attempt: int | None, key: str) -> None:
    """Stores how far the files of `source` have been read; each file's number only grows. Nothing is stored for an earlier run, before the files were written anew."""
    known, _, current = read_marks(spool_folder, source, server)
    if current in (None, key):
        grown = {name: max(mark, known.get(name, 0), key=number_of) for name, mark in marks.items()}
        _write_marks(spool_folder, source, server, {**known, **grown}, attempt, key)


def _write_marks(spool_folder: Path, source: str, server: str, marks: dict[str, Mark], attempt: int | None, key: str) -> None:
    file = marks_file(spool_folder, source)
    file.parent.mkdir(parents=True, exist_ok=True)
    own = file.with_suffix(f".{os.getpid()}")
    own.write_text(json.dumps({"source": source, "server": server, "marks": marks, "attempt": attempt, "key": key}), "utf-8")
    os.replace(own, file)


def left_behind(spool_folder: Path) -> list[Path]:
    """Spools of an earlier `headroom watch` that are not completely on the server."""
    found = ((one, spool.read_meta(one)) for one in spool.runs_in(spool_folder))
    return [one for one, meta in found if meta and meta.get("source")]
