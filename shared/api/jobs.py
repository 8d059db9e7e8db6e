"""`GET`, `HEAD` and `DELETE /api/jobs/{job_id}`: a job as its owner wants to see it, and its end before its time."""

import asyncio
from typing import Final

import azure.durable_functions as df
from starlette.requests import Request
from starlette.responses import Response

from shared.api import responses
from shared.api.job_details import job_details, sight_on_record, stands_in_line
from shared.api.routes import CANCEL, JOB
from shared.errors import AppError
from shared.jobs.client import JobClient
from shared.jobs.ids import JobId, cancellation_blob, parse_job_id
from shared.jobs.lifecycle import JobSight
from shared.logs import log_for
from shared.names import CANCEL_JOB
from shared.wiring import Services, services

DEADLINE_SECONDS: Final = 4.0
"""The contract's Python client gives up after 5 s."""

NOTICE_SECONDS: Final = 1.5
"""A cancelled job is watched for so long, so that the answer shows that it has ended, which takes a moment."""

LOOK_AGAIN_SECONDS: Final = 0.1

blueprint = df.Blueprint()


@blueprint.function_name("job")
@blueprint.route(route=JOB.path, methods=JOB.methods, auth_level=JOB.auth_level)
@blueprint.durable_client_input(client_name="client")  # type: ignore[untyped-decorator]  # no types in the SDK
async def job(req: Request, client: df.DurableOrchestrationClient) -> Response:
    """Answer 200 with the job in whatever state, 404 where there is none, 500 where it cannot be read."""
    return await _answer(req, JobClient(client), cancel=False)


@blueprint.function_name("cancel")
@blueprint.route(route=CANCEL.path, methods=CANCEL.methods, auth_level=CANCEL.auth_level)
@blueprint.durable_client_input(client_name="client")  # type: ignore[untyped-decorator]  # no types in the SDK
async def cancel(req: Request, client: df.DurableOrchestrationClient) -> Response:
    """Answer 200 with the job, which has ended or will in a moment; 404 where there is none, 500."""
    return await _answer(req, JobClient(client), cancel=True)


async def _answer(req: Request, instances: JobClient, *, cancel: bool) -> Response:
    job_id = parse_job_id(str(req.path_params.get("job_id", "")))
    if job_id is None:
        return responses.error(404, responses.JOB_NOT_FOUND)
    try:
        held = services().over(instances)
        async with asyncio.timeout(DEADLINE_SECONDS):
            sight, record = await asyncio.gather(instances.sight(job_id), held.records.read(job_id))
            sight = sight or sight_on_record(record)
            if sight is not None and cancel and not sight.view.has_ended:
                sight = await _cancelled(held, instances, job_id)
            if sight is None:
                return responses.error(404, responses.JOB_NOT_FOUND)
            position = await held.waiting.position(job_id) if stands_in_line(sight) else None
    except (AppError, TimeoutError) as error:
        what = "cancelled" if cancel else "read"
        log_for(job_id).error("job cannot be %s: %s: %s", what, type(error).__name__, error)
        return responses.error(500, responses.UNAVAILABLE)
    details = job_details(job_id, sight, record, position, held.now())
    return responses.job(details, ended=sight.view.has_ended)


async def _cancelled(held: Services, instances: JobClient, job_id: JobId) -> JobSight | None:
    """Put the cancellation on record, so that no crash loses it, tell the story, and wait a moment for its end."""
    await held.store.create_record(cancellation_blob(job_id), {"job_id": job_id, "at": held.now().isoformat()})
    await instances.signal(job_id, CANCEL_JOB)
    log_for(job_id).info("job is to be cancelled")
    clock = asyncio.get_running_loop().time
    deadline = clock() + NOTICE_SECONDS
    while True:
        sight = await instances.sight(job_id)
        if sight is None or sight.view.has_ended or clock() >= deadline:
            return sight
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
