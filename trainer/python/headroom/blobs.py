"""Bytes that events name, sent to the server before the events."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from .socketio import LinkLost, LinkRefused, is_here

PATIENCE_S = 30.0


class Blobs:
    """The files in a spool's folder `blobs`."""

    def __init__(self, folder: Path, server: str, token: str | None) -> None:
        self._folder = folder / "blobs"
        self._server = server
        self._token = token
        self._open = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if is_here(server) else [])).open
        self._known: dict[str, tuple[str, int]] = {}
        self._left_out: dict[str, str] = {}
        """Files that are too large to be sent, and why."""

    def hash_of(self, file: str) -> tuple[str, int]:
        """SHA-256 and size."""
        known = self._known.get(file)
        if known is None:
            sha = hashlib.sha256()
            size = 0
            with open(self._folder / file, "rb") as source:
                while chunk := source.read(1 << 20):
                    sha.update(chunk)
                    size += len(chunk)
            known = self._known[file] = (sha.hexdigest(), size)
        return known

    def forget(self, files: list[str]) -> None:
        """The events that name these files are stored: no others do."""
        for file in files:
            self._known.pop(file, None)
            self._left_out.pop(file, None)

    def named(self, event: dict[str, Any]) -> dict[str, Any]:
        """The event with hash and size instead of a file of the spool; an alert in its place if the file is too large to be sent."""
        out = dict(event)
        for name in ("blob", "pictures"):
            blob = out.get(name)
            if isinstance(blob, dict) and "file" in blob:
                why = self._left_out.get(blob["file"])
                if why is not None:
                    message = f"the {event['type']} of step {event['step']:,} is left out: {why}"
                    return {"type": "alert", "step": event["step"], "level": "warning", "kind": "left-out", "message": message}
                hash, size = self.hash_of(blob["file"])
                out[name] = {"hash": hash, "bytes": size}
        return out

    def put(self, file: str) -> str | None:
        """Returns None, or why the file is too large to be sent. Raises LinkLost (try again) or LinkRefused."""
        hash, size = self.hash_of(file)
        if file in self._left_out:
            return self._left_out[file]
        with open(self._folder / file, "rb") as source:
            request = urllib.request.Request(
                f"{self._server}/api/blobs/{hash}",
                data=source,
                method="PUT",
                headers={"Authorization": f"Bearer {self._token or ''}", "Content-Length": str(size), "Content-Type": "application/octet-stream"},
            )
            try:
                with self._open(request, timeout=PATIENCE_S) as answer:
                    answer.read()
                    return None
            except urllib.error.HTTPError as error:
                said = error.read()[:300].decode("utf-8", "replace").strip()
                hint = ""
                if "html" in error.headers.get("Content-Type", ""):
                    said = "with a web page, as a proxy before the server does"
                    hint = ": raise the proxy's limit, in nginx client_max_body_size"
                if error.code in (408, 429) or error.code >= 500:
                    raise LinkLost(f"blob {hash}: {error.code} {said}") from error
                if error.code != 413:
                    raise LinkRefused(f"blob {hash}: {error.code} {said}") from error
                self._left_out[file] = why = f"its {size:,} bytes were refused (413 {said}){hint}"
                return why
            except OSError as error:
                raise LinkLost(f"blob {hash}: {error}") from error
