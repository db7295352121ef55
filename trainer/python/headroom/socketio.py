"""The part of Engine.IO 4 and socket.io 5 that the trainers' link needs, over one websocket.

Engine.IO packets are websocket frames: text "0{...}" open, "2" ping, "3" pong, "4..." message; a binary frame is the data of the message before it.
socket.io packets are messages: "0" connect, "1" disconnect, "2[id][...]" event, "3<id>[...]" acknowledgement, "4{...}" refused, "5<n>-[id][...]" event with n binaries.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
from email.utils import formatdate
from typing import Any, Callable
from urllib.parse import urlsplit

import websocket  # websocket-client


class LinkRefused(Exception):
    """The server refuses the connection; the message is the server's reason."""


class LinkLost(Exception):
    """The connection is lost."""


def is_here(server: str) -> bool:
    """A server on this machine: a proxy of the environment (http_proxy) cannot reach it."""
    return re.fullmatch(r"localhost|::1|127(\.\d{1,3}){3}", urlsplit(server).hostname or "") is not None


class Socket:
    """One connection. `receive` is called by one thread; the others may send."""

    def __init__(self, server: str, token: str | None, on_event: Callable[[str, Any], None], timeout: float = 10.0) -> None:
        url = urlsplit(server)
        scheme = "wss" if url.scheme == "https" else "ws"
        address = f"{scheme}://{url.netloc}{url.path}/trainer/?EIO=4&transport=websocket"
        # From the date the server learns that the clock of this machine is wrong.
        header = [f"Date: {formatdate(usegmt=True)}"] + ([f"Authorization: Bearer {token}"] if token else [])
        self._on_event = on_event
        self._acks: dict[int, Callable[[Any], None]] = {}
        self._last_id = -1
        self._lock = threading.Lock()
        self._ws = websocket.WebSocket(enable_multithread=True)
        self._ws.settimeout(timeout)
        try:
            # Without arguments for a proxy, the library takes that of the environment.
            direct: dict[str, Any] = {"http_proxy_host": "none", "http_proxy_port": 1, "http_no_proxy": [url.hostname]} if is_here(server) else {}
            self._ws.connect(address, header=header, suppress_origin=True, redirect_limit=0, **direct)
            hello = self._text(self._ws.recv())
            if not hello.startswith("0"):
                raise LinkLost(f"the server said {hello[:40]!r} and not that the connection is open")
            about = json.loads(hello[1:])
            # No data for longer than ping interval and timeout: the connection is dead.
            self._silence = (about.get("pingInterval", 25000) + about.get("pingTimeout", 20000)) / 1000
            self._ws.send("40")
            while True:
                answer = self._text(self._ws.recv())
                if answer == "2":
                    self._ws.send("3")
                elif answer.startswith("40"):
                    break
                elif answer.startswith("44"):
                    raise LinkRefused(json.loads(answer[2:]).get("message", "refused"))
                else:
                    raise LinkLost(f"the server said {answer[:40]!r} where it should let us in")
            self._ws.settimeout(self._silence)
        except LinkRefused:
            self.close()
            raise
        except (OSError, ValueError, websocket.WebSocketException) as error:
            self.close()
            response = self._ws.handshake_response
            location = (response.headers or {}).get("location") if response is not None else None
            # Our server answers so, without the slash at the end, when a proxy has made a plain request of a websocket's.
            if location and (elsewhere := location.split("/trainer")[0]) not in (url.path, server):
                raise LinkLost(f"it redirects to {elsewhere}; give that address, if it is a Headroom server's") from error
            status = response.status if response is not None and location else getattr(error, "status_code", None)
            hint = "" if (status or 500) >= 500 else "; check the address and its path; a proxy before it must pass on websockets (HTTP/1.1, with the header Upgrade)"
            if not status:
                hint = "; name the file of the certificate that signed it in SSL_CERT_FILE" if isinstance(error, ssl.SSLCertVerificationError) else ""
            raise LinkLost(f"it answered {status} where a Headroom server opens a websocket{hint}" if status else f"{error}{hint}") from error

    @staticmethod
    def _text(frame: Any) -> str:
        return frame.decode("utf-8") if isinstance(frame, bytes) else str(frame)

    def emit(self, name: str, payload: Any = None, ack: Callable[[Any], None] | None = None) -> None:
        """Sends an event; a `payload` of bytes is sent as one binary. The receiving thread calls `ack` with the answer. Raises LinkLost."""
        with self._lock:
            number = ""
            if ack is not None:
                self._last_id += 1
                self._acks[self._last_id] = ack
                number = str(self._last_id)
            try:
                if isinstance(payload, (bytes, bytearray)):
                    placeholder = json.dumps([name, {"_placeholder": True, "num": 0}], separators=(",", ":"))
                    self._ws.send(f"451-{number}{placeholder}")
                    self._ws.send_binary(bytes(payload))
                else:
                    said = [name] if payload is None else [name, payload]
                    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
                    # A server refuses half of a character (a surrogate without its pair), and all that comes with it.
                    self._ws.send(f"42{number}{text.encode('utf-8', 'replace').decode()}")
            except (OSError, websocket.WebSocketException) as error:
                raise LinkLost(str(error)) from error

    def receive(self) -> None:
        """Reads one frame and handles it. Blocks. Raises LinkLost."""
        try:
            frame = self._ws.recv()
        except (OSError, websocket.WebSocketException) as error:
            raise LinkLost(str(error) or "no sign of life") from error
        text = self._text(frame)
        if text == "":
            raise LinkLost("the server ended the connection")
        if text == "2":
            with self._lock:
                try:
                    self._ws.send("3")
                except (OSError, websocket.WebSocketException) as error:
                    raise LinkLost(str(error)) from error
        elif text.startswith("42"):
            said = json.loads(text[2:].lstrip("0123456789"))
            self._on_event(said[0], said[1] if len(said) > 1 else None)
        elif text.startswith("43"):
            body = text[2:]
            at = body.index("[")
            said = json.loads(body[at:])
            with self._lock:
                ack = self._acks.pop(int(body[:at]), None)
            if ack:
                ack(said[0] if said else None)
        elif text.startswith("41") or text.startswith("1"):
            raise LinkLost("the server ended the connection")

    def leave(self) -> None:
        """In a forked process: gives up its share of the connection, which goes on."""
        if (sock := getattr(self, "_ws", None) and self._ws.sock) is not None:
            sock.close()

    def close(self) -> None:
        try:
            self._ws.close(timeout=0)
            # After the server's own close frame, `close` leaves the connection open, and the server waits for its end.
            self._ws.shutdown()
        except Exception:
            pass
