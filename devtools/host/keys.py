"""Keys of the app's endpoints, as the real host has them: who may call what, and where the keys are kept.

The rules are those of Azure/azure-functions-host, `Security/Authentication/Keys/AuthenticationLevelHandler.cs` and
`Security/Authorization/AuthUtility.cs`; the files have the form of its repository of secrets on disk.
"""

import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from hmac import compare_digest
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from starlette.datastructures import Headers, QueryParams
from typing_extensions import TypedDict  # pydantic wants this one below Python 3.12

from devtools.host.catalog import AppFunction

HEADER = "x-functions-key"
PARAMETER = "code"
SYSTEM_KEY = "durabletask_extension"
"""The key that the Durable extension's endpoints ask for."""

_KEY_BYTES = 40
_DEFAULT = "default"


class _Key(TypedDict):
    name: str
    value: Annotated[str, Field(min_length=1)]


class _HostFile(TypedDict):
    masterKey: _Key
    functionKeys: list[_Key]
    systemKeys: list[_Key]


class _FunctionFile(TypedDict):
    keys: list[_Key]


_HOST_FORM = TypeAdapter(_HostFile)
_FUNCTION_FORM = TypeAdapter(_FunctionFile)


class KeysError(Exception):
    """A file of keys cannot be read; the text says which and why."""


class Level(Enum):
    """What a key opens: function keys one function or all, the system key the extension, the master key everything."""

    ANONYMOUS = "anonymous"
    FUNCTION = "function"
    SYSTEM = "system"
    ADMIN = "admin"


@dataclass(frozen=True)
class Keys:
    """The values of the keys of one app; `of_function` are those of single functions by lower-case name.

    `others` are system keys of other extensions: they open nothing here.
    """

    master: str
    system: str
    functions: tuple[str, ...]
    of_function: Mapping[str, tuple[str, ...]]
    others: tuple[str, ...] = ()

    def level(self, key: str, function: str | None = None) -> Level:
        """What a key opens, at that function where one is asked for. Takes the same time whatever the key is like."""
        own = self.of_function.get(function.lower(), ()) if function else ()
        is_function = _is_among(key, (*self.functions, *own))
        is_system = _is_among(key, (self.system,))
        if _is_among(key, (self.master,)):
            return Level.ADMIN
        if is_system:
            return Level.SYSTEM
        return Level.FUNCTION if is_function else Level.ANONYMOUS

    def open(self, wanted: Level, key: str | None, function: str | None = None) -> bool:
        """Whether a key opens what wants that level: the master key always does, any other where that is its level."""
        if wanted is Level.ANONYMOUS:
            return True
        level = self.level(key, function) if key else Level.ANONYMOUS
        return level in {Level.ADMIN, wanted}

    def know(self, key: str | None) -> bool:
        """Whether it is a key of the host: any but a single function's."""
        return bool(key) and _is_among(key or "", (self.master, self.system, *self.others, *self.functions))


def key_of(headers: Headers, query: QueryParams) -> str | None:
    """The key that a request carries: the header's wins, even over a right one in the query; of several the first.

    Names in the query are read whatever their case, as the real host's framework does.
    """
    if HEADER in headers:
        return headers[HEADER]
    return next((value for name, value in query.multi_items() if name.lower() == PARAMETER), None)


def level_of(function: AppFunction) -> Level:
    """The level that an HTTP function asks for."""
    return Level[str(function.trigger.get("authLevel") or "function").upper()]


def read_keys(folder: Path, functions: Iterable[AppFunction]) -> Keys:
    """The keys in a folder, made where they are missing: `host.json`, and a file for each HTTP function.

    Raises KeysError, OSError.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    host = _read(folder / "host.json", _new_host_keys)
    own = {
        function.name.lower(): _values(_read(folder / f"{function.name.lower()}.json", _new_function_keys), "keys")
        for function in functions
    }
    system = next((key["value"] for key in host["systemKeys"] if key["name"] == SYSTEM_KEY), None)
    if system is None:
        raise KeysError(f"{folder / 'host.json'} has no system key {SYSTEM_KEY!r}.")
    others = tuple(key["value"] for key in host["systemKeys"] if key["name"] != SYSTEM_KEY)
    return Keys(host["masterKey"]["value"], system, _values(host, "functionKeys"), own, others)


def _values(document: Any, name: str) -> tuple[str, ...]:
    return tuple(key["value"] for key in document[name])


def _read(path: Path, new: Callable[[], Any]) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return _kept(path, new())
    form = _FUNCTION_FORM if path.name != "host.json" else _HOST_FORM
    try:
        form.validate_python(document := json.loads(text))
    except ValueError as error:  # pydantic's is one, too
        # Not its own words: they would show the keys.
        raise KeysError(f"{path} is no file of keys, which the host makes where there is none.") from error
    return document


def _kept(path: Path, document: Any) -> Any:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2)
    return document


def _new_host_keys() -> Any:
    return {"masterKey": _new("master"), "functionKeys": [_new(_DEFAULT)], "systemKeys": [_new(SYSTEM_KEY)]}


def _new_function_keys() -> Any:
    return {"keys": [_new(_DEFAULT)]}


def _new(name: str) -> dict[str, Any]:
    return {"name": name, "value": secrets.token_urlsafe(_KEY_BYTES), "encrypted": False}


def _is_among(key: str, values: Iterable[str]) -> bool:
    """Compare with every one, each in constant time."""
    found = [compare_digest(key.encode(), value.encode()) for value in values]
    return any(found)
