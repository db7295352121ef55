"""The wire's layout, against the golden frames of the protocol page."""

from __future__ import annotations

import json
import math
from array import array
from pathlib import Path

import pytest
from headroom.packing import pack, unpack

GOLDEN = Path(__file__).resolve().parents[1] / "fixtures" / "protocol"


@pytest.mark.parametrize("name", sorted(f.stem for f in GOLDEN.glob("*.bin")))
def test_golden_frames_are_read_and_written_as_the_page_says(name):
    packed = (GOLDEN / f"{name}.bin").read_bytes()
    message = unpack(packed)
    assert message["runId"] == json.loads((GOLDEN / f"{name}.json").read_text())["runId"]
    again = unpack(pack(message))
    assert repr(again) == repr(message)


def test_numbers_and_arrays_survive_the_way():
    sent = {"a": math.nan, "b": -math.inf, "c": [1, 2.5, None, True, "\u202eword"], "d": array("d", [1.0, math.nan, -0.0]), "$x": 1}
    message = unpack(pack(sent))
    assert repr(message) == repr(sent)
    assert unpack(pack({"only": {"$f64": [1, 2]}})) == {"only": {"$f64": [1, 2]}}
