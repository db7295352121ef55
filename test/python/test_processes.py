"""However a script ends, and whatever it forks, its run ends as the script did."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from conftest import LIMIT_S, script, wait_for
from headroom.cli import sync


def test_a_script_ends_as_what_it_was(server, tmp_path):
    head = "import headroom, os, sys, signal, time\nrun = headroom.init(name=os.environ['RUN'], system_seconds=None)\nrun.log({'loss': 1.0})\n"
    ways = {
        "ends": ("pass", "finished", ""),
        "raises": ("raise ValueError('no good')", "failed", "ValueError: no good"),
        "exits": ("sys.exit(3)", "failed", "the script left with 3"),
        "raises the exit": ("raise SystemExit(5)", "failed", "the script left with 5"),
        "raises an exit with words": ("raise SystemExit('no data')", "failed", "the script left with 'no data'"),
        "raises a good exit": ("raise SystemExit", "finished", ""),
        "catches an exit": ("try: sys.exit(3)\nexcept SystemExit as left: assert left.code == 3", "finished", ""),
        "ends a thread": ("import threading\nt = threading.Thread(target=sys.exit, args=(3,))\nt.start()\nt.join()", "finished", ""),
        "exits well": ("sys.exit(0)", "finished", ""),
        "exits by name": ("exit(4)", "failed", "the script left with 4"),
        "raises, and finishes": ("try: raise ValueError('no good')\nfinally: run.finish()", "failed", "ValueError: no good"),
        "warns nobody": ("r, w = os.pipe(); os.dup2(w, 2); os.close(r); os.close(w)\nrun.log({'odd': object()})\nrun.log({'loss': 2.0})", "finished", ""),
        "loses its terminal": ("os.kill(os.getpid(), signal.SIGHUP); time.sleep(5)", "stopped", "ended by SIGHUP"),
        "is ended": ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(5)", "stopped", "ended by SIGTERM"),
        "is interrupted": ("raise KeyboardInterrupt", "stopped", "stopped by Ctrl+C"),
    }
    children = {name: script(head + way, server, tmp_path, RUN=name) for name, (way, _, _) in ways.items()}
    for child in children.values():
        child.communicate(timeout=LIMIT_S)
    runs = {r["name"]: r for r in server.runs()}
    for name, (_, status, message) in ways.items():
        record = server.record(runs[name]["runId"])
        assert (name, record.status, record.run["statusMessage"]) == (name, status, message)
    (end,) = [s for s in server.record(runs["raises"]["runId"]).of_type("status") if s["status"] == "failed"]
    assert "ValueError: no good" in end["traceback"]


def test_a_python_without_ctypes_records_as_any_other(server, tmp_path):
    child = script(
        "import sys\nsys.modules['ctypes'] = None\nimport headroom\nrun = headroom.init(name='without ctypes', system_seconds=None)\nrun.log({'loss': 1.0})",
        server,
        tmp_path,
    )
    child.communicate(timeout=LIMIT_S)
    (run,) = [r for r in server.runs() if r["name"] == "without ctypes"]
    record = server.record(run["runId"])
    assert (child.returncode, record.status, record.series("loss")) == (0, "finished", [(0, 1.0)])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forked_workers_leave_the_run_alone(init, server, capfd):
    run = init(name="forked")
    for i in range(50):
        run.log({"loss": float(i)})
        if i % 10 == 0:
            child = os.fork()
            if child == 0:
                run.log({"loss": -1.0})
                run.finish()
                os._exit(0)
            os.waitpid(child, 0)
    run.finish()
    record = server.record(run.id)
    assert record.series("loss") == [(i, float(i)) for i in range(50)]
    assert record.status == "finished"
    assert capfd.readouterr().err.count("log: this process is a forked worker; what it logs is not kept") == 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_that_outlives_a_killed_script_holds_neither_its_connection_nor_its_data(server, tmp_path):
    source = """
import headroom, os, time
run = headroom.init(name="outlived", system_seconds=None)
run.log({"loss": 1.0})
run.wait_until_open()
child = os.fork()
if child == 0:
    time.sleep(600)
