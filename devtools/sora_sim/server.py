"""Serves the simulator over HTTP: for the command line, and in a thread for tests in the same process."""

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from devtools.sora_sim.app import create_app
from devtools.sora_sim.rendering import Renderer
from devtools.sora_sim.settings import SimulatorSettings

HOST = "127.0.0.1"
GRACE_SECONDS = 1
KEEP_ALIVE_SECONDS = 75
"""Longer than clients keep connections, so that none is closed just as a client uses it again: faults are scripted."""
START_SECONDS = 20
STOP_SECONDS = 4


class _DroppableProtocol(H11Protocol):
    """Shows each request its connection, so that a fault can close it without an answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in the base class
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    """Leaves signals to its owner and says when it is ready."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing: uvicorn would end the process by repeating the signal, with an exit code other than 0."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let answers under way come to their end; drop those that hang, which no 500 shall spoil."""
        asyncio.get_running_loop().call_later(GRACE_SECONDS, self._drop_connections)
        await super().shutdown(sockets)

    def _drop_connections(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def listen(port: int) -> socket.socket:
    """A socket on this machine's loopback; port 0 takes a free one. Raises OSError where the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
    except OSError:
        listener.close()
        raise
    return listener


def address(listener: socket.socket) -> str:
    """The base address that a client uses, without /v1."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


def serve(settings: SimulatorSettings, listener: socket.socket, on_ready: Callable[[], None]) -> None:
    """Run until SIGTERM or SIGINT; answers under way get GRACE_SECONDS."""

    async def run() -> None:
        server = _server(create_app(settings), on_ready)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _stop, server)
        await server.serve([listener])

    asyncio.run(run())


@contextmanager
def running_simulator(settings: SimulatorSettings, renderer: Renderer | None = None) -> Iterator[str]:
    """A simulator on a free port in a thread of this process; gives its base address, without /v1."""
    ready = threading.Event()
    with contextlib.closing(listen(0)) as listener:
        server = _server(create_app(settings, renderer), ready.set)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), name="sora-sim", daemon=True)
        thread.start()
        try:
            if not ready.wait(START_SECONDS):
                raise TimeoutError("the simulator did not start")
            yield address(listener)
        finally:
            _stop(server)
            thread.join(2 * STOP_SECONDS)


def _stop(server: uvicorn.Server) -> None:
    server.should_exit = True


def _server(app: Starlette, on_ready: Callable[[], None]) -> _Server:
    config = uvicorn.Config(
        app,
        http=_DroppableProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    return _Server(config, on_ready)
