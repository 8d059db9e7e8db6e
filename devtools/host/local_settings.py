"""`local.settings.json`, as Core Tools read it: app settings, and how the host is to be started.

`Values` become environment variables, those that are set already win. `Host` has the port and the origins of CORS.
"""

import json
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devtools.host.cors import CorsError, CorsPolicy

LOCAL_SETTINGS = "local.settings.json"
ANY_PORT = range(1, 65536)


class SettingsFileError(Exception):
    """A settings file cannot be used; the text is one sentence."""


@dataclass(frozen=True)
class HostStart:
    """How a settings file wants the host started: its section `Host`, by the names that Core Tools read."""

    port: int | None = None
    cors: str = ""
    cors_credentials: bool = False

    @property
    def options(self) -> list[str]:
        """The command line of `devtools.host` for all but the port."""
        origins = [f"--cors={self.cors}"] if self.cors else []
        return [*origins, *(["--cors-credentials"] if self.cors_credentials else [])]


def hand_over(values: Mapping[str, str], environ: MutableMapping[str, str]) -> list[str]:
    """Put values into an environment that does not have them; returns the names of those that it had, which win.

    What is set to nothing does not win (Azure/azure-functions-core-tools, `StartHostAction.cs`).
    """
    kept = sorted(name for name in values if environ.get(name))
    environ.update({name: value for name, value in values.items() if not environ.get(name)})
    return kept


def load_app_settings(path: Path) -> dict[str, str]:
    """What `func start` hands over to the app: the `Values`, which need not be there. Raises SettingsFileError.

    Values of which the file does not say that they are not encrypted are refused: Core Tools try to decrypt them
    (Azure/azure-functions-core-tools, `Common/AppSettingsFile.cs`).
    """
    document = _document(path)
    if not isinstance(document, dict):
        raise SettingsFileError(f"{path} must be an object.")
    if not document.get("Values"):
        return {}
    if document.get("IsEncrypted") is not False:
        raise SettingsFileError(f'{path} must say "IsEncrypted": false; otherwise its values count as encrypted.')
    return load_values(path)


def load_values(path: Path) -> dict[str, str]:
    """The `Values` of the file, by name. Raises SettingsFileError."""
    try:
        values = _document(path)["Values"]
    except (KeyError, TypeError):
        raise SettingsFileError(f'{path} has no "Values".') from None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise SettingsFileError(f'The "Values" of {path} must be an object of strings.')
    return values


def load_host_start(path: Path) -> HostStart:
    """The section `Host` of the file, which need not be there. Raises SettingsFileError."""
    document = _document(path)
    section = document.get("Host", {}) if isinstance(document, dict) else {}
    if not isinstance(section, dict):
        raise SettingsFileError(f'The "Host" of {path} must be an object.')
    port, cors = section.get("LocalHttpPort"), section.get("CORS", "")
    credentials = section.get("CORSCredentials", False)
    if port is not None and (type(port) is not int or port not in ANY_PORT):
        raise SettingsFileError(f'"Host.LocalHttpPort" of {path} must be a port, 1 to 65535.')
    if not isinstance(cors, str):
        raise SettingsFileError(f'"Host.CORS" of {path} must be a string: origins separated by commas.')
    if not isinstance(credentials, bool):
        raise SettingsFileError(f'"Host.CORSCredentials" of {path} must be true or false.')
    try:
        CorsPolicy.from_text(cors, credentials=credentials)
    except CorsError as error:
        raise SettingsFileError(f'"Host.CORS" of {path} cannot be used. {error}') from error
    return HostStart(port, cors, credentials)


def _document(path: Path) -> Any:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsFileError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SettingsFileError(f"{path} is not JSON: {error}.") from error
    if isinstance(document, dict) and document.get("IsEncrypted"):
        raise SettingsFileError(f"{path} is encrypted; only Core Tools can read it (func settings decrypt).")
    return document
