"""Shows the script's printed output on the run's page as well."""

from __future__ import annotations

import sys
import threading
from typing import Any, Callable

LETTERS = 8000
SECONDS = 0.5


class Capture:
    """Replaces sys.stdout and sys.stderr; text goes to the previous stream and, twice a second, to the run."""

    def __init__(self, say: Callable[[dict[str, Any]], None]) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._kept: list[tuple[str, str]] = []
        self._ended = threading.Event()
        self._before = {"stdout": sys.stdout, "stderr": sys.stderr}
        sys.stdout = _Tee(sys.stdout, self, "out")
        sys.stderr = _Tee(sys.stderr, self, "err")
        self._thread = threading.Thread(target=self._flush_often, name="headroom console", daemon=True)
        self._thread.start()

    def add(self, stream: str, text: str) -> None:
        with self._lock:
            if sum(len(t) for _, t in self._kept[-4:]) < 1_000_000:
                self._kept.append((stream, text))

    def _flush_often(self) -> None:
        while not self._ended.wait(SECONDS):
            self.flush()

    def flush(self) -> None:
        with self._lock:
            kept, self._kept = self._kept, []
        joined: list[list[str]] = []
        for stream, text in kept:
            if joined and joined[-1][0] == stream:
                joined[-1][1] += text
            else:
                joined.append([stream, text])
        for stream, text in joined:
            for at in range(0, len(text), LETTERS):
                self._say({"type": "console", "stream": stream, "text": text[at : at + LETTERS]})

    def stop(self) -> None:
        self._ended.set()
        self.flush()
        for name, before in self._before.items():
            if isinstance(getattr(sys, name), _Tee):
                setattr(sys, name, before)


class _Tee:
    def __init__(self, inner: Any, capture: Capture, stream: str) -> None:
        self._inner = inner
        self._capture = capture
        self._stream = stream

    def write(self, text: str) -> int:
        written = self._inner.write(text)
        if text:
            self._capture.add(self._stream, text)
        return int(written if written is not None else len(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
