"""The client against the protocol page's own checker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from conftest import LIMIT_S, NODE, ROOT


def test_the_conformance_kit_finds_nothing_wrong():
    client = str(Path(__file__).parent / "conformance_client.py")
    found = subprocess.run(
        [NODE, "--import", "tsx", "test/conformance/main.ts", "--client", sys.executable, client],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith("HEADROOM_")},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert (found.returncode, "0 failed, 0 not tried" in found.stdout or found.stdout) == (0, True)
