"""Puts the host together: the app, its engine, the app's port, the loopback port of the durable client, its timers."""

import asyncio
import contextlib
import logging
import os
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from devtools.host.binding import RPC_PATH, WEBHOOK_PATH, ClientBinding
from devtools.host.catalog import Catalog
from devtools.host.clock import Clock
from devtools.host.cors import Cors, CorsPolicy
from devtools.host.engine import Engine
from devtools.host.faults import DroppableProtocol, FaultControl, Faults, FaultyBackend
from devtools.host.function_timeout import FunctionTimeout, SentenceOf
from devtools.host.host_json import HostSettings
from devtools.host.http_front import HttpFront
from devtools.host.keys import Keys
from devtools.host.management_api import ManagementApi
from devtools.host.queue_options import read_queue_options
from devtools.host.queues import Queues
from devtools.host.timers import Timers
from devtools.host.worker import Worker

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
# Requests that are still answered when the host is told to end get this long; then their connections break.
_GRACE_SECONDS = 1
# Longer than clients keep idle connections (the SDK's: 15 s), so that none of them sends into a closing one.
_KEEP_ALIVE_SECONDS = 120
# Of a download that a caller takes slowly, the system would keep some MB, once for every caller.
_SEND_BUFFER_BYTES = 256 * 1024
# A connection whose caller takes nothing for so long is dropped; the app has given the caller up before.
_STALLED_MILLISECONDS = 150_000


class _Server(uvicorn.Server):
    """uvicorn, leaving signals to the host: two servers in one process would fight over them."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.ready.set()


def listen(port: int) -> socket.socket:
    """A socket bound to the loopback port; 0 takes any free one. Raises OSError."""
    listener = socket.create_server((LOOPBACK, port), backlog=2048)
    # Its connections inherit these.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    if sys.platform == "linux":
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED_MILLISECONDS)
    return listener


def inherited(descriptor: int) -> socket.socket:
    """The socket that the process which this one replaces has listened on."""
    listener = socket.socket(fileno=descriptor)
    listener.set_inheritable(False)
    return listener


def origin(listener: socket.socket) -> str:
    """`http://127.0.0.1:8000`."""
    return f"http://{LOOPBACK}:{listener.getsockname()[1]}"


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp, listener: socket.socket, protocol: type[H11Protocol] = H11Protocol
) -> AsyncIterator[None]:
    """Serve an ASGI app on a bound socket while the context is open."""
    config = uvicorn.Config(
        app,
        http=protocol,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    task.add_done_callback(lambda _: server.ready.set())
    try:
        await server.ready.wait()
        if task.done():
            await task  # it could not start: raise what it raised
        yield
    finally:
        server.should_exit = True
        await task


@contextlib.asynccontextmanager
async def running_host(
    catalog: Catalog,
    settings: HostSettings,
    journal_path: Path,
    clock: Clock,
    listener: socket.socket,
    *,
    cors: CorsPolicy | None = None,
    keys: Keys | None = None,
    faults: bool = False,
    on_failure: Callable[[], None],
    on_timeout: Callable[[], None],
) -> AsyncIterator[Engine]:
    """Run the whole host on a bound socket while the context is open; `on_failure` is called if the engine breaks.

    `on_timeout` is called when a function has taken too long; by then what the engine will go on with is kept, and the
    process must be replaced, because a function on a thread cannot be ended otherwise.

    `cors` and `keys` are for the app's port. With `faults`, the durable client's port fails as it is told to there.
    Raises RouteError, sqlite3.Error, OSError.
    """
    rpc_listener = listen(0)
    binding = ClientBinding(
        settings.task_hub, public=origin(listener), rpc=origin(rpc_listener), system_key=keys.system if keys else ""
    )
    timeout = FunctionTimeout(settings.function_timeout)
    worker = Worker(catalog, binding.text(), timeout)
    engine = Engine(catalog, worker, journal_path, clock, limits=settings.limits, on_failure=on_failure)

    def end_worker(sentence_of: SentenceOf) -> None:
        def sentence_of_activity(name: str) -> str:
            activity = catalog.activities.get(name.lower())
            return sentence_of(activity.name if activity else name)

        try:
            engine.end_with_worker(sentence_of_activity)
        except sqlite3.Error:
            logger.exception("The journal cannot be written: activities that were running are run again.")
        try:
            queues.end_with_worker()
        finally:
            on_timeout()

    queues = Queues(catalog.queues, worker, read_queue_options(settings.queues), clock, os.environ)
    timers = Timers(catalog.timers, worker, engine.journal, clock)
    management = ManagementApi(engine, binding)
    front: ASGIApp = HttpFront(catalog, worker, settings.route_prefix, management.app(WEBHOOK_PATH), keys)
    rpc: ASGIApp = management.app(RPC_PATH)
    if faults:
        told = Faults()
        front, rpc = FaultControl(front, told), FaultyBackend(rpc, told)
    if cors:
        front = Cors(front, cors)
    try:
        async with (
            engine.running(),
            serving(rpc, rpc_listener, DroppableProtocol),
            serving(front, listener),
            engine.part(timers.run(), "scheduler of timer functions"),
            engine.part(queues.run(), "listener to queues"),
        ):
            timeout.watch(end_worker)
            try:
                yield engine
            finally:
                timeout.close()  # now: a host that is told to end must not begin again
    finally:
        worker.close()
