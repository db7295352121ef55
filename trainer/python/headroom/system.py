"""CPU, memory, disk and GPU of the machine, at the step that training is at."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from typing import Any


class Sampler:
    def __init__(self, run: Any, seconds: float) -> None:
        self._run = run
        self._seconds = max(0.5, seconds)
        self._ended = threading.Event()
        self._cpu = _cpu_times()
        self._last = -1
        self._thread = threading.Thread(target=self._loop, name="headroom system", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()

    def _loop(self) -> None:
        while not self._ended.wait(self._seconds):
            try:
                # One row a step: while nothing is trained there is nothing to set it beside.
                step = self._run._step
                if step == self._last or not self._run._started:
                    continue
                self._last = step
                values = self._measure()
                if values:
                    names = ",".join(values)
                    self._run.log_group(f"system:{names}", values, step, lambda: [dict(_about[n], name=n) for n in values])
            except Exception:
                return

    def _measure(self) -> dict[str, float]:
        out: dict[str, float] = {}
        now = _cpu_times()
        if now and self._cpu:
            total = now[0] - self._cpu[0]
            if total > 0:
                out["system/cpu"] = 100 * (1 - (now[1] - self._cpu[1]) / total)
        self._cpu = now
        memory = _memory()
        if memory is not None:
            out["system/memory"] = memory
        rss = _own_memory()
        if rss is not None:
            out["system/process memory"] = rss
        disk = shutil.disk_usage(os.getcwd())
        out["system/disk"] = 100 * disk.used / disk.total
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
            free, total = torch.cuda.mem_get_info()
            out["system/gpu memory"] = 100 * (1 - free / total)
        return out


_percent = {"unit": "%", "group": "system"}
_about: dict[str, dict[str, Any]] = {
    "system/cpu": _percent,
    "system/memory": _percent,
    "system/process memory": {"unit": "MB", "group": "system"},
    "system/disk": _percent,
    "system/gpu memory": _percent,
}


def _cpu_times() -> tuple[float, float] | None:
    try:
        with open("/proc/stat") as file:
            numbers = [float(n) for n in file.readline().split()[1:9]]
        return sum(numbers), numbers[3] + numbers[4]
    except (OSError, ValueError, IndexError):
        return None


def _memory() -> float | None:
    try:
        with open("/proc/meminfo") as file:
            found = {line.split(":")[0]: float(line.split()[1]) for line in file}
        return 100 * (1 - found["MemAvailable"] / found["MemTotal"])
    except (OSError, ValueError, KeyError):
        return None


def _own_memory() -> float | None:
    try:
        with open("/proc/self/statm") as file:
            return float(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, ValueError, IndexError):
        return None
