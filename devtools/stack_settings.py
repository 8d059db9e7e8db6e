"""The environment variables that the app gets from the local stack.

As with Core Tools, the `Values` of a settings file are the base and the caller's own variables win over them, with one
exception: whatever names an upstream or a storage account never comes from the caller's shell. A developer with a real
key in the environment must not pay for a demo, nor write into a real account.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devtools.environment import ROOT
from devtools.host.cors import CorsError, CorsPolicy

SIMULATOR_KEY = "local-simulator"
SIMULATOR_MODEL = "sora-2"
UPSTREAM_PREFIXES = ("OPENAI_", "AZURE_OPENAI_")
STORAGE_PREFIX = "AZUREWEBJOBSSTORAGE"
PROVIDER = "VIDEO_PROVIDER"

# The simulator answers at once and renders in seconds: looks may be frequent, and a short time-out lets a job whose
# submission was killed find its render sooner.
SIMULATED_TIMING = {"UPSTREAM_TIMEOUT_SECONDS": "10", "POLL_LONGEST_SECONDS": "2"}
# The local host asks for no keys, whatever a settings file says, and what the app says of itself at /openapi.json is to
# be true here, too. The caller's shell still wins, for whoever wants to see the page that Azure would show.
OPEN_ROUTES = {"JOB_ROUTES_AUTH_LEVEL": "anonymous"}
CHECK_SECONDS = 30
ANY_PORT = range(1, 65536)

# The emulator's well-known account, the same on every machine.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class SettingsFileError(Exception):
    """A settings file cannot be used; the text is one sentence."""


@dataclass(frozen=True)
class Storage:
    """Where the storage emulator listens."""

    blob_port: int
    queue_port: int
    table_port: int

    def url(self, port: int) -> str:
        """The account's address at one of its three services."""
        return f"http://127.0.0.1:{port}/{ACCOUNT}"

    @property
    def connection_string(self) -> str:
        """What the storage SDKs take; the key is public knowledge."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
            f"BlobEndpoint={self.url(self.blob_port)};QueueEndpoint={self.url(self.queue_port)};"
            f"TableEndpoint={self.url(self.table_port)};"
        )


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


def load_values(path: Path) -> dict[str, str]:
    """The `Values` of a `local.settings.json`."""
    try:
        values = _document(path)["Values"]
    except (KeyError, TypeError):
        raise SettingsFileError(f'{path} has no "Values".') from None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise SettingsFileError(f'The "Values" of {path} must be an object of strings.')
    return values


def load_host_start(path: Path) -> HostStart:
    """The section `Host` of a `local.settings.json`, which need not be there."""
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
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsFileError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SettingsFileError(f"{path} is not JSON: {error}.") from error


def check_settings(path: Path, environ: Mapping[str, str]) -> None:
    """Refuse a settings file with which the app could not work, in the app's own sentence.

    Asked in a process of its own, because the app reads its environment.
    """
    command = [sys.executable, "-m", "devtools.settings_check"]
    checked = subprocess.run(
        command, cwd=ROOT, env=dict(environ), capture_output=True, text=True, timeout=CHECK_SECONDS, check=False
    )
    if checked.returncode:
        raise SettingsFileError(f"{path} cannot be used: {(checked.stdout or checked.stderr).strip()}.")


def upstream_of(values: Mapping[str, str]) -> dict[str, str]:
    """The upstream that a settings file names; empty if it names none.

    What a copy of the example file says of the simulator does not count: filling in another upstream is enough.
    """
    named = {name: value for name, value in values.items() if _names_upstream(name) and value}
    if named.get("OPENAI_API_KEY") == SIMULATOR_KEY:
        named = {name: value for name, value in named.items() if not name.startswith("OPENAI_")}
        if named.get(PROVIDER) == "openai":
            del named[PROVIDER]
    has_one = {"AZURE_OPENAI_ENDPOINT", "OPENAI_BASE_URL", "OPENAI_API_KEY"} & set(named)
    return named if has_one else {}


def simulated_upstream(simulator: str) -> dict[str, str]:
    """The settings that lead the app to the simulator at an address."""
    return {
        "OPENAI_BASE_URL": f"{simulator}/v1",
        "OPENAI_API_KEY": SIMULATOR_KEY,
        "OPENAI_MODEL": SIMULATOR_MODEL,
        PROVIDER: "openai",
    }


def app_environment(
    *,
    values: Mapping[str, str],
    caller: Mapping[str, str],
    upstream: Mapping[str, str],
    storage: Storage,
    overrides: Mapping[str, str],
) -> dict[str, str]:
    """Everything the app sees; `overrides` are a test's own settings and win over all."""
    own = {**values, **OPEN_ROUTES, **caller}
    kept = {name: value for name, value in own.items() if not _names_upstream(name) and not _names_storage(name)}
    stack = {"AzureWebJobsStorage": storage.connection_string, "PYTHONUNBUFFERED": "1"}
    return {**without_proxy(kept), **upstream, **stack, **overrides}


def without_proxy(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables, with this machine's own addresses never sent through a proxy."""
    direct = ",".join(filter(None, [environ.get("NO_PROXY") or environ.get("no_proxy"), "127.0.0.1", "localhost"]))
    return {**environ, "NO_PROXY": direct, "no_proxy": direct}


def _names_upstream(name: str) -> bool:
    # The app's settings are read whatever their case.
    return name.upper().startswith(UPSTREAM_PREFIXES) or name.upper() == PROVIDER


def _names_storage(name: str) -> bool:
    return name.upper().startswith(STORAGE_PREFIX)