print(child, flush=True)
time.sleep(600)
"""
    parent = script(source, server, tmp_path)
    assert parent.stdout
    child = int(parent.stdout.readline())
    try:
        (run,) = wait_for("the row", lambda: [r for r in server.runs() if r["name"] == "outlived" and r["loss"] == 1.0])
        parent.kill()
        parent.wait()
        # Long before the server has heard nothing for too long.
        wait_for("the end of the connection", lambda: [e["message"] for e in server.record(run["runId"]).of_type("trainer.lost")] == ["the connection to python is lost"])
        assert (sync(tmp_path, server.url, server.token), list(tmp_path.iterdir())) == (0, [])
    finally:
        os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_run_of_a_worker_ends_as_the_worker_did(server, tmp_path, method):
    source = f'''
import multiprocessing, sys
import headroom

def work(how):
    headroom.init(name=how, system_seconds=None).log({{"loss": 1.0}})
    if how == "raises": raise RuntimeError("boom")
    if how == "leaves": sys.exit(3)

if __name__ == "__main__":
    for how in ("ends", "raises", "leaves"):
        worker = multiprocessing.get_context("{method}").Process(target=work, args=(how,))
        worker.start(); worker.join()
'''
    file = tmp_path / "workers.py"
    file.write_text(source)
    env = {**os.environ, "HEADROOM_SERVER": server.url, "HEADROOM_TRAINER_TOKEN": server.token, "HEADROOM_SPOOL": str(tmp_path / "spool")}
    known = {run["runId"] for run in server.runs()}
    subprocess.run([sys.executable, file], env=env, check=True, timeout=LIMIT_S)
    made = [server.record(run["runId"]) for run in server.runs() if run["runId"] not in known]
    ends = {record.run["setup"]["name"]: (record.run["status"], len(record.series("loss"))) for record in made}
    assert ends == {"ends": ("finished", 1), "raises": ("failed", 1), "leaves": ("failed", 1)}


def test_workers_of_a_data_loader_leave_the_run_alone(server, tmp_path):
    pytest.importorskip("torch", reason="torch is not installed: the workers of a DataLoader are not tested")
    source = """
import torch, headroom
run = headroom.init(name="loader", system_seconds=None)
class Data(torch.utils.data.Dataset):
    def __len__(self): return 64
    def __getitem__(self, i):
        run.log({"loss": -1.0})
        return torch.tensor(float(i))
for epoch in range(2):
    for batch in torch.utils.data.DataLoader(Data(), batch_size=4, num_workers=2, multiprocessing_context="fork"):
        run.log({"loss": batch.mean()})
print("the end")
"""
    child = script(source, server, tmp_path)
    said, _ = child.communicate(timeout=LIMIT_S)
    assert child.returncode == 0 and "the end" in said, said
    (found,) = [r for r in server.runs() if r["name"] == "loader"]
    record = server.record(found["runId"])
    assert (record.status, record.alerts()) == ("finished", [])
    assert record.series("loss") == [(i, 1.5 + 4 * (i % 16)) for i in range(32)]


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_workers_that_run_the_script_again_open_no_run(server, tmp_path, method):
    source = f'''
import multiprocessing, headroom
run = headroom.init(name="again {method}", system_seconds=None)

def work(step):
    run.log({{"loss": -1.0}})
    return step

if __name__ == "__main__":
    with multiprocessing.get_context("{method}").Pool(2) as workers:
        for step in workers.imap(work, range(4)):
            run.log({{"loss": 1.0}}, step)
'''
    file = tmp_path / "again.py"
    file.write_text(source)
    env = {**os.environ, "HEADROOM_SERVER": server.url, "HEADROOM_TRAINER_TOKEN": server.token, "HEADROOM_SPOOL": str(tmp_path / "spool")}
    subprocess.run([sys.executable, file], env=env, check=True, timeout=LIMIT_S)
    (found,) = [r for r in server.runs() if r["name"] == f"again {method}"]
    record = server.record(found["runId"])
    assert (record.status, record.series("loss")) == ("finished", [(step, 1.0) for step in range(4)])
