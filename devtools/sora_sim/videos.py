"""The videos API: create, retrieve, list, delete, content; under /v1 as at OpenAI and /openai/v1 as at Azure."""

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from devtools.sora_sim.answers import (
    ApiError,
    deleted_object,
    missing_key,
    too_many_tasks,
    unknown_video,
    video_list,
    video_object,
)
from devtools.sora_sim.calls import CallLog, call_number
from devtools.sora_sim.database import transaction
from devtools.sora_sim.disturbances import disturb
from devtools.sora_sim.fault_book import FaultBook
from devtools.sora_sim.faults import (
    Expire,
    Fail,
    Fault,
    Forget,
    NeverFinish,
    Operation,
    UnknownStatus,
    WrongContent,
    WrongVideo,
)
from devtools.sora_sim.jobs import COMPLETED, DELETED, FORGOTTEN, Failure, Job, JobStore, NewVideo, Script
from devtools.sora_sim.orders import read_order
from devtools.sora_sim.render_queue import RenderQueue
from devtools.sora_sim.settings import SimulatorSettings

PREFIXES = ("/v1", "/openai/v1")
DEFAULT_PAGE, LARGEST_PAGE = 20, 100

Endpoint = Callable[[Request], Awaitable[Response]]
JobAnswer = Callable[[Job, Fault | None], Response]


