"""What the host reads from the app's host.json. Settings it does not know are left to Azure."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devtools.host.dispatcher import Limits


class HostJsonError(Exception):
    """host.json cannot be used; the text says why."""


@dataclass(frozen=True)
class HostSettings:
    """Settings with the defaults of the real host, but for the concurrency, which there depends on the machine."""

    route_prefix: str = "api"
    task_hub: str = "TestHubName"
    limits: Limits = field(default_factory=Limits)


def read_host_settings(app_folder: Path) -> HostSettings:
    """The settings of the app in that folder. Raises HostJsonError."""
    path = app_folder / "host.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise HostJsonError(f"There is no host.json in {app_folder}.") from error
    except ValueError as error:
        raise HostJsonError(f"{path} is not JSON: {error}") from error
    defaults = HostSettings()
    extensions = _section(document, "extensions", path)
    http = _section(extensions, "http", path)
    durable = _section(extensions, "durableTask", path)
    return HostSettings(
        route_prefix=str(http.get("routePrefix", defaults.route_prefix)).strip("/"),
        task_hub=str(durable.get("hubName", defaults.task_hub)),
        limits=Limits(
            activities=_limit(durable, "maxConcurrentActivityFunctions", defaults.limits.activities, path),
            orchestrators=_limit(durable, "maxConcurrentOrchestratorFunctions", defaults.limits.orchestrators, path),
        ),
    )


def _section(parent: Any, name: str, path: Path) -> dict[str, Any]:
    section = parent.get(name, {}) if isinstance(parent, dict) else None
    if not isinstance(section, dict):
        raise HostJsonError(f"In {path}, {name!r} must be an object.")
    return section


def _limit(section: dict[str, Any], name: str, default: int, path: Path) -> int:
    limit = section.get(name, default)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise HostJsonError(f"In {path}, {name!r} must be a whole number of at least 1.")
    return limit
