"""What the client says to the person at the terminal."""

from __future__ import annotations

import sys


def say(message: str, who: str = "headroom") -> None:
    """One line on standard error. A terminal that was closed, or a pipe that nobody reads any more, must not end a training."""
    try:
        print(f"{who}: {message}", file=sys.__stderr__)
    except (OSError, ValueError):
        pass
