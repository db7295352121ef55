"""Measures the Python client; prints JSON lines {"what", "value", "unit", "target"}. Called by python.bench.ts with a server in HEADROOM_SERVER."""

from __future__ import annotations

import json
import os
import statistics
import sys
import threading
import time
import urllib.request

import headroom

SERVER = os.environ["HEADROOM_SERVER"]


def tell(what: str, value: float, unit: str, target: str = "") -> None:
    print(json.dumps({"what": what, "value": value, "unit": unit, "target": target}), flush=True)


def runs() -> list[dict]:
    request = urllib.request.Request(f"{SERVER}/api/trpc/runs.list", data=b"", method="POST", headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())["result"]["data"]


def command(run_id: str, **fields: object) -> None:
    body = json.dumps({"runId": run_id, **fields}).encode()
    urllib.request.urlopen(
        urllib.request.Request(f"{SERVER}/api/trpc/runs.command", data=body, method="POST", headers={"content-type": "application/json"}), timeout=20
    ).read()


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def first_point() -> None:
    at = time.monotonic()
    run = headroom.init(name="bench first point", system_seconds=None)
    run.log({"loss": 1.0})
    while not any(r["name"] == "bench first point" and r["loss"] == 1.0 for r in runs()):
        time.sleep(0.01)
    tell("first point at the server, after init", time.monotonic() - at, "s", "<= 1.5")
    at = time.monotonic()
    run.finish()
    tell("finish() with the server there", time.monotonic() - at, "s", "<= 1")


def logging(pause: float) -> None:
    """`pause`: time between two calls, in which the link can use the processor; 0: as fast as possible."""
    run = headroom.init(name=f"bench log {pause}", system_seconds=None)
    data = {f"metric/{k}": k / 7 for k in range(10)}
    run.log(data)
    run.wait_until_open()
    times = []
    for _ in range(2000 if pause else 50_000):
        at = time.perf_counter()
        run.log(data)
        times.append((time.perf_counter() - at) * 1e6)
        if pause:
            until = time.perf_counter() + pause
            while time.perf_counter() < until:
                pass
    where = f"every {pause * 1000:g} ms" if pause else "in a tight loop"
    tell(f"log() of 10 scalars {where}, p50", percentile(times, 0.5), "us")
    tell(f"log() of 10 scalars {where}, p99", percentile(times, 0.99), "us", "<= 20")
    run.finish()


def overhead() -> None:
    """Fixed work of about 5 ms, with and without a log of 10 scalars after it, in alternating rounds."""
    work = 60_000

    def step() -> None:
        total = 0
        for i in range(work):
            total += i

    at = time.process_time()
    for _ in range(40):
        step()
    work = int(work * 0.005 / ((time.process_time() - at) / 40))
    data = {f"metric/{k}": k / 7 for k in range(10)}
    run = headroom.init(name="bench overhead", system_seconds=None)
    run.log(data)
    run.wait_until_open()
    plain, logged = [], []
    for _ in range(15):
        for kept, log in ((plain, False), (logged, True)):
            at = time.process_time()
            for _ in range(40):
                step()
                if log:
                    run.log(data)
            # The link works until the next round; this time belongs to this round.
            if log:
                time.sleep(0.15)
            kept.append(time.process_time() - at)
    run.finish()
    share = 100 * (statistics.median(logged) / statistics.median(plain) - 1)
    tell(f"overhead of log() on a {1000 * statistics.median(plain) / 40:.1f} ms step, CPU time, the link included", share, "%", "<= 1")


def stop() -> None:
    run = headroom.init(name="bench stop", system_seconds=None)
    room = run.attach()
    ended = threading.Event()

    def train() -> None:
        while room.step(loss=1.0):
            time.sleep(0.005)
        ended.set()

    threading.Thread(target=train, daemon=True).start()
    run.wait_until_open()
    while not any(r["runId"] == run.id and r["step"] for r in runs()):
        time.sleep(0.02)
    at = time.monotonic()
    command(run.id, kind="act", id="stop-the-bench", action="stop", args={})
    ended.wait(10)
    tell("stop honored after", time.monotonic() - at, "s", "<= 1")
    run.finish("stopped")


def watching() -> None:
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(1)
    layer = torch.nn.TransformerEncoderLayer(64, 4, 256, batch_first=True)
    model = torch.nn.Sequential(torch.nn.TransformerEncoder(layer, 2), torch.nn.Linear(64, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    batch = torch.randn(16, 32, 64)

    def trained(watch: bool, steps: int, settled: int) -> float:
        """CPU seconds per step, after the cadences have settled."""
        run = headroom.init(name=f"bench watch {watch}", system_seconds=None)
        if watch:
            run.watch(model, probe=batch[:4])
        room = run.attach(optimizer=optimizer, model=model, clip=1.0)
        for step in range(settled + steps):
            if step == settled:
                begun = time.process_time()
            model(batch).pow(2).mean().backward()
            room.clip_gradients()
            optimizer.step()
            optimizer.zero_grad()
            room.step()
        a_step = (time.process_time() - begun) / steps
        run.finish()
        return a_step

    trained(False, 50, 0)
    # Alternating, because the machine's speed changes.
    plain, watched = [], []
    for _ in range(3):
        plain.append(trained(False, 600, 0))
        watched.append(trained(True, 1200, 301))
    share = 100 * (min(watched) / min(plain) - 1)
    tell(f"watch() of gradients and attention at the default cadence, on a {1000 * min(plain):.0f} ms step", share, "%", "<= 2")


def server_gone() -> None:
    run = headroom.init(name="bench gone", system_seconds=None)
    run.log({"loss": 1.0})
    run.wait_until_open()
    print("KILL", flush=True)
    sys.stdin.readline()
    run.log({"loss": 2.0})
    at = time.monotonic()
    run.finish()
    tell("finish() with the server gone", time.monotonic() - at, "s", "<= 1")


first_point()
logging(0)
logging(0.005)
overhead()
stop()
watching()
server_gone()
