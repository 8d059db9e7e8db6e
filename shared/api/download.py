"""`GET` and `HEAD /api/download/{file_id}`: stream a finished job's video, whole or in part."""

import asyncio
from typing import Final

import azure.durable_functions as df
from starlette.requests import Request
from starlette.responses import Response

from shared.api import responses
from shared.api.conditions import failed_condition, fields, http_date
from shared.api.ranges import requested_part
from shared.api.routes import DOWNLOAD
from shared.api.video_response import VideoResponse
from shared.errors import AppError
from shared.jobs.ids import JobId, file_id, parse_file_id, video_blob
from shared.logs import log_for
from shared.storage.base import StoredVideo
from shared.wiring import services

OPEN_DEADLINE_SECONDS: Final = 4.0
"""The contract's Python client gives up after 5 s without a byte."""

blueprint = df.Blueprint()


@blueprint.function_name("download")
@blueprint.route(route=DOWNLOAD.path, methods=DOWNLOAD.methods, auth_level=DOWNLOAD.auth_level)
async def download(req: Request) -> Response:
    """Answer with the video, or 404 for everything that is not the file of a completed job."""
    job_id = parse_file_id(str(req.path_params.get("file_id", "")))
    if job_id is None:
        return responses.error(404, responses.FILE_NOT_FOUND)
    try:
        store = services().store  # loads the SDK the first time, which is not storage being slow
        deadline = asyncio.get_running_loop().time() + OPEN_DEADLINE_SECONDS
        async with asyncio.timeout_at(deadline):
            video = await store.find_video(video_blob(job_id))
    except (AppError, TimeoutError) as error:
        log_for(job_id).error("file cannot be read: %s: %s", type(error).__name__, error)
        return responses.error(500, responses.UNAVAILABLE)
    if video is None or not video.verified or (video.expires_at is not None and services().now() >= video.expires_at):
        return responses.error(404, responses.FILE_NOT_FOUND)
    return _answer(req, job_id, video, deadline)


def _answer(req: Request, job_id: JobId, video: StoredVideo, deadline: float) -> Response:
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "ETag": video.etag,
        "Last-Modified": http_date(video.last_modified),
        "X-Content-Type-Options": "nosniff",
    }
    asked = fields(req.headers)
    match failed_condition(asked, video):
        case 304:
            return Response(status_code=304, headers=headers)
        case 412:
            return responses.error(412, responses.PRECONDITION_FAILED)
    part = requested_part(req.method, asked, video)
    if part is None:
        return responses.error(416, responses.RANGE_NOT_SATISFIABLE, {"Content-Range": f"bytes */{video.size}"})
    headers["Content-Type"] = "video/mp4"
    headers["Content-Disposition"] = f'attachment; filename="{file_id(job_id)}.mp4"'
    headers["Content-Length"] = str(part.length)
    if part.partial:
        headers["Content-Range"] = f"bytes {part.offset}-{part.offset + part.length - 1}/{video.size}"
    status = 206 if part.partial else 200
    if req.method == "HEAD":
        return Response(status_code=status, headers=headers)
    pieces = services().store.stream(video_blob(job_id), video, part.offset, part.length)
    return VideoResponse(job_id, pieces, deadline=deadline, status_code=status, headers=headers)
