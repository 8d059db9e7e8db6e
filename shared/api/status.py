"""`GET` and `HEAD /api/status/{job_id}`: what the job's owner may see of it, read from its orchestration."""

import azure.durable_functions as df
from starlette.requests import Request
from starlette.responses import Response

from shared.api import responses
from shared.api.routes import STATUS
from shared.errors import BackendUnavailable
from shared.jobs.client import JobClient
from shared.jobs.ids import parse_job_id
from shared.logs import log_for

blueprint = df.Blueprint()


@blueprint.function_name("status")
@blueprint.route(route=STATUS.path, methods=STATUS.methods, auth_level=STATUS.auth_level)
@blueprint.durable_client_input(client_name="client")  # type: ignore[untyped-decorator]  # no types in the SDK
async def status(req: Request, client: df.DurableOrchestrationClient) -> Response:
    """Answer 200 with the job in whatever state, 404 where there is none, 500 where it cannot be read."""
    job_id = parse_job_id(str(req.path_params.get("job_id", "")))
    if job_id is None:
        return responses.error(404, responses.JOB_NOT_FOUND)
    try:
        view = await JobClient(client).view(job_id)
    except BackendUnavailable as error:
        log_for(job_id).error("status cannot be read: %s", error)
        return responses.error(500, responses.UNAVAILABLE)
    return responses.error(404, responses.JOB_NOT_FOUND) if view is None else responses.job_status(job_id, view)
