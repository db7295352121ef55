"""The thread that sends a run's spool to the server and receives commands. Training never waits for it."""

from __future__ import annotations

import queue
import random
import shutil
import threading
import time
from pathlib import Path
from typing import Any, Callable, Protocol

from . import spool
from .batches import Batch, Batches
from .blobs import Blobs
from .packing import pack
from .records import MAX_EVENTS
from .socketio import LinkLost, LinkRefused, Socket

VERSION = 2
HEARTBEAT_S = 5.0
BATCH_S = 0.2
"""From one batch to the next, while there is no haste: fewer batches cost less of training's time."""
NOTICE_S = 1.0
"""How often a change inside the config is looked for."""
ACK_S = 30.0
AWAY_S = 10.0
"""A server that has been away for longer is mentioned, with the reason."""


class Listener(Protocol):
    """Callbacks from the link to the run; called in the link's threads."""

    def opened(self, run_id: str, attempt: int, step: int, status: str) -> None: ...
    def command(self, logged: dict[str, Any]) -> None: ...
    def dropped(self, message: str) -> None: ...
    def trouble(self, message: str) -> None: ...
    def notice_config(self) -> None: ...


class Link:
    """Sends one run's spool. `meta` is the spool's metadata and is kept up to date."""

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
        self.server = server
        self._token = token
        self._listener = listener
        self._before_open = before_open
        self._until_empty = until_empty
        self._said: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._batches = Batches(folder, meta)
        self._blobs = Blobs(folder, server, token)
        self._last_command = 0
        self._socket: Socket | None = None
        self._ending = threading.Event()
        self._abandoned = threading.Event()
        self._kick = threading.Event()
        self.connected = False
        self._registered = False
        #: Why the last connection failed or ended.
        self.reason = ""
        self._refused = False
        #: Another run has the key of this one, which does not resume.
        self.id_taken = False
        #: Why the run can never be opened as it was asked for: the key of no run, or a wrong fork.
        self.wrong = ""
        self.done = threading.Event()
        """Everything is with the server, or never will be."""
        #: Why the server takes nothing more.
        self.dropped = ""
        self._thread = threading.Thread(target=self._run, name="headroom link", daemon=True)
        #: From Python 3.12 on no thread can begin while the interpreter ends: this one receives what is left then.
        self._last = threading.Thread(target=self._receive_last, name="headroom last receiver", daemon=True)
        self._last_sockets: queue.Queue[Socket | None] = queue.Queue()

    def start(self) -> None:
        self._last.start()
        self._thread.start()

    def end(self) -> None:
        """The spool is complete: send the rest, then stop."""
        self._ending.set()
        self._kick.set()
        self._said.put(("wake", None))

    def abandon(self) -> None:
        """Stop now; unsent data stays in the spool."""
        self._abandoned.set()
        self._kick.set()
        self._said.put(("wake", None))

    def leave(self) -> None:
        """In a forked process: nothing of the connection stays open in it, so that the server notices the end of the script."""
        if self._socket is not None:
            self._socket.leave()

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)

    @property
    def marks(self) -> dict[str, Any]:
        """How far the sources of the run have been read (sources.py)."""
        return self._batches.marks

    # ---- the connection ----

    def _run(self) -> None:
        wait = 0.1
        told = ""
        away = time.monotonic()
        try:
            while not self.done.is_set() and not self._abandoned.is_set():
                before = self._meta.get("nextEvent")
                self._listener.notice_config()
                try:
                    self._serve()
                    wait = 0.1
                except (LinkLost, LinkRefused, OSError) as error:
                    # A server that answers and takes nothing is as good as away.
                    if self._registered and (self._meta.get("nextEvent") != before or not self._batches.unsent):
                        wait = 0.1
                        away = time.monotonic()
                    self.connected = False
                    self._refused = isinstance(error, LinkRefused)
                    self.reason = f"{self.server}: {error}"
                    if (self._refused or time.monotonic() - away > AWAY_S) and self.reason != told:
                        told = self.reason
                        self._listener.trouble(f"{told}; what is logged is kept in {self._folder}")
                    if self._refused:
                        wait = max(wait, 2.0)
                if self.done.is_set() or self._abandoned.is_set():
                    return
                if self._ending.is_set() and self._until_empty:
                    return
                if self._kick.wait(wait * (0.5 + random.random() / 2)):
                    self._kick.clear()
                wait = min(5.0, wait * 2)
        except Exception as error:  # an error in this client must not be silent
            self._listener.trouble(f"the link stopped: {error!r}; what is logged is kept in {self._folder}")
        finally:
            self.connected = False
            self._last_sockets.put(None)
            self._batches.close()

    def _serve(self) -> None:
        self._registered = False
        self._socket = link = Socket(self.server, self._token, lambda name, payload: self._said.put((name, payload)))
        while not self._said.empty():
            self._said.get_nowait()
        try:
            threading.Thread(target=self._listen, args=(link,), name="headroom receiver", daemon=True).start()
        except RuntimeError:
            self._last_sockets.put(link)
        try:
            self.connected = True
            self._register(link)
            self._registered = True
            self._pump(link)
        finally:
            link.close()

    def _receive_last(self) -> None:
        for link in iter(self._last_sockets.get, None):
            self._listen(link)

    def _listen(self, link: Socket) -> None:
        try:
            while True:
                link.receive()
        except Exception as error:
            self._said.put(("lost", (link, str(error))))

    def _ask(self, link: Socket, name: str, payload: Any) -> Any:
        """Sends an event and returns its answer; accepts commands that arrive meanwhile."""
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

    @property
    def failing(self) -> bool:
        """The server cannot be reached: the last try to connect failed."""
        return bool(self.reason) and not self.connected

    @property
    def refused(self) -> bool:
        """The server answered the last try, and took nothing; that has been said."""
        return self.failing and self._refused

    @property
    def leaves(self) -> bool:
        """The server takes nothing more, and has not got everything."""
        return bool(self.dropped) and bool(self._batches.unsent or self._batches.next())

    def _drop(self, message: str) -> None:
        self.dropped = message
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
            self._batches.stored(int(held["nextEvent"]))
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
            self.id_taken = opened.get("field") == "key" and meta["resume"] == "never"
            message = str(opened.get("message", opened))
            self.wrong = message if opened.get("reason") == "unknown-run" or str(opened.get("field")).startswith("fork") else ""
            raise LinkRefused(message)
        state = opened.get("state") or {"step": 0, "status": "queued"}
        known = {"runId": opened["runId"], "attempt": opened["attempt"], "rewind": self._rewind_to(int(state["step"]))}
        # What could not be written is not known: the run is opened again.
        spool.write_meta(self._folder, {**meta, **known})
        meta.update(known)
        self._listener.opened(opened["runId"], opened["attempt"], int(state["step"]), str(state["status"]))
        for logged in opened.get("commands", []):
            self._take(logged)

    def _rewind_to(self, left_at: int) -> int | None:
        """The step to rewind to, or None; followed files show themselves when they go back (sources.py)."""
        return None if self._meta.get("source") or self._meta.get("beside") else self._batches.rewind_to(left_at)

    # ---- sending ----

    def _pump(self, link: Socket) -> None:
        last_sent = time.monotonic()
        next_at = 0.0
        resend = list(self._batches.unsent)
        noticed = time.monotonic()
        while not self.done.is_set() and not self._abandoned.is_set():
            ending = self._ending.is_set()
            wait = next_at - time.monotonic()
            if wait > 0 and not ending:
                self._hear(link, wait)
                continue
            if time.monotonic() - noticed > NOTICE_S:
                noticed = time.monotonic()
                self._listener.notice_config()
            batch = self._batches.again(resend.pop(0)) if resend else self._batches.next()
            if batch is None:
                if ending or self._until_empty:
                    if self._until_empty:
                        # Another process may continue the run immediately.
                        self._ask(link, "close", {"runId": self._meta["runId"], "attempt": self._meta["attempt"]})
                    self.done.set()
                    return
                if time.monotonic() - last_sent > HEARTBEAT_S:
                    link.emit("heartbeat")
                    last_sent = time.monotonic()
                self._hear(link, BATCH_S)
            elif batch.events:
                next_at = 0.0 if batch.full or resend else time.monotonic() + BATCH_S
                self._send(link, batch)
                last_sent = time.monotonic()

    def _send(self, link: Socket, batch: Batch) -> None:
        for file in batch.files:
            why = self._blobs.put(file)
            if why is not None:
                self._listener.trouble(f"a file is left out: {why}")
        first = batch.cut.first
        # One record can hold more events than a message may have.
        for at in range(0, len(batch.events), MAX_EVENTS):
            events = batch.events[at : at + MAX_EVENTS]
            after = first + sum(len(e["times"]) if e["type"] == "rows" else 1 for e in events)
            self._send_part(link, batch.files, first, after, [self._blobs.named(e) for e in events])
            if self.done.is_set():
                return
            first = after
        self._blobs.forget(batch.files)

    def _send_part(self, link: Socket, files: list[str], first: int, after: int, events: list[dict[str, Any]]) -> None:
        packed = pack({"runId": self._meta["runId"], "attempt": self._meta["attempt"], "from": first, "events": events})
        while True:
            answer = self._ask(link, "events", packed)
            if answer.get("ok"):
                self._batches.stored(int(answer["nextEvent"]))
                if int(answer["nextEvent"]) < after:
                    self._listener.trouble(f"the server took only events up to {answer['nextEvent']} of {after}")
                    raise LinkLost("the server took only a part")
                return
            reason = answer.get("reason")
            if reason == "missing-blob":
                for file in files:
                    self._blobs.put(file)
                if answer.get("hash") not in [self._blobs.hash_of(f)[0] for f in files]:
                    return self._drop(f"the server lacks a blob that is not here: {answer.get('hash')}")
            elif reason == "fenced":
                return self._drop(str(answer.get("message", "")))
            elif reason == "invalid":
                self._listener.trouble(f"a batch was refused: {answer.get('message')}")
                return self._drop(str(answer.get("message", "")))
            else:
                # gap or unavailable: the next registration says where to continue.
                time.sleep(0.5)
                raise LinkLost(str(answer.get("message", reason)))


def remove(folder: Path, link: Link) -> None:
    """Removes a spool that is completely on the server."""
    meta = spool.read_meta(folder) or {}
    if meta.get("source"):
        from .follow import keep_marks

        keep_marks(folder.parent, meta["source"], link.server, link.marks, meta["attempt"], meta["key"])
    shutil.rmtree(folder, ignore_errors=True)
