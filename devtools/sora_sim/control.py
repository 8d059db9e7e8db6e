"""The control routes under /_sim: faults, calls, jobs, stats, health. They need no key and leave no record."""

import json

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from devtools.sora_sim.calls import CallLog
from devtools.sora_sim.fault_book import FaultBook
from devtools.sora_sim.faults import parse_faults
from devtools.sora_sim.jobs import Job, JobStore
from devtools.sora_sim.render_queue import RenderQueue


class Control:
    """The routes."""

    def __init__(self, jobs: JobStore, calls: CallLog, queue: RenderQueue, faults: FaultBook) -> None:
        self._jobs = jobs
        self._calls = calls
        self._queue = queue
        self._faults = faults

    def routes(self) -> list[BaseRoute]:
        """All below /_sim."""
        return [
            Route("/_sim/health", self.health, methods=["GET"]),
            Route("/_sim/calls", self.calls, methods=["GET"]),
            Route("/_sim/jobs", self.jobs, methods=["GET"]),
            Route("/_sim/stats", self.stats, methods=["GET"]),
            Route("/_sim/faults", self.armed, methods=["GET"]),
            Route("/_sim/faults", self.arm, methods=["POST"]),
            Route("/_sim/faults", self.clear, methods=["DELETE"]),
        ]

    async def health(self, _request: Request) -> Response:
        """Answers as soon as work can begin."""
        return JSONResponse({"status": "ok"})

    async def calls(self, _request: Request) -> Response:
        """Every call to the API, oldest first."""
        return JSONResponse(self._calls.everything())

    async def jobs(self, _request: Request) -> Response:
        """Every job ever accepted, oldest first, those deleted or forgotten included."""
        return JSONResponse([self._line(job) for job in self._jobs.everything()])

    async def stats(self, _request: Request) -> Response:
        """How many jobs there are, and the most that there were at a time."""
        return JSONResponse(self._jobs.stats())

    async def armed(self, _request: Request) -> Response:
        """The armed faults."""
        return JSONResponse({"faults": self._faults.armed()})

    async def arm(self, request: Request) -> Response:
        """Arm one fault or a list of them: all, or none if one is wrong."""
        try:
            faults = parse_faults(await request.json())
        except ValidationError as error:
            problems = json.loads(error.json(include_url=False, include_context=False, include_input=False))
            return JSONResponse({"problems": problems}, 400)
        except ValueError as error:
            return JSONResponse({"problems": [{"msg": f"not JSON: {error}"}]}, 400)
        self._faults.arm(faults)
        return JSONResponse({"faults": self._faults.armed()}, 201)

    async def clear(self, _request: Request) -> Response:
        """Disarm everything."""
        self._faults.clear()
        return Response(status_code=204)

    def _line(self, job: Job) -> dict[str, object]:
        return {
            "id": job.id,
            "status": job.status,
            "progress": self._queue.progress(job),
            "prompt": job.order.prompt,
            "model": job.order.model,
            "seconds": job.order.seconds,
            "size": job.size,
            "created_at": job.created_at,
            "started_at": job.started_at,
            "completed_at": job.completed_at,
            "renders": job.renders,
            "gone": job.gone,
        }
