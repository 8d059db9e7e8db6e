"""The durable backend of the golden world: it answers what the SDK's client asks of the Functions host."""

import json
from collections.abc import Mapping
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.names import CANCEL_JOB
from tests.support import golden_world as world
from tests.support.durable_client import BACKEND_ERROR, ENDED, instance

_WHEN_CANCELLED: Final[Mapping[str, Mapping[str, object]]] = {
    **dict.fromkeys(world.CANCELLED.values(), world.ENDED_BY_CANCELLATION),
    world.ENDS_FIRST: world.INSTANCES[world.COMPLETED],
}


class GoldenBackend:
    """Canned instances by id; a start is refused or half refused where the job's prompt says so."""

    def __init__(self) -> None:
        self._changed: dict[str, Any] = {}

    def app(self, path: str) -> Starlette:
        """Return the endpoints below `path`."""
        return Starlette(
            routes=[
                Route(f"{path}/orchestrators/{{name}}/{{instance_id}}", self._start, methods=["POST"]),
                Route(f"{path}/instances/{{instance_id}}", self._status, methods=["GET"]),
                Route(f"{path}/instances/{{instance_id}}/raiseEvent/{{event}}", self._raise_event, methods=["POST"]),
            ]
        )

    async def _start(self, request: Request) -> Response:
        instance_id = request.path_params["instance_id"]
        prompt = json.loads(await request.json())["request"]["prompt"]  # the SDK's client sends a text as JSON
        self._changed.pop(world.NEW, None)
        if prompt == world.BACKEND_DOWN:
            return JSONResponse(BACKEND_ERROR, 500)
        self._changed[instance_id] = instance("Pending")
        if prompt == world.START_ANSWER_LOST:
            return JSONResponse(BACKEND_ERROR, 500)
        return JSONResponse({"id": instance_id}, 202)

    async def _status(self, request: Request) -> Response:
        instance_id = request.path_params["instance_id"]
        if instance_id == world.UNREADABLE:
            return JSONResponse(BACKEND_ERROR, 500)
        known = self._known(instance_id)
        return Response(status_code=404) if known is None else JSONResponse(known)

    async def _raise_event(self, request: Request) -> Response:
        instance_id = request.path_params["instance_id"]
        if request.path_params["event"] != CANCEL_JOB or await request.json() != "null":
            return JSONResponse({"Message": "nobody waits for this"}, 400)
        if instance_id == world.NOT_TO_BE_TOLD:
            return JSONResponse(BACKEND_ERROR, 500)
        if instance_id in _WHEN_CANCELLED:
            self._changed[instance_id] = _WHEN_CANCELLED[instance_id]
        known = self._known(instance_id)
        if known is None:
            return Response(status_code=404)
        return Response(status_code=410 if known["runtimeStatus"] in ENDED else 202)

    def _known(self, instance_id: str) -> Any:
        return self._changed.get(instance_id) or world.INSTANCES.get(instance_id)
