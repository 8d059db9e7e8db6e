"""The three parts of the local stack: how each is started, and what it answers once it is ready."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from devtools.stack_process import Part
from devtools.stack_settings import Storage, without_proxy

AZURITE = Path("node_modules", "azurite", "dist", "src", "azurite.js")
ONCE_IS_ENOUGH = Path(__file__).with_name("once_is_enough.cjs")


def storage_part(root: Path, state: Path, storage: Storage, node: Path, environ: Mapping[str, str]) -> Part:
    """The storage emulator, with its files in the state folder."""
    ports = {"blob": storage.blob_port, "queue": storage.queue_port, "table": storage.table_port}
    command = [str(node), "--require", str(ONCE_IS_ENOUGH), str(root / AZURITE), "--location", str(state / "blob")]
    for service, port in ports.items():
        command += [f"--{service}Port", str(port)]
    # The SDKs speak newer versions of the protocol than the emulator knows by name.
    command += ["--skipApiVersionCheck", "--silent", "--disableTelemetry"]
    return Part(
        name="blob",
        title="storage emulator",
        command=command,
        # The emulator takes accounts and modes of its own from such variables.
        environ={name: value for name, value in environ.items() if not name.startswith("AZURITE_")},
        cwd=root,
        log=state / "logs" / "blob.log",
        ready=[f"http://127.0.0.1:{port}/" for port in ports.values()],
    )


def simulator_part(root: Path, state: Path, port: int, render_seconds: float, environ: Mapping[str, str]) -> Part:
    """The Sora simulator."""
    command = [sys.executable, "-m", "devtools.sora_sim", "--port", str(port), "--state", str(state / "simulator")]
    return Part(
        name="simulator",
        title="Sora simulator",
        command=[*command, "--render-seconds", f"{render_seconds:g}"],
        environ={**without_proxy(environ), "PYTHONUNBUFFERED": "1"},
        cwd=root,
        log=state / "logs" / "simulator.log",
        ready=[f"http://127.0.0.1:{port}/_sim/health"],
        ready_status=200,
    )


def app_part(root: Path, state: Path, port: int, environ: Mapping[str, str], options: Sequence[str] = ()) -> Part:
    """The app on the local Functions host, started with further options of it."""
    command = [sys.executable, "-m", "devtools.host", "--port", str(port), "--state", str(state / "app")]
    # The stack hands over everything that a settings file says.
    command.append("--no-local-settings")
    return Part(
        name="app",
        title="Functions host",
        command=[*command, *options],
        environ=environ,
        cwd=root,
        log=state / "logs" / "app.log",
        ready=[f"http://127.0.0.1:{port}/admin/host/ping"],
        ready_status=200,
    )
