"""The way of a run's events to the server: its folder on disk and, in the mode "online", the link that sends it."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import Any, Callable

from . import link as links
from .say import say
from . import spool
from .settings import Settings, SettingsError


class Session:
    """Of one attempt of a run. `folder` is None in the mode "disabled", in which nothing is kept or sent."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = _made_folder(settings.folder) if settings.mode != "disabled" else None
        self.link: links.Link | None = None
        self.meta: dict[str, Any] = {}
        self.must_open = False
        """The script waits until the run is open, and is told (`check_opening`) why it cannot be."""
        self._opened = threading.Event()
        self._lock = spool.FolderLock(self.folder) if self.folder is not None else None
        if self._lock is not None:
            self._lock.take()

    def begin(self, meta: dict[str, Any], listener: links.Listener, before_open: Callable[[], dict[str, Any]]) -> None:
        assert self.folder is not None
        self.meta = meta
        spool.write_meta(self.folder, meta)
        if self.settings.mode == "online":
            self.link = links.Link(self.folder, meta, self.settings.server, self.settings.token, listener, before_open)
            self.link.start()

    # ---- the opening ----

    def opened(self) -> None:
        """The server has opened the run, or has given it to another script: nobody waits for it any more."""
        self._opened.set()

    def wait_until_open(self, timeout: float) -> bool:
        """Waits until the run is open, or the server has refused to open it. A run that another process has may become free meanwhile."""
        until = time.monotonic() + timeout
        while not self._opened.wait(0.02) and time.monotonic() < until and not (self.link and self.link.refused):
            pass
        return self._opened.is_set()

    def wait_unless_away(self) -> None:
        """Waits until the run is open: ten seconds at most, and not for a server that cannot be reached."""
        for _ in range(100):
            if self.wait_until_open(0.1) or (self.link and self.link.failing):
                return

    def given_up(self) -> str:
        """Why the run can never be opened as it was asked for: nothing is kept of it then. Empty where it can."""
        self.must_open = False
        if self.link is None or not self.link.wrong:
            return ""
        wrong = self.link.wrong
        self.link.abandon()
        self.link.join(1.0)
        self.link = None
        return wrong

    @property
    def is_away(self) -> bool:
        """The server does not answer; one that answers and takes nothing has been mentioned."""
        return self.link is not None and self.link.failing and not self.link.refused

    @property
    def unknown(self) -> bool:
        """The server that had this run has it no more."""
        return self.link is not None and self.link.dropped.startswith("there is no run")

    def is_news(self) -> bool:
        """Whether trouble of the link is said when it comes: why a run cannot be opened is raised instead."""
        return not (self.must_open and self.link and self.link.wrong)

    # ---- the end ----

    def take_link(self) -> links.Link | None:
        """For the one caller that ends the run; who comes later gets None."""
        link, self.link = self.link, None
        return link

    def send_rest(self, link: links.Link | None, timeout: float) -> None:
        """Waits until the server has everything: at most `timeout` seconds, and less than one for a server that cannot be reached. Says where the rest is kept."""
        folder = self.folder
        if link is None:
            say(f"kept in {folder}; `headroom sync` sends it")
            return self.release()
        assert folder is not None
        link.end()
        until = time.monotonic() + timeout
        away_until = time.monotonic() + 0.7
        while not link.done.wait(0.02):
            now = time.monotonic()
            # While no connection has failed yet, the first one is only slow.
            if now > until or (now > away_until and link.failing):
                break
        if link.done.is_set():
            link.join(1.0)
            # What is read from files is in them.
            if not self.meta.get("source") and link.leaves:
                say(f"what the server has not got is kept in {folder}")
            else:
                links.remove(folder, link)
        else:
            why = "" if link.connected or not link.reason else f" ({link.reason})"
            link.abandon()
            link.join(0.2)
            say(f"the server has not got everything{why}; the rest is kept in {folder}, `headroom sync` sends it")
        self.release()

    def remove(self) -> None:
        self.release()
        shutil.rmtree(str(self.folder), ignore_errors=True)

    def release(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def leave(self) -> None:
        """In a forked process: its copies of the connection and of the folder's lock would outlive the script."""
        if self.link is not None:
            self.link.leave()
            self.link = None
        self.release()


def _made_folder(inside: Path) -> Path:
    """A folder for the run's spool; where `inside` cannot be written or is full, one of the system's temporary folder."""
    # In the order in which runs began, to the microsecond, also when the clocks go back from summer time: `sync` sends a run before the attempt that goes on with it.
    now = time.time()
    name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{int(now % 1 * 1e6):06d}-{uuid.uuid4().hex[:8]}"

    def made(folder: Path) -> Path:
        try:
            # The script may change its directory.
            folder = folder.absolute()
            (folder / "blobs").mkdir(parents=True)
            spool.need_space(folder)
            return folder
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    try:
        return made(inside / name)
    except OSError as error:
        try:
            other = made(Path(tempfile.gettempdir()) / "headroom-runs" / name)
        except OSError:
            raise SettingsError(f"folder: {inside}: {error}; give a folder that can be written, as an argument or HEADROOM_SPOOL") from None
        say(f"{inside}: {error}; what is logged is kept in {other}")
        return other
