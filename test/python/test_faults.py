"""Whatever dies, each row arrives once."""

from __future__ import annotations

import base64
import hashlib
import http.server
import math
import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import headroom
import pytest
from conftest import LIMIT_S, patience, script, wait_for
from headroom.cli import sync
from headroom.link import Link
from headroom.socketio import LinkLost, Socket

TRAINING = """
import os, sys, time
import headroom
run = headroom.init(project="faults", id=os.environ["RUN"], resume="allow", system_seconds=None)
for i in range(10_000_000):
    run.log({"a": float(i), "b": i / 7, **({"rare": i} if i % 50 == 0 else {})}, step=i)
    run.text("word", str(i)) if i % 200 == 0 else None
    print(i, flush=True)
    time.sleep(0.001)
"""


def test_kill_of_the_script_at_random_moments_loses_and_doubles_nothing(server, tmp_path):
    chance = random.Random(1)
    for round in range(3):
        child = script(TRAINING, server, tmp_path, RUN=f"killed-{round}")
        assert child.stdout
        last = -1
        end = chance.randrange(100, 900)
        for line in child.stdout:
            last = int(line) if line.strip().isdigit() else last
            if last >= end:
                child.send_signal(signal.SIGKILL)
                break
        rest = [int(n) for n in child.stdout.read().split() if n.isdigit()]
        last = max([last, *rest])
        child.wait()
        assert sync(tmp_path, server.url, server.token) == 0
        (run,) = [r for r in server.runs() if r["name"] == f"killed-{round}"]
        record = server.record(run["runId"])
        rows = record.series("a")
        # The row after the last one that was told may have been logged.
        assert rows == [(i, float(i)) for i in range(len(rows))]
        assert last + 1 <= len(rows) <= last + 2
        assert record.series("rare") == [(i, float(i)) for i in range(0, len(rows), 50)]
        assert [m["text"] for m in record.of_type("media")] == [str(i) for i in range(0, len(rows), 200)][: len(record.of_type("media"))]
        assert record.alerts() == []
        assert list(tmp_path.iterdir()) == []


def test_kill_of_the_server_at_random_moments_loses_and_doubles_nothing(init, server):
    run = init(name="server killed")
    chance = random.Random(2)
    at = 0
    for _ in range(3):
        for _ in range(chance.randrange(50, 400)):
            run.log({"loss": at / 3, "even": float(at)} if at % 2 == 0 else {"loss": at / 3})
            at += 1
            time.sleep(0.001)
        server.kill()
        for _ in range(200):
            run.log({"loss": at / 3})
            at += 1
        server.start()
    run.log({"loss": at / 3})
    at += 1
    run.finish()
    record = server.record(run.id)
    assert record.series("loss") == [(i, i / 3) for i in range(at)]
    assert record.status == "finished"
    assert record.alerts() == []


def test_finish_waits_less_than_a_second_for_a_server_that_is_gone_and_sync_sends_the_rest(init, server, tmp_path, capfd):
    run = init(name="left alone")
    run.log({"loss": 1.0})
    assert run.wait_until_open()
    server.kill()
    for i in range(1000):
        run.log({"loss": float(i)})
    run.image("late", [[1, 2], [3, 4]])
    at = time.monotonic()
    run.finish()
    assert time.monotonic() - at < patience(1.0)
    assert "headroom sync" in capfd.readouterr().err
    server.start()
    assert sync(tmp_path / "spool", server.url, server.token) == 0
    record = server.record(run.id)
    assert record.series("loss") == [(0, 1.0)] + [(i + 1, float(i)) for i in range(1000)]
    assert record.status == "finished"
    assert [m["name"] for m in record.of_type("media")] == ["late"]


def test_the_rest_is_sent_when_no_thread_can_begin_as_while_the_interpreter_ends(server, tmp_path, monkeypatch):
    run = headroom.init(name="late thread", mode="offline", folder=tmp_path, system_seconds=None)
    run.log({"loss": 1.0})
    run.finish()
    start = threading.Thread.start

    def refused(thread):
        if thread.name == "headroom receiver":
            raise RuntimeError("can't create new thread at interpreter shutdown")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refused)
    assert sync(tmp_path, server.url, server.token) == 0
    (found,) = [r for r in server.runs() if r["name"] == "late thread"]
    assert server.record(found["runId"]).series("loss") == [(0, 1.0)]


