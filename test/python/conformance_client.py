"""The script that `npm run conformance -- --client` is run against."""

import tempfile
import time

import headroom

run = headroom.init(project="conformance", name="python client", folder=tempfile.mkdtemp(), system_seconds=None)
room = run.attach()
run.control("speed", 1.0, min=0, max=10)
for step in range(100_000):
    time.sleep(0.01)
    if step % 50 == 0:
        run.checkpoint(f"state at {step}".encode())
    if not room.step(loss=1 / (step + 1)):
        break
run.finish("stopped" if run.stopped else "finished", timeout=5)
