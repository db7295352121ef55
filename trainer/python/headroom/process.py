"""The end of the process: a run ends as finished, failed with its traceback, or stopped by a signal, however the script exits."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

from .run import Run, _open_runs

_installed = False
_exit_code: Any = None
_failed: tuple[BaseException, TracebackType | None] | None = None


def guard(run: Run) -> None:
    """Ends this run when the process ends."""
    _open_runs.add(run)
    global _installed
    if _installed:
        return
    _installed = True
    atexit.register(_at_exit)
    before = sys.excepthook

    def on_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        global _failed
        _failed = (error, trace)
        before(kind, error, trace)

    sys.excepthook = on_error
    real_exit = sys.exit

    def on_exit(code: Any = None) -> None:
        global _exit_code
        _exit_code = code
        real_exit(code)

    sys.exit = on_exit  # type: ignore[assignment]
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _on_term)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_in_child)


def _in_child() -> None:
    """A forked process (a loader's worker) has copies of the runs and must not use them."""
    for run in list(_open_runs):
        run._link = None
        run._out.forget()
    _open_runs.clear()


def _on_term(number: int, frame: FrameType | None) -> None:
    for run in list(_open_runs):
        run.finish("stopped", "ended by SIGTERM", timeout=5.0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


def _at_exit() -> None:
    for run in list(_open_runs):
        if _failed is not None:
            error, trace = _failed
            if isinstance(error, KeyboardInterrupt):
                run.finish("stopped", "stopped by Ctrl+C")
            else:
                run.fail(error, trace)
        elif _exit_code not in (None, 0):
            run.finish("failed", f"the script left with {_exit_code!r}")
        elif run.stopped:
            run.finish("stopped", "stopped")
        else:
            run.finish()
