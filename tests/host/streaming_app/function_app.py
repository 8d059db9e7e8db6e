"""HTTP functions that stream both ways, through the project's web extension."""

# mypy: disable-error-code="untyped-decorator"
# The SDK's decorators have no annotations.

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

import shared.api.web_extension  # noqa: F401  # importing it is what turns streaming on

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

MEGABYTE = bytes(1024 * 1024)


def leave_mark() -> None:
    """Say that a download is over."""
    Path(os.environ["SAMPLE_MARKS"]).write_text("over", encoding="utf-8")


@app.route(route="download/{megabytes:int}", methods=["GET"])
@app.durable_client_input(client_name="client")
async def download(req: Request, client: str) -> Response:
    """So many megabytes; a file says when it is over, however it ends."""
    del client

    async def pieces() -> AsyncIterator[bytes]:
        try:
            for _ in range(int(req.path_params["megabytes"])):
                await asyncio.sleep(0)  # as a source does that waits for its data
                yield MEGABYTE
        finally:
            leave_mark()

    return StreamingResponse(pieces(), media_type="application/octet-stream")


@app.route(route="upload", methods=["POST"])
async def upload(req: Request) -> Response:
    """How many bytes were sent."""
    count = 0
    async for piece in req.stream():
        count += len(piece)
    return PlainTextResponse(str(count))


@app.route(route="{*path}", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
async def everything_else(req: Request) -> Response:
    """The path, as the host hands it over."""
    return PlainTextResponse(f"{req.path_params.get('path')}?{req.query_params}")
