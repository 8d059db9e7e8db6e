"""`GET` and `HEAD /api/status/{job_id}`: what the job's owner may see of it, read from its orchestration.

Where that is gone, a job that has ended is read from its record: histories are kept for days, ends for good.
"""

import asyncio

import azure.durable_functions as df
from starlette.requests import Request
from starlette.responses import Response

from shared.api import responses
from shared.api.routes import STATUS
from shared.errors import AppError
from shared.jobs.client import JobClient
from shared.jobs.ids import JobId, parse_job_id
from shared.jobs.lifecycle import JobView
from shared.logs import log_for
from shared.wiring import services

DEADLINE_SECONDS = 4.0
"""For both reads together: the contract's Python client gives up after 5 s."""

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
        async with asyncio.timeout(DEADLINE_SECONDS):
            view = await JobClient(client).view(job_id) or await _view_on_record(job_id)
    except (AppError, TimeoutError) as error:
        log_for(job_id).error("status cannot be read: %s: %s", type(error).__name__, error)
        return responses.error(500, responses.UNAVAILABLE)
    return responses.error(404, responses.JOB_NOT_FOUND) if view is None else responses.job_status(job_id, view)


async def _view_on_record(job_id: JobId) -> JobView | None:
    record = await services().records.read(job_id)
    return None if record is None or record.end is None else JobView(record.end.status, record.end.code)
