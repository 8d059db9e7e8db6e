"""What the host reads from the app's host.json, and from the environment variables that override it.

As there, names are read whatever their case, and `AzureFunctionsJobHost__extensions__http__routePrefix=v1` in the
environment wins over the file (Azure/azure-functions-host, `Configuration/HostJsonFileConfigurationSource.cs`).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from devtools.host.dispatcher import Limits
from devtools.host.host_json_names import unknown_names

_OVERRIDE = "azurefunctionsjobhost__"
_DURATION = re.compile(r"(?:(\d+)\.)?(\d{1,2}):([0-5]?\d):([0-5]?\d)")
# Minus one day in its two forms; the real host takes no other negative time.
_UNLIMITED = {"-1", "-1.00:00:00"}
# A name for tables, queues and containers is made of it (Azure Storage backend).
_HUB = re.compile(r"[A-Za-z][A-Za-z0-9]{2,44}")


class HostJsonError(Exception):
    """host.json cannot be used; the text says why."""


@dataclass(frozen=True)
class HostSettings:
    """Settings with the defaults of the real host, but for the concurrency, which there depends on the machine.

    `function_timeout` is None where functions may run for ever; `queues` is the section of that name as it stands.
    """

    route_prefix: str = "api"
    task_hub: str = "TestHubName"
    limits: Limits = field(default_factory=Limits)
    function_timeout: timedelta | None = timedelta(minutes=30)
    queues: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def read_host_settings(app_folder: Path, environ: Mapping[str, str] | None = None) -> HostSettings:
    """The settings of the app in that folder, overridden by these variables. Raises HostJsonError."""
    path = app_folder / "host.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise HostJsonError(f"There is no host.json in {app_folder}.") from error
    except ValueError as error:
        raise HostJsonError(f"{path} is not JSON: {error}") from error
    warnings = tuple(unknown_names(document))
    document = _merged(_lower(document), _overrides(environ or {}))
    if not isinstance(document, dict) or str(document.get("version")) != "2.0":
        raise HostJsonError(f'{path} must have "version": "2.0".')
    defaults = HostSettings()
    extensions = _section(document, "extensions", path)
    http = _section(extensions, "http", path)
    durable = _section(extensions, "durabletask", path)
    hub = str(durable.get("hubname", defaults.task_hub))
    if not _HUB.fullmatch(hub):
        raise HostJsonError(
            f"In {path}, 'hubName' must be 3 to 45 letters and digits, the first a letter; not {hub!r}."
        )
    return HostSettings(
        route_prefix=str(http.get("routeprefix", defaults.route_prefix)).strip("/"),
        task_hub=hub,
        limits=Limits(
            activities=_limit(durable, "maxConcurrentActivityFunctions", defaults.limits.activities, path),
            orchestrators=_limit(durable, "maxConcurrentOrchestratorFunctions", defaults.limits.orchestrators, path),
        ),
        function_timeout=_timeout(document, path),
        queues=_section(extensions, "queues", path),
        warnings=warnings,
    )


def duration(text: str) -> timedelta:
    """`hh:mm:ss` or `d.hh:mm:ss`. Raises ValueError."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no duration (hh:mm:ss)")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _lower(value: Any) -> Any:
    """The same with names in lower case: the host ignores it."""
    return {name.lower(): _lower(item) for name, item in value.items()} if isinstance(value, dict) else value


def _overrides(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, text in environ.items():
        plain = name.lower().replace(":", "__")
        if not plain.startswith(_OVERRIDE):
            continue
        *sections, last = plain.removeprefix(_OVERRIDE).split("__")
        at = found
        for section in sections:
            at = at.setdefault(section, {})
        at[last] = _scalar(text)
    return found


def _scalar(text: str) -> Any:
    """A number or a boolean where the text is one."""
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    return {"true": True, "false": False}.get(text.lower(), text)


def _merged(document: Any, overrides: Mapping[str, Any]) -> Any:
    if not isinstance(document, dict):
        return document
    merged = dict(document)
    for name, value in overrides.items():
        merged[name] = _merged(merged.get(name, {}), value) if isinstance(value, dict) else value
    return merged


def _section(parent: Any, name: str, path: Path) -> dict[str, Any]:
    section = parent.get(name, {}) if isinstance(parent, dict) else None
    if not isinstance(section, dict):
        raise HostJsonError(f"In {path}, {name!r} must be an object.")
    return section


def _limit(section: dict[str, Any], name: str, default: int, path: Path) -> int:
    limit = section.get(name.lower(), default)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise HostJsonError(f"In {path}, {name!r} must be a whole number of at least 1.")
    return limit


def _timeout(document: Mapping[str, Any], path: Path) -> timedelta | None:
    text = document.get("functiontimeout")
    if text is None:
        return HostSettings().function_timeout
    if str(text) in _UNLIMITED:
        return None
    try:
        timeout = duration(str(text))
    except ValueError as error:
        raise HostJsonError(f"In {path}, 'functionTimeout' cannot be read: {error}, -1 for none.") from error
    if not timeout:
        raise HostJsonError(f"In {path}, 'functionTimeout' must be longer than nothing; -1 is none.")
    return timeout
