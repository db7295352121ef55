"""A training loop in a thread, and commands to it over the real server."""

from __future__ import annotations

import threading
from typing import Any, Callable

from conftest import LIMIT_S, Server, wait_for


class Steered:
    """`train` runs in a thread; `order` sends a command and gives the event that answers it."""

    def __init__(self, server: Server, train: Callable[[], Any]) -> None:
        self.server = server
        self.error: BaseException | None = None
        self._count = 0
        self._train = train
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._train()
        except BaseException as error:
            self.error = error

    def begun(self, name: str) -> str:
        """The run's id, once it takes commands."""

        def found() -> str | None:
            assert self.error is None, repr(self.error)
            runs = [r for r in self.server.runs() if r["name"] == name]
            return runs[0]["runId"] if runs and self.server.record(runs[0]["runId"]).of_type("started")[-1:] and self._takes_commands(runs[0]["runId"]) else None

        self.run_id: str = wait_for("the run", found, pause=0.1)
        return self.run_id

    def _takes_commands(self, run_id: str) -> bool:
        declared = self.server.record(run_id).of_type("started")[-1]["controls"]
        return any(a["name"] == "stop" for a in declared["actions"])

    def order(self, **command: Any) -> dict[str, Any]:
        self._count += 1
        id = f"command-{self._count:04d}"
        answer = self.server.command(self.run_id, id=id, **command)
        assert answer["ok"], answer

        def outcome() -> dict[str, Any] | None:
            assert self.error is None, repr(self.error)
            events = self.server.record(self.run_id).events
            return next((e for e in events if e.get("commandId") == id and e["type"] in ("command.applied", "command.refused")), None)

        return wait_for(str(command), outcome, pause=0.1)

    def act(self, action: str, **args: Any) -> dict[str, Any]:
        return self.order(kind="act", action=action, args=args)

    def set(self, control: str, value: Any) -> dict[str, Any]:
        return self.order(kind="set", control=control, value=value)

    def join(self) -> None:
        self.thread.join(LIMIT_S)
        assert not self.thread.is_alive(), "the loop has not ended"
        if self.error is not None:
            raise self.error