def test_a_run_that_another_process_has_is_waited_for(server, settings, tmp_path, monkeypatch):
    child = script("import headroom, time\nrun = headroom.init(id='held', system_seconds=None)\nrun.log({'loss': 1.0})\ntime.sleep(600)", server, tmp_path)
    wait_for("the first", lambda: any(r["name"] == "held" and r["loss"] == 1.0 for r in server.runs()))
    monkeypatch.setattr(headroom, "_OPEN_SECONDS", 600.0)
    reasons: list[str] = []
    hear = Link._register

    def heard(link, socket):
        try:
            hear(link, socket)
        except LinkLost as error:
            reasons.append(str(error))
            child.kill()
            child.wait()
            raise

    monkeypatch.setattr("headroom.link.Link._register", heard)
    run = headroom.init(**settings, id="held", resume="must")
    run.finish()
    assert "is alive; end that first" in reasons[0]
    assert (run.resumed_step, server.record(run.id).run["attempt"]) == (1, 2)


def test_a_run_that_another_process_keeps_is_said(init, server, tmp_path, monkeypatch, capfd):
    child = script("import headroom, time\nrun = headroom.init(id='kept', system_seconds=None)\ntime.sleep(600)", server, tmp_path)
    wait_for("the first", lambda: any(r["name"] == "kept" for r in server.runs()))
    monkeypatch.setattr("headroom.link.AWAY_S", 0.5)
    monkeypatch.setattr(headroom, "_OPEN_SECONDS", 0.0)
    init(id="kept", resume="allow")
    said: list[str] = []
    wait_for("the reason", lambda: said.append(capfd.readouterr().err) or "is alive; end that first; what is logged is kept in" in "".join(said))
    child.kill()
    child.wait()


