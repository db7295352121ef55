"""The example script, as it is."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from conftest import LIMIT_S, ROOT

pytest.importorskip("torch", reason="torch is not installed: the example is not run")


def test_the_character_gpt_trains_and_shows_its_attention(server, tmp_path):
    env = {**os.environ, "HEADROOM_SERVER": server.url, "HEADROOM_TRAINER_TOKEN": server.token, "HEADROOM_SPOOL": str(tmp_path)}
    child = subprocess.run(
        [sys.executable, "trainer/python/examples/char_gpt.py", "--steps", "220", "--layers", "2", "--width", "32", "--context", "24", "--batch", "8"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert child.returncode == 0, child.stderr
    (run,) = [r for r in server.runs() if r["name"] == "char gpt"]
    record = server.record(run["runId"])
    assert (record.status, record.alerts()) == ("finished", [])
    losses = [value for _, value in record.series("loss")]
    assert len(losses) == 220 and sum(losses[-20:]) < 0.9 * sum(losses[:20])
    first = record.of_type("snapshot")[0]
    assert [(layer["name"], layer["heads"], layer["keys"]) for layer in first["layers"]] == [("blocks.0", 4, 24), ("blocks.1", 4, 24)]
    assert [e["split"] for e in record.of_type("evaluation")] == ["held out"]
    assert [m["name"] for m in record.of_type("media")] == ["written"]
