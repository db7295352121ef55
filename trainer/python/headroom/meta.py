"""What a spool says of its run (meta.json): the run itself, the process that trains it, and how far it was sent."""

from __future__ import annotations

import os
import platform
import socket
import sys
from typing import Any


def new_meta(key: str, setup: dict[str, Any], resume: str, fork: dict[str, Any] | None, trainer_id: str) -> dict[str, Any]:
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
        "device": _device(),
        "software": _software(),
        "memoryBytes": _memory(),
        "runId": None,
        "attempt": None,
        "nextEvent": 0,
    }


def _script() -> str:
    return (sys.argv[0] if sys.argv and sys.argv[0] not in ("", "-c", "-m") else "python")[-80:]


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 1


def _device() -> str:
    torch = sys.modules.get("torch")
    try:
        if torch is not None and torch.cuda.is_available():
            return str(torch.cuda.get_device_name(0))[:300]
    except Exception:
        pass
    return f"{os.cpu_count()} CPU cores"


def _software() -> str:
    names = [f"Python {platform.python_version()}"]
    for module in ("torch", "tensorflow", "jax"):
        version = getattr(sys.modules.get(module), "__version__", None)
        if version:
            names.insert(0, f"{module} {version}")
    return ", ".join(names)[:300]
