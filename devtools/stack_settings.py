"""The environment variables that the app gets from the local stack.

As with Core Tools, the `Values` of a settings file are the base and the caller's own variables win over them, with one
exception: whatever names an upstream or a storage account never comes from the caller's shell. A developer with a real
key in the environment must not pay for a demo, nor write into a real account.
"""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devtools.environment import ROOT
from devtools.host.local_settings import SettingsFileError

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

# The emulator's well-known account, the same on every machine.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


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
