"""`GET` and `HEAD /api/health` and `/api/ready`: for load balancers and watchdogs, who have no key.

`health` says that this process answers, and touches nothing. `ready` says whether a job could be accepted now. Who asks
learns which part is failing and nothing else about it; why stands in the log.
"""

import azure.durable_functions as df
from starlette.requests import Request
from starlette.responses import Response

from shared.api import responses
from shared.api.readiness import Readiness, is_ready, look
from shared.api.routes import HEALTH, READY
from shared.errors import ConfigurationError
from shared.jobs.client import JobClient
from shared.logs import log
from shared.wiring import services

blueprint = df.Blueprint()


@blueprint.function_name("health")
@blueprint.route(route=HEALTH.path, methods=HEALTH.methods, auth_level=HEALTH.auth_level)
async def health(req: Request) -> Response:  # noqa: ARG001 - whoever asks, and however
    """Answer 200."""
    return responses.alive()


@blueprint.function_name("ready")
@blueprint.route(route=READY.path, methods=READY.methods, auth_level=READY.auth_level)
@blueprint.durable_client_input(client_name="client")  # type: ignore[untyped-decorator]  # no types in the SDK
async def ready(req: Request, client: df.DurableOrchestrationClient) -> Response:  # noqa: ARG001 - as above
    """Answer 200 where jobs can be accepted, else 503."""
    try:
        held = services()
    except ConfigurationError as error:
        log.error("not ready: %s", error)
        return responses.not_ready({"settings": "failing", "storage": "unknown", "backend": "unknown"})
    readiness: Readiness = held.kept.setdefault("readiness", Readiness())
    checks = await readiness.checks(lambda: look(held.store, JobClient(client)))
    return responses.ready() if is_ready(checks) else responses.not_ready(checks)
