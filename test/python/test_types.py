"""The client's types, which it offers to scripts (py.typed)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy", reason="mypy is not installed: the client's types are not checked")
pytest.importorskip("torch", reason="torch is not installed: the client's types are not checked")


def test_the_client_is_typed_strictly(tmp_path):
    # Which of the libraries have types of their own depends on what is installed. In a process of its own mypy takes half the time, since it need not free what it made.
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path), "--no-warn-unused-ignores", "--no-error-summary"],
        cwd=Path(__file__).parents[2] / "trainer/python",
        capture_output=True,
        text=True,
    )
    assert (checked.stdout, checked.stderr, checked.returncode) == ("", "", 0)