def test_keys_that_come_and_go_and_steps_that_go_back_give_exactly_what_was_logged(init, server):
    """A model of the rules in a few lines, against a run: any subset of the names, NaN and infinities, commit=False, rewind."""
    seed = random.SystemRandom().randrange(2**32)
    chance = random.Random(seed)
    run = init(name="keys")
    names = [f"n{k}" for k in range(12)]
    expected: dict[str, dict[int, float]] = {}
    step = 0
    for _ in range(3000):
        what = chance.random()
        if what < 0.01 and step > 10:
            step = chance.randrange(step)
            run.rewind(step)
            for kept in expected.values():
                for s in [s for s in kept if s >= step]:
                    del kept[s]
            continue
        if what < 0.1:
            step += chance.randrange(1, 1000)
        some = chance.sample(names, chance.choice([1, 2, 3, 12]))
        data = {name: chance.choice([chance.gauss(0, 1), chance.randrange(100), math.nan, math.inf, True]) for name in some}
        first, second = dict(list(data.items())[: len(data) // 2]), dict(list(data.items())[len(data) // 2 :])
        if chance.random() < 0.2:
            run.log(first, step, commit=False)
            run.log(second)
        else:
            run.log(data, step if chance.random() < 0.5 else None) if run._out.step == step else run.log(data, step)
        for name, value in data.items():
            expected.setdefault(name, {})[step] = float(value)
        step += 1
    run.finish()
    record = server.record(run.id)
    assert record.alerts() == []
    for name, values in expected.items():
        assert repr(record.series(name)) == repr(sorted(values.items())), (seed, name)


def test_a_wrong_token_is_said_and_does_not_hold_training_up(server, tmp_path, capfd):
    run = headroom.init(name="refused", server=server.url, token="wrong", folder=tmp_path, system_seconds=None)
    run.log({"loss": 1.0})
    wait_for("the warning", lambda: "token" in capfd.readouterr().err)
    at = time.monotonic()
    run.finish()
    assert time.monotonic() - at < patience(1.0)


def test_what_a_signal_handler_logs_in_the_middle_of_any_call_is_kept_and_harms_nothing(init, server):
    run = init(name="interrupted")
    count = 0

    def at_each_line(frame, kind, _):
        nonlocal count
        if "headroom" not in frame.f_code.co_filename:
            return None
        if kind == "line":
            # As Python runs a handler between two instructions of the main thread; no line is traced meanwhile.
            run.log({"handler": float(count)})
            count += 1
        return at_each_line

    calls = [{"loss": 1.0}, {"loss": 2.0}, {"loss": 3.0, "accuracy": 0.5}, {"accuracy": 0.6, "loss": 4.0}, {"loss": 5.0}]
    before = sys.gettrace()
    for data in calls:
        sys.settrace(at_each_line)
        try:
            run.log(data)
        finally:
            sys.settrace(before)
    run.finish()
    record = server.record(run.id)
    assert [value for _, value in record.series("loss")] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert [value for _, value in record.series("accuracy")] == [0.5, 0.6]
    assert sorted(value for _, value in record.series("handler")) == [float(i) for i in range(count)]
    assert (count > 100, record.alerts()) == (True, [])


@pytest.mark.parametrize("hours, words", [(-1, "1 hour behind"), (25, "1 day ahead of")])
def test_a_clock_that_is_wrong_is_said_on_the_run(init, server, monkeypatch, hours, words):
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + hours * 3600)
    run = init(name="wrong clock")
    for i in range(3):
        run.log({"loss": float(i)})
    run.finish()
    assert [words in alert for alert in server.record(run.id).alerts()] == [True]


def test_a_script_that_changes_its_directory_or_has_a_proxy_in_its_environment_loses_nothing(server, tmp_path, monkeypatch):
    (tmp_path / "outputs").mkdir()
    with monkeypatch.context() as script:
        for name in ("http_proxy", "HTTP_PROXY"):
            script.setenv(name, "http://127.0.0.1:9")
        for name in ("no_proxy", "NO_PROXY", "HEADROOM_SPOOL"):
            script.delenv(name, raising=False)
        script.chdir(tmp_path)
        run = headroom.init(name="moved", server=server.url, token=server.token, system_seconds=None)
        script.chdir(tmp_path / "outputs")
        run.log({"loss": 1.0})
        run.checkpoint(b"state")
        run.finish()
    record = server.record(run.id)
    assert (record.status, record.series("loss"), len(record.of_type("checkpoint"))) == ("finished", [(0, 1.0)], 1)
    assert (record.alerts(), list((tmp_path / ".headroom-runs").iterdir()), list((tmp_path / "outputs").iterdir())) == ([], [], [])


WEBSOCKET = "where a Headroom server opens a websocket"
PROXY = "check the address and its path; a proxy before it must pass on websockets (HTTP/1.1, with the header Upgrade)"


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (502, f"it answered 502 {WEBSOCKET}"),
        (404, f"it answered 404 {WEBSOCKET}; {PROXY}"),
        (308, f"it answered 308 {WEBSOCKET}; {PROXY}"),
        (301, "it redirects to https://rooms.example/lab; give that address, if it is a Headroom server's"),
    ],
)
def test_a_page_in_place_of_a_server_is_said_with_its_status(tmp_path, capfd, monkeypatch, status, reason):
    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("content-type", "text/html")
            if status == 301:
                self.send_header("location", f"https://rooms.example/lab{self.path}")
            if status == 308:
                # As our server does with a plain request for where it opens websockets.
                self.send_header("location", self.path.replace("/?", "?"))
            self.end_headers()
            self.wfile.write(b"<html><h1>502 Bad Gateway</h1></html>")

        def log_message(self, *words):
            pass

    monkeypatch.setattr("headroom.link.AWAY_S", 0.0)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{proxy.server_port}"
        run = headroom.init(name="proxied", server=url, token="some-token", folder=tmp_path, system_seconds=None)
        run.log({"loss": 1.0})
        said = ""

        def told() -> bool:
            nonlocal said
            said += capfd.readouterr().err
            return "\n" in said

        wait_for("the warning", told)
        run.finish()
        proxy.shutdown()
    said += capfd.readouterr().err
    (folder,) = tmp_path.iterdir()
    why = f"{url}: {reason}"
    assert said.splitlines() == [
        f"headroom: {why}; what is logged is kept in {folder}",
        f"headroom: the server has not got everything ({why}); the rest is kept in {folder}, `headroom sync` sends it",
    ]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_certificate_that_is_not_known_here_is_named_with_the_setting_that_helps(tmp_path):
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    making = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    more = ["-keyout", key, "-out", cert, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*making, *more], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as secure:
        secure.socket = context.wrap_socket(secure.socket, server_side=True)
        secure.handle_error = lambda *_: None
        threading.Thread(target=secure.serve_forever, daemon=True).start()
        with pytest.raises(LinkLost, match="self-signed certificate.*; name the file of the certificate that signed it in SSL_CERT_FILE$"):
            Socket(f"https://localhost:{secure.server_port}", "some-token", lambda *_: None)
        secure.shutdown()


