"""Puts the simulator together. Rendering happens while the app's lifespan is entered; without it, jobs stay queued."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from devtools.sora_sim.answers import INVALID_REQUEST, ApiError, answer_api_error, error_body
from devtools.sora_sim.calls import CallLog, CallRecorder
from devtools.sora_sim.control import Control
from devtools.sora_sim.database import open_database
from devtools.sora_sim.disturbances import NoAnswer
from devtools.sora_sim.encoder import EncoderPool
from devtools.sora_sim.fault_book import FaultBook
from devtools.sora_sim.jobs import JobStore
from devtools.sora_sim.render_queue import RenderQueue
from devtools.sora_sim.rendering import Renderer
from devtools.sora_sim.settings import SimulatorSettings
from devtools.sora_sim.videos import VideosApi

log = logging.getLogger("sora_sim")


def create_app(settings: SimulatorSettings, renderer: Renderer | None = None) -> Starlette:
    """The simulator as an ASGI app with its state in `settings.state`; without a renderer, real videos are made.

    Opens the database at once and closes it when the lifespan ends.
    """
    settings = replace(settings, state=settings.state.absolute())  # encoders have a working directory of their own
    database = open_database(settings.state / "simulator.db")
    jobs, calls, faults = JobStore(database, settings.now), CallLog(database, settings.now), FaultBook()
    queue = RenderQueue(jobs, renderer or EncoderPool(), settings)
    videos = VideosApi(settings=settings, database=database, jobs=jobs, calls=calls, queue=queue, faults=faults)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        rendering = asyncio.create_task(queue.run())
        rendering.add_done_callback(_report)
        try:
            yield
        finally:
            rendering.cancel()
            with suppress(asyncio.CancelledError):
                await rendering
            database.close()

    return Starlette(
        routes=[
            *videos.routes(),
            *Control(jobs, calls, queue, faults).routes(),
        ],
        middleware=[Middleware(CallRecorder, calls=calls)],
        exception_handlers={
            ApiError: answer_api_error,
            HTTPException: _answer_http_error,
            ClientDisconnect: _answer_nobody,
        },
        lifespan=lifespan,
    )


def _report(rendering: asyncio.Task[None]) -> None:
    """The render queue ends when it is told to, or else loudly: the API would go on answering `queued` for ever."""
    if not rendering.cancelled() and (error := rendering.exception()):
        log.critical("nothing is rendered any more", exc_info=error)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    """Unknown paths and methods, in OpenAI's words."""
    if not isinstance(error, HTTPException):
        raise error
    message = f"Invalid URL ({request.method} {request.url.path})"
    if error.status_code == 405:
        message = f"Not allowed to {request.method} on {request.url.path}."
    return JSONResponse(error_body(message, kind=INVALID_REQUEST), error.status_code, error.headers)


async def _answer_nobody(_request: Request, _error: Exception) -> Response:
    """The client left while sending its request."""
    return NoAnswer()