class VideosApi:
    """The routes and what stands behind them. Every route asks the fault book what shall go wrong, exactly once."""

    def __init__(
        self,
        *,
        settings: SimulatorSettings,
        database: sqlite3.Connection,
        jobs: JobStore,
        calls: CallLog,
        queue: RenderQueue,
        faults: FaultBook,
    ) -> None:
        self._settings = settings
        self._database = database
        self._jobs = jobs
        self._calls = calls
        self._queue = queue
        self._faults = faults

    def routes(self) -> list[BaseRoute]:
        """Both prefixes."""
        table: list[tuple[str, str, Endpoint]] = [
            ("/videos", "POST", self.create),
            ("/videos", "GET", self.list_videos),
            ("/videos/{video_id}", "GET", self.retrieve),
            ("/videos/{video_id}", "DELETE", self.delete),
            ("/videos/{video_id}/content", "GET", self.content),
        ]
        return [
            Route(prefix + path, _with_key(answer), methods=[method])
            for prefix in PREFIXES
            for path, method, answer in table
        ]

    async def create(self, request: Request) -> Response:
        """Accept an order, unless too many are unfinished."""
        order = await read_order(request, self._settings)
        fault = self._faults.meet("create", prompt=order.prompt)

        async def perform() -> Response:
            return self._accept(request, order, fault)

        return await disturb(fault, request, perform)

    async def retrieve(self, request: Request) -> Response:
        """How far it is."""
        return await self._about_a_job(request, "retrieve", self._look)

    async def delete(self, request: Request) -> Response:
        """Remove the job; a render under way is abandoned."""
        return await self._about_a_job(request, "delete", self._delete)

    async def content(self, request: Request) -> Response:
        """The MP4, or the part of it that a Range header asks for."""
        variant = request.query_params.get("variant", "video")
        if variant != "video":
            raise ApiError(400, f"Invalid value for 'variant': '{variant}'.", param="variant", code="invalid_value")
        return await self._about_a_job(request, "content", self._content)

    async def list_videos(self, request: Request) -> Response:
        """One page, newest first unless asked otherwise."""

        async def perform() -> Response:
            return self._page(request)

        return await disturb(self._faults.meet("list"), request, perform)

    async def _about_a_job(self, request: Request, operation: Operation, answer: JobAnswer) -> Response:
        job_id = request.path_params["video_id"]
        job = self._jobs.get(job_id)
        if job is not None:
            self._calls.concerns(call_number(request), job.id)
        fault = self._faults.meet(operation, prompt=job.order.prompt if job else None, job=job_id)

        async def perform() -> Response:
            current = self._jobs.get(job_id)  # a delayed operation sees the job as it is then
            if current is None or current.gone:
                raise unknown_video(job_id)
            if isinstance(fault, Forget):
                self._jobs.remove(current.id, FORGOTTEN)
                self._queue.abandon(current)
                raise unknown_video(job_id)
            return answer(current, fault)

        return await disturb(fault, request, perform)

    def _accept(self, request: Request, order: NewVideo, fault: Fault | None) -> Response:
        if self._settings.max_jobs is not None and self._jobs.unfinished() >= self._settings.max_jobs:
            raise too_many_tasks()
        with transaction(self._database):  # a job without its call would be a render that nobody can count
            job = self._jobs.add(order, _script(fault), self._settings.retention.total_seconds())
            self._calls.concerns(call_number(request), job.id)
        if isinstance(fault, Forget):
            self._jobs.remove(job.id, FORGOTTEN)
        self._queue.look_again()
        return self._look(job, fault)

    def _look(self, job: Job, fault: Fault | None) -> Response:
        if isinstance(fault, Expire):
            job = self._jobs.expire(job.id)
        status = fault.status if isinstance(fault, UnknownStatus) else None
        return JSONResponse(video_object(job, progress=self._queue.progress(job), status=status))

    def _delete(self, job: Job, _fault: Fault | None) -> Response:
        self._jobs.remove(job.id, DELETED)
        self._queue.abandon(job)
        return JSONResponse(deleted_object(job.id))

    def _content(self, job: Job, fault: Fault | None) -> Response:
        if isinstance(fault, Expire):
            job = self._jobs.expire(job.id)
        path = self._settings.videos / f"{job.id}.mp4"
        if job.status != COMPLETED:
            raise ApiError(404, f"Video is not ready yet, use GET /v1/videos/{job.id} to check its status.")
        if job.expired(self._settings.now()) or not path.exists():
            raise ApiError(404, f"The content of video '{job.id}' has expired.", code="video_expired")
        if isinstance(fault, WrongContent):
            return _wrong(fault, path)
        return FileResponse(path, media_type="video/mp4")

    def _page(self, request: Request) -> Response:
        after, order = request.query_params.get("after"), request.query_params.get("order", "desc")
        limit = request.query_params.get("limit", str(DEFAULT_PAGE))
        if order not in {"asc", "desc"}:
            raise ApiError(
                400, "Invalid value for 'order': expected 'asc' or 'desc'.", param="order", code="invalid_value"
            )
        if not limit.isdecimal() or int(limit) > LARGEST_PAGE:
            message = f"Invalid value for 'limit': expected a whole number from 0 to {LARGEST_PAGE}."
            raise ApiError(400, message, param="limit", code="invalid_value")
        if after is not None and self._jobs.get(after) is None:
            raise unknown_video(after)
        jobs = self._jobs.page(after, int(limit) + 1, newest_first=order == "desc")
        page = jobs[: int(limit)]
        videos = [video_object(job, progress=self._queue.progress(job)) for job in page]
        return JSONResponse(video_list(videos, has_more=len(jobs) > len(page)))


def _with_key(answer: Endpoint) -> Endpoint:
    """Any key will do, but there has to be one."""

    async def endpoint(request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not (scheme.lower() == "bearer" and token.strip()) and not request.headers.get("api-key"):
            raise missing_key()
        return await answer(request)

    return endpoint


def _script(fault: Fault | None) -> Script:
    """What a fault at create does to the job for good."""
    match fault:
        case Fail():
            return Script(failure=Failure(at_percent=fault.at_percent, code=fault.code, message=fault.message))
        case NeverFinish():
            return Script(never_finish=True)
        case WrongVideo():
            return Script(size_factor=fault.size_factor, length_factor=fault.length_factor)
        case _:
            return Script()


def _wrong(fault: WrongContent, video: Path) -> Response:
    match fault.content:
        case "json":
            return JSONResponse({"error": {"message": "The video is stored elsewhere.", "type": "server_error"}})
        case "html":
            return Response("<html><body>Please log in.</body></html>", media_type="text/html")
        case "noise":
            return Response(b"noise " * (video.stat().st_size // 6 + 1), media_type="video/mp4")
        case "half":
            whole = video.read_bytes()
            return Response(whole[: len(whole) // 2], media_type="video/mp4")
