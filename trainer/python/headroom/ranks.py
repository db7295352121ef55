"""Several processes that train one run (torch.distributed): only rank 0 logs, and every rank applies each command at the same step.

At each step boundary rank 0 starts the broadcast of one number without waiting for it: the number of bytes of commands to apply at the next boundary.
If it is not 0, the bytes follow. Rank 0 never waits for another rank, and the others wait only for rank 0, at most `PATIENCE_S`: so nothing here can
hang for longer. All messages use a separate gloo group, not the group of the training.
"""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from datetime import timedelta
from typing import Any, Callable

PATIENCE_S = 600.0
JOIN_S = 60.0
MAX_UNSENT = 1000


class Ranks:
    """Made by `join`. Every rank makes the same calls: `take`, then `post`."""

    def __init__(self, dist: Any, store: Any, group: Any, warn: Callable[[str], None]) -> None:
        import torch

        self._torch = torch
        self._dist = dist
        self._group = group
        self._warn = warn
        self.store = store
        self.rank: int = dist.get_rank()
        self.size: int = dist.get_world_size()
        self.speaks = self.rank == 0
        self.broken = False
        self._posted: tuple[list[dict[str, Any]], bool] | None = None
        self._flag: Any = None
        self._on_the_way: deque[tuple[Any, Any]] = deque()

    def post(self, commands: list[dict[str, Any]], stopped: bool) -> None:
        """Sends what every rank must apply at the next boundary: only rank 0's arguments count."""
        if self.broken:
            return
        try:
            if not self.speaks:
                self._flag = self._send(self._torch.zeros(1, dtype=self._torch.int64))
                return
            self._posted = (commands, stopped)
            said = json.dumps([commands, stopped]).encode() if commands or stopped else b""
            self._keep(self._send(self._torch.tensor([len(said)], dtype=self._torch.int64)))
            if said:
                self._keep(self._send(self._torch.tensor(list(said), dtype=self._torch.uint8)))
        except Exception as error:
            self._break(error)

    def take(self) -> tuple[list[dict[str, Any]], bool]:
        """The commands to apply at this boundary, and whether to stop: the same on every rank."""
        if self.broken:
            return [], False
        try:
            if self.speaks:
                posted, self._posted = self._posted, None
                return posted or ([], False)
            flag, self._flag = self._flag, None
            if flag is None:
                return [], False
            work, tensor = flag
            work.wait(timedelta(seconds=PATIENCE_S))
            length = int(tensor.item())
            if length == 0:
                return [], False
            work, tensor = self._send(self._torch.zeros(length, dtype=self._torch.uint8))
            work.wait(timedelta(seconds=PATIENCE_S))
            commands, stopped = json.loads(bytes(tensor.tolist()))
            return commands, stopped
        except Exception as error:
            self._break(error)
            return [], False

    def _send(self, tensor: Any) -> tuple[Any, Any]:
        return self._dist.broadcast(tensor, src=0, group=self._group, async_op=True), tensor

    def _keep(self, sending: tuple[Any, Any]) -> None:
        """Keeps the tensor alive until it is sent."""
        self._on_the_way.append(sending)
        while self._on_the_way and self._on_the_way[0][0].is_completed():
            self._on_the_way.popleft()
        if len(self._on_the_way) > MAX_UNSENT:
            raise RuntimeError(f"another rank has not taken the last {MAX_UNSENT} messages")

    def _break(self, error: Exception) -> None:
        self.broken = True
        self._warn(f"rank {self.rank}: steering ends, as the ranks have lost each other: {str(error)[:300]}")


def join(warn: Callable[[str], None]) -> Ranks | None:
    """Called on every rank. None: this process trains alone, or not every rank joined within a minute (then it warns that the run cannot be steered)."""
    torch = sys.modules.get("torch")
    dist = getattr(torch, "distributed", None)
    if dist is None or not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1:
        return None
    try:
        store = dist.PrefixStore("headroom", dist.distributed_c10d._get_default_store())
        # All ranks make a group together; so first check, without waiting inside torch, that all have arrived.
        store.add("joining", 1)
        until = time.monotonic() + JOIN_S
        while store.add("joining", 0) < dist.get_world_size():
            if time.monotonic() > until:
                raise TimeoutError(f"{store.add('joining', 0)} of {dist.get_world_size()} ranks called attach within {JOIN_S:.0f} s")
            time.sleep(0.01)
        group = dist.new_group(backend="gloo", timeout=timedelta(seconds=PATIENCE_S))
        return Ranks(dist, store, group, warn)
    except Exception as error:
        warn(f"the ranks cannot be steered together: {str(error)[:300]}")
        return None