def test_a_full_disk_costs_what_is_logged_meanwhile_and_nothing_else(init, server, monkeypatch, capfd):
    """A mapped file with a hole would end the process (SIGBUS) at the first write that finds no space."""
    run = init(name="full disk")
    run.log({"loss": 0.0}, step=0)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", full)
        for i in range(1, 60_000):
            run.log({"loss": float(i), **({f"new {i}": 1.0} if i % 10_000 == 0 else {})}, step=i)
    assert capfd.readouterr().err.count("No space left on device") == 1
    run._out._writer._no_space = None
    run.log({"loss": -1.0, "new 50000": 2.0}, step=60_000)
    run.finish()
    record = server.record(run.id)
    losses = record.series("loss")
    assert losses[-1] == (60_000, -1.0) and losses[:-1] == [(i, float(i)) for i in range(len(losses) - 1)]
    assert 10_000 < len(losses) < 59_000
    assert record.series("new 50000") == [(60_000, 2.0)]
    assert (record.status, record.alerts()) == ("finished", [])


def test_a_checkpoint_of_which_the_disk_took_a_part_leaves_the_disk_its_space(init, monkeypatch, capfd):
    run = init(name="part", mode="offline")

    def part(path, data):
        with path.open("wb") as file:
            file.write(data[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", part)
    run.checkpoint(b"x" * 1000)
    assert "checkpoint: [Errno 28] No space left on device; nothing can be kept in" in capfd.readouterr().err
    assert list((run._out.folder / "blobs").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_replaced_by_a_temporary_one(settings, server, tmp_path, monkeypatch, capfd):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "file").write_text("")
    run = headroom.init(name="moved", **{**settings, "folder": tmp_path / "file"})
    run.log({"loss": 1.0})
    run.finish()
    assert server.record(run.id).series("loss") == [(0, 1.0)]
    assert f"what is logged is kept in {tmp_path / 'headroom-runs'}" in capfd.readouterr().err


def test_a_folder_on_a_full_disk_is_replaced_by_a_temporary_one(init, server, tmp_path, monkeypatch, capfd):
    import tempfile

    allocate = os.posix_fallocate
    answers = iter([OSError(28, "No space left on device")])

    def once_full(*about):
        for error in answers:
            raise error
        allocate(*about)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "posix_fallocate", once_full)
    run = init(name="full at the start")
    run.log({"loss": 1.0})
    run.finish()
    assert server.record(run.id).series("loss") == [(0, 1.0)]
    assert f"No space left on device; what is logged is kept in {tmp_path / 'headroom-runs'}" in capfd.readouterr().err
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_connection_that_the_server_closes_is_closed_here_too():
    listener = socket.create_server(("127.0.0.1", 0))
    link: list[Socket] = []
    opening = threading.Thread(target=lambda: link.append(Socket(f"http://127.0.0.1:{listener.getsockname()[1]}", None, lambda *_: None)))
    opening.start()
    server, _ = listener.accept()
    server.settimeout(LIMIT_S)
    key = re.search(rb"Sec-WebSocket-Key: (\S+)", server.recv(4096)).group(1)
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    server.sendall(b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    for text in (b"0{}", b"40"):
        server.sendall(bytes([0x81, len(text)]) + text)
    opening.join(LIMIT_S)
    server.sendall(b"\x88\x02\x03\xe8")
    with pytest.raises(LinkLost):
        link[0].receive()
    link[0].close()
    while server.recv(4096):
        pass


def test_a_run_that_is_reopened_while_the_server_is_away_replaces_nothing(server, tmp_path):
    run = headroom.init(name="reopened", mode="offline", folder=tmp_path, system_seconds=None)
    for step in range(5):
        run.log({"loss": float(step)})
    run.finish()
    again = run.reopened()
    again.log({"test": 7.0, "loss": 9.0}, step=4)
    again.finish()
    assert sync(tmp_path, server.url, server.token) == 0
    (found,) = [r for r in server.runs() if r["name"] == "reopened"]
    record = server.record(found["runId"])
    assert (record.series("loss"), record.series("test")) == ([(s, float(s)) for s in range(5)], [(4, 7.0)])
    assert (record.status, record.of_type("rewind"), record.alerts()) == ("finished", [], [])


class SmallProxy:
    """Passes on what is sent to a server, except uploads above 1 MB, which it answers as nginx does, or with `answer`."""

    answer: bytes | None = b"HTTP/1.1 413 Too Large\r\nContent-Type: text/html\r\nContent-Length: 20\r\nConnection: close\r\n\r\n<html>no\n\n\n...</html>"

    def __init__(self, server) -> None:
        self.target = server.port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(here,), daemon=True).start()

    def _serve(self, here: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head and (part := here.recv(65536)):
            head += part
        length = re.search(rb"content-length: (\d+)", head, re.I)
        if self.answer and length and int(length[1]) > 2**20:
            left = int(length[1]) - len(head.split(b"\r\n\r\n", 1)[1])
            while left > 0 and (part := here.recv(65536)):
                left -= len(part)
            here.sendall(self.answer)
            return here.close()
        there = socket.create_connection(("127.0.0.1", self.target))
        there.sendall(head)
        threading.Thread(target=self._pipe, args=(there, here), daemon=True).start()
        self._pipe(here, there)

    @staticmethod
    def _pipe(one: socket.socket, other: socket.socket) -> None:
        try:
            while part := one.recv(65536):
                other.sendall(part)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_a_file_that_a_proxy_refuses_for_its_size_costs_only_itself(init, server, tmp_path, capfd):
    proxy = SmallProxy(server)
    run = init(project="faults", name="large", server=proxy.url)
    run.log({"loss": 1.0})
    for name, size in (("small", 2**19), ("large", 2**21)):
        (tmp_path / name).write_bytes(os.urandom(size))
        run.checkpoint(tmp_path / name)
    run.log({"loss": 0.5})
    run.finish()
    proxy.listener.close()
    record = server.record(run.id)
    why = "its 2,097,152 bytes were refused (413 with a web page, as a proxy before the server does): raise the proxy's limit, in nginx client_max_body_size"
    assert [record.status, record.series("loss"), [c["blob"]["bytes"] for c in record.of_type("checkpoint")]] == ["finished", [(0, 1.0), (1, 0.5)], [2**19]]
    assert record.alerts() == [f"the checkpoint of step 1 is left out: {why}"]
    assert capfd.readouterr().err == f"headroom: a file is left out: {why}\n"


def test_a_server_that_answers_and_cannot_store_a_file_is_said_with_the_reason(init, server, tmp_path, monkeypatch):
    monkeypatch.setattr("headroom.link.AWAY_S", 0.5)
    proxy = SmallProxy(server)
    proxy.answer = b"HTTP/1.1 507 Full\r\nContent-Type: text/plain\r\nContent-Length: 16\r\nConnection: close\r\n\r\nthe disk is full"
    run = init(project="faults", name="full", server=proxy.url)
    told: list[str] = []
    monkeypatch.setattr(run._out, "warn", lambda message, *_: told.append(message))
    run.log({"loss": 1.0})
    (tmp_path / "large").write_bytes(os.urandom(2**21))
    run.checkpoint(tmp_path / "large")
    wait_for("the reason", lambda: told)
    assert re.fullmatch(r"http://127.0.0.1:\d+: blob [0-9a-f]{64}: 507 the disk is full; what is logged is kept in .*", told[0])
    proxy.answer = None
    run.finish()
    proxy.listener.close()
    record = server.record(run.id)
    assert [record.status, [c["blob"]["bytes"] for c in record.of_type("checkpoint")], len(told)] == ["finished", [2**21], 1]
