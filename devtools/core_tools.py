"""The app on Azure Functions Core Tools, in the place of the local host: `make up HOST=func`.

What they are asked for is what Microsoft's reference of Core Tools says of `func start`, and what the Durable extension
needs of storage (blobs, queues and tables). Core Tools could not be run where this was written; the tests run a
stand-in with the same command line.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from devtools.host.local_settings import HostStart
from devtools.stack_process import Part

PROGRAM: Final = "FUNC"
"""The variable that names the program where it is not `func` on the PATH."""

READY_SECONDS: Final = 300.0
"""The first start downloads the extension bundle."""

_FIRST_WITH_INIT_INDEXING: Final = (3, 13)


class NoCoreToolsError(Exception):
    """Core Tools are not installed; the text says how to get them."""


def find_core_tools(environ: Mapping[str, str]) -> Path:
    """The program. Raises NoCoreToolsError."""
    wanted = environ.get(PROGRAM) or "func"
    found = shutil.which(wanted, path=environ.get("PATH"))
    if found is None:
        raise NoCoreToolsError(
            f"HOST=func needs Azure Functions Core Tools 4, and there is no {wanted!r}. They are installed with"
            " `npm install --global azure-functions-core-tools@4` or from Microsoft's package repositories, and"
            " download the extension bundle at their first start. Without them, HOST=local runs the app."
        )
    return Path(found)


def core_tools_part(
    func: Path, root: Path, state: Path, *, port: int, environ: Mapping[str, str], start: HostStart
) -> Part:
    """The app on Core Tools, with this program's Python and the stack's settings."""
    command = [str(func), "start", "--port", str(port)]
    if start.cors:
        command += ["--cors", start.cors]
    if start.cors_credentials:
        command.append("--cors-credentials")
    address = f"http://127.0.0.1:{port}"
    return Part(
        name="app",
        title="Functions host (Core Tools)",
        command=command,
        environ=_environment(environ),
        cwd=root,
        log=state / "logs" / "app.log",
        ready=[f"{address}/admin/host/ping", f"{address}/openapi.json"],
        ready_status=200,
        ready_seconds=READY_SECONDS,
    )


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    python = Path(sys.executable)
    added = {
        "FUNCTIONS_WORKER_RUNTIME": "python",  # without it, Core Tools ask at the terminal
        "FUNCTIONS_CORE_TOOLS_TELEMETRY_OPTOUT": "1",
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "languageWorkers__python__defaultExecutablePath": str(python),
        "VIRTUAL_ENV": sys.prefix,
        "PATH": os.pathsep.join(filter(None, [str(python.parent), environ.get("PATH")])),
    }
    if sys.version_info < _FIRST_WITH_INIT_INDEXING:
        added["PYTHON_ENABLE_INIT_INDEXING"] = "1"  # the web extension needs it there
    return {**environ, **added}
