"""The end of the process: a run ends as finished, failed with its traceback, or stopped by a signal, however the script exits."""

from __future__ import annotations

import atexit
import gc
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
    _end_with_worker()
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
    _notice_exits()
    if threading.current_thread() is threading.main_thread():
        # SIGHUP: the terminal was closed, or the connection to it was lost.
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, _on_signal)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_in_child)


def _end_with_worker() -> None:
    """A forked worker of multiprocessing ends without atexit and without the hook; while its finalizers run, its error is being raised."""
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing import util

        util.Finalize(None, _finish_all, exitpriority=0)


def _finish_all() -> None:
    for run in list(_open_runs):
        run.finish()


def _notice_exits() -> None:
    """An exit that the script itself catches, or that ends one of its threads, is not the script's: what counts is the outermost frame."""
    monitoring = getattr(sys, "monitoring", None)
    tool = next((n for n in range(3, 6) if monitoring and monitoring.get_tool(n) is None), None)
    if monitoring is None or tool is None:
        if sys.implementation.name == "cpython":
            _notice_reading_of_the_code()
        return

    def on_unwind(code: Any, offset: int, error: BaseException) -> None:
        global _exit_code
        if isinstance(error, SystemExit) and threading.current_thread() is threading.main_thread() and sys._getframe(1).f_back is None:
            _exit_code = error.code

    monitoring.use_tool_id(tool, "headroom")
    monitoring.register_callback(tool, monitoring.events.PY_UNWIND, on_unwind)
    monitoring.set_events(tool, monitoring.events.PY_UNWIND)


def _notice_reading_of_the_code() -> None:
    """
    Before Python 3.12, `raise SystemExit(3)` calls no hook. But the interpreter, when the script has ended so, reads `code` of the
    exception, and it alone does so with no frame of Python around it. So `code` becomes a property that looks around. A Python that was
    built without ctypes does not notice: the run ends as finished.
    """
    try:
        import ctypes
    except ImportError:
        return
    stored = SystemExit.__dict__["code"]

    def read(error: SystemExit) -> Any:
        global _exit_code
        if sys._getframe().f_back is None:
            _exit_code = stored.__get__(error)
        return stored.__get__(error)

    # The class refuses a new attribute; the dict behind its read-only view does not.
    gc.get_referents(SystemExit.__dict__)[0]["code"] = property(read, stored.__set__)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(SystemExit))

    def leave(status: Any = None) -> None:
        # The original makes no exception object before somebody catches it, so that nobody reads its code.
        raise SystemExit(status)

    setattr(sys, "exit", leave)


def _in_child() -> None:
    """A forked process (a loader's worker) has copies of the runs and must not use them."""
    for run in list(_open_runs):
        run.leave()
    _open_runs.clear()


def _on_signal(number: int, frame: FrameType | None) -> None:
    for run in list(_open_runs):
        run.finish("stopped", f"ended by {signal.Signals(number).name}", timeout=5.0)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _at_exit() -> None:
    for run in list(_open_runs):
        error, trace = _failed or (SystemExit(_exit_code), None)
        run.__exit__(type(error), error, trace)
