"""The local stack as one object: storage emulator, Sora simulator and the app on the local Functions host.

It is what `up` and `demo` run and what scenario tests use. Its state folder holds all that must survive a restart;
started again on the same folder it goes on with unfinished jobs.
"""

import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Self

from devtools.core_tools import core_tools_part
from devtools.environment import ROOT, undisturbed
from devtools.environment_node import find_node
from devtools.host.local_settings import HostStart, load_host_start, load_values
from devtools.stack_folder import StateFolder
from devtools.stack_parts import app_part, simulator_part, storage_part
from devtools.stack_ports import claimed, free_row, preferred
from devtools.stack_process import Part
from devtools.stack_queues import make_queues
from devtools.stack_settings import (
    SIMULATED_TIMING,
    Storage,
    app_environment,
    check_settings,
    simulated_upstream,
    upstream_of,
)
from devtools.stack_supervisor import PartFailedError, Supervisor

DEFAULT_SETTINGS = ROOT / "local.settings.json.example"
DEFAULT_PORT = 8000
STORAGE_PORTS = (10000, 10001, 10002)  # where Azurite is by default, and tools look for it


class Stack:
    """One stack on one state folder, from `start` to `stop`, or as a context manager.

    `port` is the app's; 0 takes any free ports throughout, None the one that the settings name. `settings` is a
    `local.settings.json` whose upstream, if it names one, takes the simulator's place. `overrides` are environment
    variables that the app gets whatever else is set. `faults` lets the durable backend be told to fail. `core_tools` is
    a program that runs the app in the local host's place. `fresh` forgets what the folder held.
    """

    def __init__(
        self,
        state: Path,
        *,
        port: int | None = 0,
        render_seconds: float = 6.0,
        settings: Path | None = None,
        overrides: Mapping[str, str] | None = None,
        faults: bool = False,
        core_tools: Path | None = None,
        fresh: bool = False,
        caller: Mapping[str, str] = os.environ,
    ) -> None:
        self.folder = StateFolder(state)
        self._port = port
        self._render_seconds = render_seconds
        self._settings = settings
        self._overrides = overrides or {}
        self._faults = faults
        self._core_tools = core_tools
        self._fresh = fresh
        self._caller = undisturbed(caller)
        self._cleanup = ExitStack()
        self._supervisor: Supervisor | None = None
        self._environ: Mapping[str, str] = {}
        self.urls: dict[str, str | None] = {}
        self.hurry = Event()  # set, it cuts the orderly end of the parts short

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def app(self) -> str:
        """The app's address."""
        return self._url("app")

    @property
    def simulator(self) -> str:
        """The simulator's address."""
        return self._url("simulator")

    @property
    def blob(self) -> str:
        """The storage account's blob address."""
        return self._url("blob")

    @property
    def queue(self) -> str:
        """The storage account's queue address."""
        return self._url("queue")

    @property
    def supervisor(self) -> Supervisor:
        """What watches the parts, once they are started."""
        if self._supervisor is None:
            raise RuntimeError("The stack is not started.")
        return self._supervisor

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by part, and this process's own as `stack`."""
        return {**self.supervisor.pids, "stack": os.getpid()}

    def start(self, interrupted: Event | None = None) -> None:
        """Start all parts and wait until they are ready; after any error nothing of the stack is left running."""
        with ExitStack() as undo:
            self.folder.claim()
            undo.callback(self.folder.release)
            if self._fresh:
                self.folder.wipe()
            supervisor = undo.enter_context(Supervisor(self._parts(), self.folder.lock, self.hurry))
            self._supervisor = supervisor
            supervisor.start(interrupted)
            make_queues(self.queue, self._environ)
            self._write_note()
            self._cleanup = undo.pop_all()

    def stop(self) -> None:
        """End all parts and give the folder back; does nothing where nothing runs."""
        self._cleanup.close()

    def kill(self, part: str) -> None:
        """End `app`, `simulator` or `blob` by SIGKILL and return when it is gone."""
        self.supervisor.kill(part)

    def end(self, part: str) -> None:
        """End `app`, `simulator` or `blob` in an orderly way: what it acknowledged is kept."""
        self.supervisor.end(part)

    def restart(self, part: str) -> None:
        """Start a part again on its old port and state, and wait until it is ready."""
        self.supervisor.restart(part)
        self._write_note()

    def _url(self, part: str) -> str:
        url = self.urls[part]
        if url is None:
            raise RuntimeError(f"This stack runs without its {part}.")
        return url

    def _write_note(self) -> None:
        self.folder.write_note({**self.urls, "pids": self.pids})

    def _parts(self) -> list[list[Part]]:
        """All parts in waves, their ports chosen."""
        values = load_values(self._settings or DEFAULT_SETTINGS)
        start = load_host_start(self._settings or DEFAULT_SETTINGS)
        upstream = upstream_of(values) if self._settings else {}
        wanted = (start.port or DEFAULT_PORT) if self._port is None else self._port
        app_port, simulator_port, *storage_ports = _ports(wanted)
        storage = Storage(*storage_ports)
        simulator = None if upstream else f"http://127.0.0.1:{simulator_port}"
        self.urls = {
            "app": f"http://127.0.0.1:{app_port}",
            "simulator": simulator,
            "blob": storage.url(storage.blob_port),
            "queue": storage.url(storage.queue_port),
        }
        environ = app_environment(
            values={**values, **SIMULATED_TIMING} if simulator else values,
            caller=self._caller,
            upstream=simulated_upstream(simulator) if simulator else upstream,
            storage=storage,
            overrides=self._overrides,
        )
        self._environ = environ
        if self._settings:
            check_settings(self._settings, environ)
        below = [storage_part(ROOT, self.folder.path, storage, self._node(), self._caller)]
        if simulator:
            below.append(simulator_part(ROOT, self.folder.path, simulator_port, self._render_seconds, self._caller))
        for part in ("app", "simulator", "blob"):
            (self.folder.path / part).mkdir(exist_ok=True)
        if self._core_tools:
            return [below, [self._on_core_tools(self._core_tools, app_port, environ, start)]]
        options = [*start.options, *(["--faults"] if self._faults else [])]
        return [below, [app_part(ROOT, self.folder.path, app_port, environ, options)]]

    def _on_core_tools(self, func: Path, port: int, environ: Mapping[str, str], start: HostStart) -> Part:
        return core_tools_part(func, ROOT, self.folder.path, port=port, environ=environ, start=start)

    def _node(self) -> Path:
        node = find_node(Path(sys.prefix), self._caller)
        if node is None:
            raise PartFailedError("The storage emulator needs Node.js 20 or newer, and none was found.")
        return node


def _ports(wanted: int) -> list[int]:
    """For the app, the simulator and the three storage services; nothing listens on them yet."""
    if not wanted:
        return free_row(2 + len(STORAGE_PORTS))
    app = claimed(wanted)
    (simulator,) = preferred([app + 1])
    return [app, simulator, *preferred(STORAGE_PORTS, promised={app, simulator})]
