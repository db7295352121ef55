"""The settings of a run as a script reads and writes them."""

from __future__ import annotations

import copy
import json
import re
from typing import Any, Callable, Mapping, Sequence

from .numbers import MAX_DEPTH, cut, plain
from .outbox import Outbox
from .say import say
from .settings import SettingsError


class Config(dict[str, Any]):
    """A dict with `config.lr` for `config["lr"]`. `changed` is called after each change of the dict itself. Copied and pickled it is a dict of its own."""

    def __init__(self, values: Mapping[str, Any], changed: Callable[[], None]) -> None:
        super().__init__(values)
        object.__setattr__(self, "_changed", changed)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        if name not in self:
            raise AttributeError(name)
        del self[name]

    def __deepcopy__(self, memo: dict[int, Any]) -> "Config":
        return Config(copy.deepcopy(dict(self), memo), lambda: None)

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


def _noticed(name: str) -> Any:
    change = getattr(dict, name)

    def method(self: Config, *args: Any, **more: Any) -> Any:
        result = change(self, *args, **more)
        self._changed()
        return result

    return method


for _name in ("__setitem__", "__delitem__", "__ior__", "clear", "pop", "popitem", "setdefault", "update"):
    setattr(Config, _name, _noticed(_name))


def state_of(value: Any, depth: int = 0) -> Any:
    """What is compared to notice a change, also one inside a nested dict or list."""
    if isinstance(value, (Mapping, list, tuple)) and depth and (depth > MAX_DEPTH or len(value) > 1000):
        return id(value)
    if isinstance(value, Mapping):
        return {str(k): state_of(v, depth + 1) for k, v in list(value.items())}
    if isinstance(value, (list, tuple)):
        return [state_of(v, depth + 1) for v in list(value)]
    return type(value), value if isinstance(value, (str, int, float)) else id(value)


class ToldConfig:
    """The config of a run, and what the server was told of it: a later change is an event."""

    def __init__(self, values: Mapping[str, Any], out: Outbox, told: bool) -> None:
        """told: the server will read the config of now from the spool; else it is told when it opens the run (`to_open`)."""
        self.config = Config(values, self.notice)
        self._out = out
        self._told = told
        self._state = state_of(self.config)

    def notice(self) -> None:
        """Says what has changed. Never raises."""
        if not self._told or self._out.ended:
            return
        try:
            with self._out.lock:
                now, before = state_of(self.config), self._state
                self._state = now
                changed = {name: v for name, v in list(self.config.items()) if before.get(str(name), before) != now.get(str(name))}
                removed = [name for name in before if name not in now]
                if changed or removed:
                    self._out.say({"type": "setup", **({"config": fitted(changed, self._out.warn)} if changed else {}), **({"removed": removed} if removed else {})})
        except Exception as error:
            self._out.failed("config", error)

    def as_json(self) -> dict[str, Any]:
        return fitted(self.config, self._out.warn)

    def to_open(self) -> dict[str, Any]:
        with self._out.lock:
            self._told = True
            self._state = state_of(self.config)
        return self.as_json()


UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
"""What nobody sees in a name, and the server refuses there (shared/ids.ts)."""
MAX_BYTES = 64 * 1024
"""Of a config as JSON."""
NAMES_BYTES = 4096
"""Room for the names of what is left out."""
MAX_TAGS = 50


def fitted(config: Mapping[str, Any], warn: Callable[[str], None]) -> dict[str, Any]:
    """The config as JSON data. Where it is too large, its largest values are left out, and it says which."""
    values: dict[str, Any] = plain(dict(config))
    left_out = _shrink(values, MAX_BYTES - NAMES_BYTES, "") if _bytes(values) > MAX_BYTES else []
    if left_out:
        values["left out"] = left_out[:20]
        warn(f"config: more than {MAX_BYTES} bytes as JSON; left out: {', '.join(left_out[:20])}")
    return values


def _shrink(values: dict[str, Any], most: int, path: str) -> list[str]:
    """Removes the largest values until at most `most` bytes are left. Returns their names."""
    sizes = {name: _bytes({name: value}) for name, value in values.items()}
    total = sum(sizes.values())
    removed = []
    for name in sorted(sizes, key=lambda n: -sizes[n]):
        if total <= most:
            break
        rest = total - sizes[name]
        value = values[name]
        if isinstance(value, dict) and len(value) <= 100 and rest < most:
            # A part of it fits.
            removed += _shrink(value, most - rest - _bytes(name) - 8, f"{path}{name}.")
            total = rest + _bytes({name: value})
        else:
            removed.append(cut(path + name, 100))
            total = rest
            del values[name]
    return removed


def _bytes(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def as_dict(values: Any) -> dict[str, Any]:
    """A dict of a mapping, or of the fields of an object such as argparse's namespace."""
    if values is None or isinstance(values, Mapping):
        return dict(values or {})
    if hasattr(values, "__dict__"):
        return dict(vars(values))
    raise SettingsError(f"config: {type(values).__name__} is no dict of settings")


def made_setup(
    name: Any, project: Any, config: Any, group: Any, job_type: Any, tags: Sequence[Any] | str | None, notes: Any
) -> dict[str, Any]:
    """What a run starts with, in the form of the protocol; a text that is too long is cut, with a visible line."""

    def text(field: str, value: Any, most: int) -> str:
        whole = str(value).strip()
        if field != "notes":
            whole = UNSEEN.sub("", re.sub(r"[\t-\r]+", " ", whole)).strip()
        if (short := cut(whole, most).strip()) != whole:
            say(f"{field}: cut to its first {most} characters")
        return short

    setup: dict[str, Any] = {"name": text("name", name, 80) or "run", "project": text("project", project, 80) or "default", "config": as_dict(config)}
    for field, argument, value, most in (("group", "group", group, 128), ("jobType", "job_type", job_type, 64), ("notes", "notes", notes, 4000)):
        if value is not None and (said := text(argument, value, most)):
            setup[field] = said
    try:
        given = [text("tags", tag, 40) for tag in ([tags] if isinstance(tags, str) else tags or ())]
    except TypeError:
        raise SettingsError(f"tags: {tags!r} is no list of texts") from None
    own = [tag for tag in dict.fromkeys(given) if tag]
    if len(own) > MAX_TAGS:
        say(f"tags: only the first {MAX_TAGS} of {len(own)} are taken")
    setup["tags"] = own[:MAX_TAGS]
    return setup
