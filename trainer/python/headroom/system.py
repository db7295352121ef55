"""CPU, memory, disk and GPU of each rank's machine, at the current step of training."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from typing import Any


class Sampler:
    """Measures at a fixed interval. Rank 0 logs its own numbers and the numbers that the other ranks put into the shared store."""

    def __init__(self, run: Any, seconds: float) -> None:
        self._run = run
        self._seconds = max(0.5, seconds)
        self._ended = threading.Event()
        self._cpu = _cpu_times()
        self._last = -1
        self._told: dict[int, int] = {}
        self._number = 0
        self._thread = threading.Thread(target=self._loop, name="headroom system", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()

    def _loop(self) -> None:
        while not self._ended.wait(self._seconds):
            try:
                self.sample()
            except Exception:
                return

    def sample(self) -> None:
        ranks = self._run._commands.ranks
        if ranks is not None and not ranks.speaks:
            self._number += 1
            ranks.store.set(f"system/{ranks.rank}", json.dumps([self._number, self._measure()]))
            return
        # At most one row per step: without new steps there is no position for a row.
        step = self._run._out.step
        if step == self._last or not self._run._out.started:
            return
        self._last = step
        self._log("system", self._measure(), step)
        for rank in range(1, ranks.size if ranks is not None else 0):
            self._log_other(ranks, rank, step)

    def _log_other(self, ranks: Any, rank: int, step: int) -> None:
        key = f"system/{rank}"
        if not ranks.store.check([key]):
            return
        number, values = json.loads(ranks.store.get(key))
        if self._told.get(rank) != number:
            self._told[rank] = number
            self._log(f"system/rank {rank}", values, step)

    def _log(self, place: str, values: dict[str, float], step: int) -> None:
        # A GPU is measured from its first use on, so each of its numbers is by itself.
        always = [name for name in values if not name.startswith("gpu")]
        for names in filter(None, [always, *([name] for name in values if name not in always)]):
            self._run.log_group(
                f"{place}:{','.join(names)}",
                {f"{place}/{name}": values[name] for name in names},
                step,
                lambda: [{"name": f"{place}/{n}", "unit": "MB" if n == "process memory" else "%", "group": "system"} for n in names],
            )

    def _measure(self) -> dict[str, float]:
        """Percent, except the process's own memory in MB."""
        out: dict[str, float] = {}
        now = _cpu_times()
        if now and self._cpu:
            total = now[0] - self._cpu[0]
            if total > 0:
                out["cpu"] = 100 * (1 - (now[1] - self._cpu[1]) / total)
        self._cpu = now
        memory = _memory()
        if memory is not None:
            out["memory"] = memory
        rss = _own_memory()
        if rss is not None:
            out["process memory"] = rss
        disk = shutil.disk_usage(os.getcwd())
        out["disk"] = 100 * disk.used / disk.total
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
            free, total = torch.cuda.mem_get_info()
            out["gpu memory"] = 100 * (1 - free / total)
            try:
                out["gpu"] = float(torch.cuda.utilization())
            except Exception:  # needs NVIDIA's own library
                pass
        return out


def _cpu_times() -> tuple[float, float] | None:
    """Total seconds of all cores so far, and the idle seconds."""
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
