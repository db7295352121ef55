"""The thread that brings a run's spool to the server, and commands back. Training never waits for it."""

from __future__ import annotations

import hashlib
import os
import queue
import random
import shutil
import socket
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Callable, Protocol

from . import spool
from .packing import pack
from .records import Decoder
from .socketio import LinkLost, LinkRefused, Socket

VERSION = 2
HEARTBEAT_S = 5.0
FLUSH_S = 0.05
ACK_S = 30.0


class Listener(Protocol):
    """What the run hears of its link; called in the link's threads."""

    def opened(self, run_id: str, attempt: int, step: int, status: str) -> None: ...
    def command(self, logged: dict[str, Any]) -> None: ...
    def dropped(self, message: str) -> None: ...
    def trouble(self, message: str) -> None: ...


class Link:
    """Sends one run's spool. `meta` is the spool's and is kept up to date."""

    def __init__(
        self,
        folder: Path,
        meta: dict[str, Any],
        server: str,
        token: str | None,
        listener: Listener,
        before_open: Callable[[], dict[str, Any]] | None = None,
        until_empty: bool = False,
    ) -> None:
        self._folder = folder
        self._meta = meta
        self._server = server
        self._token = token
        self._listener = listener
        self._before_open = before_open
        self._until_empty = until_empty
        self._said: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._cuts = spool.Cuts(folder)
        # Batches that the server may lack, oldest first.
        self._unsent = self._cuts.all()
        self._reader = spool.Reader(folder, self._unsent[-1].end if self._unsent else None)
        self._decoder = Decoder()
        self._hashes: dict[str, tuple[str, int]] = {}
        self._last_command = 0
        self._ending = threading.Event()
        self._abandoned = threading.Event()
        self._kick = threading.Event()
        self.connected = False
        self.done = threading.Event()
        """Everything is with the server, or never will be."""
        self._thread = threading.Thread(target=self._run, name="headroom link", daemon=True)
        self._relearn()

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Nothing more will be written to the spool: send what is there, then stop."""
        self._ending.set()
        self._kick.set()
        self._said.put(("wake", None))

    def abandon(self) -> None:
        """Stop now; what was not sent stays in the spool."""
        self._abandoned.set()
        self._kick.set()
        self._said.put(("wake", None))

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)

    def _relearn(self) -> None:
        """What was declared in batches before the next one."""
        if not self._unsent:
            return
        reader = spool.Reader(self._folder)
        while reader.at < self._unsent[-1].end:
            record = reader.next()
            if record is None:
                break
            self._decoder.learn(record)
        reader.close()
        for id, name, width in self._meta.get("streams", []):
            self._decoder._names.setdefault(id, name)
            self._decoder._widths.setdefault(id, width)

    # ---- the connection ----

    def _run(self) -> None:
        wait = 0.1
        told = ""
        try:
            while not self.done.is_set() and not self._abandoned.is_set():
                try:
                    self._serve()
                    wait = 0.1
                except (LinkLost, LinkRefused, OSError) as error:
                    if self.connected:
                        wait = 0.1
                    self.connected = False
                    message = f"{self._server}: {error}"
                    if isinstance(error, LinkRefused) and message != told:
                        told = message
                        self._listener.trouble(f"{message}; what is logged is kept in {self._folder}")
                    if isinstance(error, LinkRefused):
                        wait = max(wait, 2.0)
                if self.done.is_set() or self._abandoned.is_set():
                    return
                if self._ending.is_set() and self._until_empty:
                    return
                if self._kick.wait(wait * (0.5 + random.random() / 2)):
                    self._kick.clear()
                wait = min(5.0, wait * 2)
        except Exception as error:  # a mistake of ours must not be silent
            self._listener.trouble(f"the link stopped: {error!r}; what is logged is kept in {self._folder}")
        finally:
            self.connected = False
            self._reader.close()

    def _serve(self) -> None:
        link = Socket(self._server, self._token, lambda name, payload: self._said.put((name, payload)))
        while not self._said.empty():
            self._said.get_nowait()
        listening = threading.Thread(target=self._listen, args=(link,), name="headroom receiver", daemon=True)
        listening.start()
        try:
            self.connected = True
            self._register(link)
            self._pump(link)
        finally:
            link.close()

    def _listen(self, link: Socket) -> None:
        try:
            while True:
                link.receive()
        except Exception as error:
            self._said.put(("lost", (link, str(error))))

    def _ask(self, link: Socket, name: str, payload: Any) -> Any:
        """An event and its answer; commands that come meanwhile are taken in."""
        answered: list[Any] = []

        def take(answer: Any) -> None:
            answered.append(answer)
            self._said.put(("wake", None))

        link.emit(name, payload, take)
        until = time.monotonic() + ACK_S
        while not answered:
            self._hear(link, max(0.0, until - time.monotonic()))
            if self._abandoned.is_set():
                raise LinkLost("abandoned")
            if time.monotonic() > until:
                raise LinkLost(f"no answer to {name}")
        return answered[0]

    def _hear(self, link: Socket, timeout: float) -> None:
        try:
            name, payload = self._said.get(timeout=timeout)
        except queue.Empty:
            return
        if name == "lost":
            lost, message = payload
            if lost is link:
                raise LinkLost(message)
        elif name == "command" and isinstance(payload, dict):
            if payload.get("runId") == self._meta.get("runId"):
                self._take(payload)
        elif name == "release" and isinstance(payload, dict):
            if payload.get("runId") == self._meta.get("runId") and payload.get("attempt") == self._meta.get("attempt"):
                self._drop(str(payload.get("message", "")))

    def _take(self, logged: dict[str, Any]) -> None:
        self._last_command = max(self._last_command, int(logged["seq"]))
        self._listener.command(logged)

    def _drop(self, message: str) -> None:
        self._listener.dropped(message)
        self.done.set()

    def _register(self, link: Socket) -> None:
        meta = self._meta
        holding = []
        if meta.get("attempt") is not None:
            holding.append({"runId": meta["runId"], "attempt": meta["attempt"], "lastCommandSeq": self._last_command})
        answer = self._ask(
            link,
            "register",
            {
                "version": VERSION,
                "trainerId": meta["trainerId"],
                "name": meta["name"],
                "host": meta["host"],
                "pid": meta["pid"],
                "device": meta.get("device", ""),
                "software": meta.get("software", ""),
                "recipes": [],
                "memoryBytes": max(1, int(meta.get("memoryBytes", 1))),
                "holding": holding,
            },
        )
        if not answer.get("ok"):
            raise LinkRefused(str(answer.get("message", answer)))
        if holding:
            (held,) = answer["holding"]
            if not held.get("ok"):
                return self._drop(str(held.get("message", "")))
            self._resume_at(int(held["nextEvent"]))
            for logged in held.get("commands", []):
                self._take(logged)
            return
        if self._before_open:
            meta["setup"] = self._before_open()
        request: dict[str, Any] = {"key": meta["key"], "setup": meta["setup"], "resume": meta["resume"]}
        if meta.get("fork"):
            request["fork"] = meta["fork"]
        opened = self._ask(link, "open", request)
        if not opened.get("ok"):
            if opened.get("reason") == "busy":
                raise LinkLost(str(opened.get("message")))
            raise LinkRefused(str(opened.get("message", opened)))
        state = opened.get("state") or {"step": 0, "status": "queued"}
        meta.update(runId=opened["runId"], attempt=opened["attempt"], rewind=self._rewind_to(int(state["step"])))
        spool.write_meta(self._folder, meta)
        self._listener.opened(opened["runId"], opened["attempt"], int(state["step"]), str(state["status"]))
        for logged in opened.get("commands", []):
            self._take(logged)

    def _rewind_to(self, left_at: int) -> int | None:
        """The least step among what waits, when the run was left further on; null = nothing is to be taken back."""
        if left_at <= 0:
            return None
        decoder = Decoder()
        reader = spool.Reader(self._folder)
        try:
            while (record := reader.next()) is not None:
                decoder.add(record)
                for steps, _times, _values in decoder._open.values():
                    return min(steps) if min(steps) < left_at else None
        finally:
            reader.close()
        return None

    def _resume_at(self, next_event: int) -> None:
        while self._unsent and self._unsent[0].next <= next_event:
            self._forget(self._unsent.pop(0))

    # ---- sending ----

    def _pump(self, link: Socket) -> None:
        last_sent = time.monotonic()
        resend = list(self._unsent)
        while not self.done.is_set() and not self._abandoned.is_set():
            ending = self._ending.is_set()
            batch = self._again(resend.pop(0)) if resend else self._next()
            if batch is None:
                if ending or self._until_empty:
                    self.done.set()
                    return
                if time.monotonic() - last_sent > HEARTBEAT_S:
                    link.emit("heartbeat")
                    last_sent = time.monotonic()
                self._hear(link, FLUSH_S)
                continue
            cut, events, files = batch
            self._send(link, cut, events, files)
            last_sent = time.monotonic()

    def _send(self, link: Socket, cut: spool.Cut, events: list[dict[str, Any]], files: list[str]) -> None:
        for file in files:
            self._put(file)
        packed = pack(
            {"runId": self._meta["runId"], "attempt": self._meta["attempt"], "from": cut.first, "events": [self._named(e) for e in events]}
        )
        while True:
            answer = self._ask(link, "events", packed)
            if answer.get("ok"):
                self._resume_at(int(answer["nextEvent"]))
                if self._unsent and self._unsent[0] == cut:
                    self._listener.trouble(f"the server took only events up to {answer['nextEvent']} of {cut.next}")
                    raise LinkLost("the server took only a part")
                return
            reason = answer.get("reason")
            if reason == "missing-blob":
                for file in files:
                    self._put(file)
                if answer.get("hash") not in [self._hashes[f][0] for f in files]:
                    return self._drop(f"the server lacks a blob that is not here: {answer.get('hash')}")
            elif reason == "fenced":
                return self._drop(str(answer.get("message", "")))
            elif reason == "invalid":
                self._listener.trouble(f"a batch was refused: {answer.get('message')}")
                return self._drop(str(answer.get("message", "")))
            else:
                # gap or unavailable: the next registration says from where on.
                time.sleep(0.5)
                raise LinkLost(str(answer.get("message", reason)))

    def _next(self) -> tuple[spool.Cut, list[dict[str, Any]], list[str]] | None:
        """The next batch of new records, kept as a cut before it is sent."""
        begin = self._reader.at
        first = self._meta.get("nextEvent", 0) if not self._unsent else self._unsent[-1].next
        decoder = self._decoder
        decoder.reset()
        self._begin(decoder, first)
        while not decoder.full():
            record = self._reader.next()
            if record is None:
                break
            decoder.add(record)
        if decoder.bytes == 0:
            return None
        decoder.flush()
        cut = spool.Cut(begin, self._reader.at, first, first + decoder.count)
        self._cuts.add(cut)
        self._unsent.append(cut)
        return cut, decoder.events, decoder.files

    def _again(self, cut: spool.Cut) -> tuple[spool.Cut, list[dict[str, Any]], list[str]]:
        """The very same batch."""
        reader = spool.Reader(self._folder, cut.begin)
        decoder = self._decoder
        decoder.reset()
        self._begin(decoder, cut.first)
        while reader.at < cut.end:
            record = reader.next()
            if record is None:
                break
            decoder.add(record)
        reader.close()
        decoder.flush()
        if decoder.count != cut.next - cut.first:
            raise RuntimeError(f"batch {cut.first}: {decoder.count} events, {cut.next - cut.first} were sent before")
        return cut, decoder.events, decoder.files

    def _begin(self, decoder: Decoder, first: int) -> None:
        if first == 0 and self._meta.get("rewind") is not None:
            decoder.events.append({"type": "rewind", "step": self._meta["rewind"]})
            decoder.count += 1

    def _forget(self, cut: spool.Cut) -> None:
        """The server has it: segments and blobs that nothing else needs go."""
        self._meta["nextEvent"] = cut.next
        needed = cut.end[0]
        gone = [n for n in spool.segments_in(self._folder) if n < needed]
        if gone:
            # What was declared in them is needed to read the others.
            self._meta["streams"] = [[id, name, self._decoder._widths[id]] for id, name in self._decoder._names.items()]
            spool.write_meta(self._folder, self._meta)
        for number in gone:
            (self._folder / spool.segment_name(number)).unlink(missing_ok=True)

    # ---- blobs ----

    def _hashed(self, file: str) -> tuple[str, int]:
        known = self._hashes.get(file)
        if known is None:
            sha = hashlib.sha256()
            size = 0
            with open(self._folder / "blobs" / file, "rb") as source:
                while chunk := source.read(1 << 20):
                    sha.update(chunk)
                    size += len(chunk)
            known = self._hashes[file] = (sha.hexdigest(), size)
        return known

    def _named(self, event: dict[str, Any]) -> dict[str, Any]:
        """With hash and size where a file of the spool stood."""
        out = dict(event)
        for name in ("blob", "pictures"):
            blob = out.get(name)
            if isinstance(blob, dict) and "file" in blob:
                hash, size = self._hashed(blob["file"])
                out[name] = {"hash": hash, "bytes": size}
        return out

    def _put(self, file: str) -> None:
        hash, size = self._hashed(file)
        with open(self._folder / "blobs" / file, "rb") as source:
            request = urllib.request.Request(
                f"{self._server}/api/blobs/{hash}",
                data=source,
                method="PUT",
                headers={"Authorization": f"Bearer {self._token or ''}", "Content-Length": str(size), "Content-Type": "application/octet-stream"},
            )
            try:
                with urllib.request.urlopen(request, timeout=ACK_S) as answer:
                    answer.read()
            except urllib.error.HTTPError as error:
                if error.code in (408, 429) or error.code >= 500:
                    raise LinkLost(f"blob {hash}: {error.code}") from error
                raise LinkRefused(f"blob {hash}: {error.code} {error.read()[:300].decode('utf-8', 'replace')}") from error
            except OSError as error:
                raise LinkLost(f"blob {hash}: {error}") from error


def new_meta(key: str, setup: dict[str, Any], resume: str, fork: dict[str, Any] | None, trainer_id: str, device: str, software: str) -> dict[str, Any]:
    return {
        "version": 1,
        "key": key,
        "setup": setup,
        "resume": resume,
        "fork": fork,
        "trainerId": trainer_id,
        "name": os.path.basename(_script()) or "python",
        "host": socket.gethostname()[:255],
        "pid": os.getpid(),
        "device": device,
        "software": software,
        "memoryBytes": _memory(),
        "runId": None,
        "attempt": None,
        "nextEvent": 0,
    }


def _script() -> str:
    import sys

    return (sys.argv[0] if sys.argv and sys.argv[0] not in ("", "-c", "-m") else "python")[-80:]


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 1


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
