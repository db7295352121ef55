"""The client's types, which it offers to scripts (py.typed)."""

from __future__ import annotations

from pathlib import Path

import pytest

api = pytest.importorskip("mypy.api", reason="mypy is not installed: the client's types are not checked")
pytest.importorskip("torch", reason="torch is not installed: the client's types are not checked")


def test_the_client_is_typed_strictly(tmp_path, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2] / "trainer/python")
    # Which of the libraries have types of their own depends on what is installed.
    said, failed, code = api.run(["--cache-dir", str(tmp_path), "--no-warn-unused-ignores", "--no-error-summary"])
    assert (said, failed, code) == ("", "", 0)
