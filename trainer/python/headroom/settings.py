"""Server address and token: from the argument, then the environment, then the file of `headroom login`."""

from __future__ import annotations

import difflib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .say import say

DEFAULT_SERVER = "http://127.0.0.1:3000"
MODES = ("online", "offline", "disabled")
# Settings of every part of Headroom, as in shared/settingNames.ts: what begins with HEADROOM_ and is none of them is a slip.
NAMES = """HEADROOM_ADDRESS HEADROOM_BACKEND HEADROOM_BASE_PATH HEADROOM_CIFAR100_URL HEADROOM_DATA HEADROOM_LOGIN HEADROOM_MODE
HEADROOM_OIDC_ALLOW HEADROOM_OIDC_CLIENT_ID HEADROOM_OIDC_CLIENT_SECRET HEADROOM_OIDC_ISSUER HEADROOM_OIDC_NAME
HEADROOM_PAGES HEADROOM_PARENT HEADROOM_PRIVATE_WEBHOOKS HEADROOM_PROJECT HEADROOM_RECIPES HEADROOM_RELAY_OF HEADROOM_RESNET34_URL
HEADROOM_SERVER HEADROOM_SILENT_MINUTES HEADROOM_SPOOL HEADROOM_SPOOL_BYTES HEADROOM_THREADS HEADROOM_TOKEN HEADROOM_TRAINERS
HEADROOM_TRAINER_NAME HEADROOM_TRAINER_TOKEN""".split()


class SettingsError(ValueError):
    """An invalid setting; the message names it and what would fit."""


@dataclass(frozen=True)
class Settings:
    server: str
    token: str | None
    mode: str
    folder: Path


def settings_file() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return Path(base) / "headroom" / "settings.json"


def _kept() -> dict[str, str]:
    try:
        found = json.loads(settings_file().read_text("utf-8"))
        return {k: v for k, v in found.items() if isinstance(v, str)}
    except (OSError, ValueError, AttributeError):
        return {}


def _own_server_token() -> str | None:
    """The token of a server on the same machine, which keeps it in its data folder."""
    folder = os.environ.get("HEADROOM_DATA", ".headroom")
    try:
        return (Path(folder) / "trainer.token").read_text("utf-8").strip() or None
    except OSError:
        return None


def _say_unknown() -> None:
    for name in os.environ:
        if not name.startswith("HEADROOM_") or name in NAMES or name in _said:
            continue
        _said.add(name)
        close = difflib.get_close_matches(name, NAMES, 1, 0.8)
        say(f"{name}: there is no such setting, so it has no effect{f'; did you mean {close[0]}?' if close else ''}")


_said: set[str] = set()


def read_settings(
    server: str | None = None,
    token: str | None = None,
    mode: str | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> Settings:
    """Raises SettingsError with the name of the setting; says once which variables nothing reads."""
    _say_unknown()
    kept = _kept()
    env = os.environ.get
    by_env = not server and bool(env("HEADROOM_SERVER"))
    chosen_server = checked_server(server or env("HEADROOM_SERVER") or kept.get("server") or DEFAULT_SERVER, "HEADROOM_SERVER" if by_env else "server")
    same = kept.get("server") == chosen_server or "server" not in kept
    chosen_token = (token or env("HEADROOM_TRAINER_TOKEN") or (kept.get("token") if same else None) or _own_server_token() or "").strip() or None
    if chosen_token and not (chosen_token.isascii() and chosen_token.isprintable() and " " not in chosen_token):
        raise SettingsError(f"{'token' if token else 'HEADROOM_TRAINER_TOKEN'}: it has characters that no token has; copy it again")
    chosen_mode = mode or env("HEADROOM_MODE") or "online"
    if chosen_mode not in MODES:
        raise SettingsError(f'{"mode" if mode else "HEADROOM_MODE"}: "{chosen_mode}" is none of {", ".join(MODES)}')
    chosen_folder = Path(folder or env("HEADROOM_SPOOL") or ".headroom-runs")
    return Settings(chosen_server, chosen_token, chosen_mode, chosen_folder)


def checked_server(server: str, setting: str = "server") -> str:
    """The address without what surrounds it. Raises SettingsError, which names `setting`."""
    try:
        url = urlsplit(server.strip())
        if url.scheme in ("http", "https") and url.hostname and url.port != 0 and not (url.query or url.fragment):
            return server.strip().rstrip("/")
    except ValueError:
        # Of the port, or of an IPv6 address.
        pass
    raise SettingsError(f'{setting}: "{server}" is no address; give one like {DEFAULT_SERVER}')


def keep_login(server: str, token: str) -> Path:
    """Writes the file of `headroom login`, readable only by its owner."""
    file = settings_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    own = file.with_suffix(f".{os.getpid()}")
    descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump({"server": checked_server(server), "token": token}, out)
    os.replace(own, file)
    return file
