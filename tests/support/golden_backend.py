"""The durable backend of the golden world: it answers what the SDK's client asks of the Functions host."""

import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.durable_client import BACKEND_ERROR, instance
from tests.support.golden_world import BACKEND_DOWN, INSTANCES, NEW, START_ANSWER_LOST, UNREADABLE


class GoldenBackend:
    """Canned instances by id; a start is refused or half refused where the job's prompt says so."""

    def __init__(self) -> None:
        self._started: dict[str, Any] = {}

    def app(self, path: str) -> Starlette:
        """Return the endpoints below `path`."""
        return Starlette(
            routes=[
                Route(f"{path}/orchestrators/{{name}}/{{instance_id}}", self._start, methods=["POST"]),
                Route(f"{path}/instances/{{instance_id}}", self._status, methods=["GET"]),
            ]
        )

    async def _start(self, request: Request) -> Response:
        instance_id = request.path_params["instance_id"]
        prompt = json.loads(await request.json())["request"]["prompt"]  # the SDK's client sends a text as JSON
        self._started.pop(NEW, None)
        if prompt == BACKEND_DOWN:
            return JSONResponse(BACKEND_ERROR, 500)
        self._started[instance_id] = instance("Pending")
        if prompt == START_ANSWER_LOST:
            return JSONResponse(BACKEND_ERROR, 500)
        return JSONResponse({"id": instance_id}, 202)

    async def _status(self, request: Request) -> Response:
        instance_id = request.path_params["instance_id"]
        if instance_id == UNREADABLE:
            return JSONResponse(BACKEND_ERROR, 500)
        known = self._started.get(instance_id) or INSTANCES.get(instance_id)
        return Response(status_code=404) if known is None else JSONResponse(known)
