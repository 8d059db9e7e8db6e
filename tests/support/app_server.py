"""Serves the app's HTTP functions on a free port until it is told to end.

    python -m tests.support.app_server worker-library --port-file port.txt

The carrier is the local Functions host's HTTP front (`local-host`) or Microsoft's worker library (`worker-library`).
The port is in the file once the app answers. With `--services` the functions work in a world that is made for tests,
else with what the environment says; `--durable` is the base address of a durable backend, in place of canned answers.
"""

import argparse
import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from devtools.host.app_loader import load_app
from devtools.host.binding import RPC_PATH, ClientBinding
from devtools.host.host_json import read_host_settings
from devtools.host.http_front import HttpFront
from devtools.host.indexing import index
from devtools.host.server import listen, origin, serving
from devtools.host.worker import Worker
from shared.wiring import Services, use_services
from tests.support import worker_library
from tests.support.app_server_streams import stream_services
from tests.support.golden_backend import GoldenBackend
from tests.support.golden_store import golden_services
from tests.support.golden_world import NEW

ROOT: Final = Path(__file__).parents[2]
BODY_DEADLINE_SECONDS: Final = 1.0
NOTICE_SECONDS: Final = 0.3

SERVICES: Final[Mapping[str, Callable[[], Awaitable[Services]]]] = {
    "golden": golden_services,
    "streams": stream_services,
}


@contextlib.asynccontextmanager
async def _local_host(app_folder: Path, client_binding: str) -> AsyncIterator[int]:
    catalog = index(load_app(app_folder))
    worker = Worker(catalog, client_binding)
    front = HttpFront(catalog, worker, read_host_settings(app_folder).route_prefix, _no_management)
    listener = listen(0)
    try:
        async with serving(front, listener):
            yield listener.getsockname()[1]
    finally:
        worker.close()


@contextlib.asynccontextmanager
async def _worker_library(app_folder: Path, client_binding: str) -> AsyncIterator[int]:
    yield await worker_library.start(app_folder, client_binding)


CARRIERS: Final = {"local-host": _local_host, "worker-library": _worker_library}


async def _no_management(scope: Scope, receive: Receive, send: Send) -> None:
    await Response(status_code=404)(scope, receive, send)


async def _serve(options: argparse.Namespace) -> None:
    async with contextlib.AsyncExitStack() as stack:
        if options.services:
            stack.enter_context(use_services(await SERVICES[options.services]()))
            _settle_chance()
        listener = listen(0)
        await stack.enter_async_context(serving(GoldenBackend().app(RPC_PATH), listener))
        binding = _client_binding(options.durable or f"{origin(listener)}{RPC_PATH}/")
        port = await stack.enter_async_context(CARRIERS[options.carrier](options.app.resolve(), binding))
        unfinished = options.port_file.with_suffix(".part")
        unfinished.write_text(str(port), encoding="utf-8")
        unfinished.rename(options.port_file)
        await asyncio.Event().wait()


def _settle_chance() -> None:
    """Give every new job the same id, the one thing in an answer that is made by chance, and what is slow less time."""
    from shared.api import generate, jobs

    vars(generate).update(new_job_id=lambda: NEW, BODY_DEADLINE_SECONDS=BODY_DEADLINE_SECONDS)
    vars(jobs).update(NOTICE_SECONDS=NOTICE_SECONDS)


def _client_binding(durable: str) -> str:
    text = ClientBinding("TestHub", public="http://localhost", rpc="http://localhost").text()
    return json.dumps({**json.loads(text), "rpcBaseUrl": durable})


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.app_server")
    parser.add_argument("carrier", choices=CARRIERS)
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--services", choices=SERVICES, help="a world for tests (default: the environment's settings)")
    parser.add_argument("--durable", help="base address of the durable endpoints (default: canned answers)")
    parser.add_argument("--app", type=Path, default=ROOT, help="the app's folder (default: this repository)")
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
