"""`POST /api/generate`: accept a request and start its story."""

import asyncio

import azure.durable_functions as df
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from shared.api import responses
from shared.api.refusals import BODY_LIMIT_BYTES
from shared.api.routes import GENERATE
from shared.errors import AppError, BackendUnavailable
from shared.jobs.client import JobClient
from shared.jobs.ids import WITHDRAWN, JobId, job_blob, new_job_id, submission_blob
from shared.logs import log_for
from shared.wiring import services

BODY_DEADLINE_SECONDS = 20.0
"""For a body of at most 64 KiB; the caller's own patience is for the answer, and starts after the last byte."""

RECORD_DEADLINE_SECONDS = 1.6
WITHDRAW_DEADLINE_SECONDS = 0.6
"""With the deadlines of `JobClient.start` they leave half a second, for a process that has just begun, of the 5 s after
which the contract's Python client gives up."""

blueprint = df.Blueprint()


@blueprint.function_name("generate")
@blueprint.route(route=GENERATE.path, methods=GENERATE.methods, auth_level=GENERATE.auth_level)
@blueprint.durable_client_input(client_name="client")  # type: ignore[untyped-decorator]  # no types in the SDK
async def generate(req: Request, client: df.DurableOrchestrationClient) -> Response:
    """Answer 200 with the new job, or what is wrong; after a 500 its caller may ask again."""
    from shared.api.parsing import BadRequest, parse_body  # noqa: PLC0415 - docs/decisions/0002
    from shared.jobs.models import GenerateVideoInput, VideoRequest  # noqa: PLC0415 - as above

    async def accept(job_id: JobId, request: VideoRequest) -> None:
        held = services()
        record: dict[str, object] = {
            "job_id": job_id,
            "accepted_at": held.now().isoformat(),
            "request": request.model_dump(mode="json"),
        }
        async with asyncio.timeout(RECORD_DEADLINE_SECONDS):
            if not await held.store.create_record(job_blob(job_id), record):
                raise BackendUnavailable(f"job {job_id!r} exists already")
        story = GenerateVideoInput(job_id=job_id, request=request, flow=held.flow)
        try:
            await JobClient(client).start(job_id, story.model_dump(mode="json"))
        except BackendUnavailable:
            if await _withdrawn(job_id):
                raise

    try:
        async with asyncio.timeout(BODY_DEADLINE_SECONDS):
            body = await _body(req)
        request = parse_body(req.headers.get("content-type"), body)
    except TimeoutError:
        return responses.error(408, responses.BODY_TOO_SLOW)
    except BadRequest as bad:
        return responses.error(bad.status, bad.detail)

    job_id = new_job_id()
    log = log_for(job_id)
    try:
        await accept(job_id, request)
    except (AppError, TimeoutError) as error:
        log.error("job not accepted: %s: %s", type(error).__name__, error)  # noqa: TRY400 - the sentence says it all
        return responses.error(500, responses.NOT_ACCEPTED)
    except Exception as error:  # noqa: BLE001 - the caller reads the contract's sentence, whatever it is
        log.error("job not accepted: %s", type(error).__name__)  # noqa: TRY400 - its text may show the request
        return responses.error(500, responses.NOT_ACCEPTED)
    log.info("job accepted: %d s, %dx%d", request.duration, request.width, request.height)
    return responses.accepted(job_id)


async def _withdrawn(job_id: JobId) -> bool:
    """Take the place of the job's one submission, so that a start which arrives after all costs nothing.

    False where the story was there first: then the job runs. Where storage cannot say in time, its caller is told that
    it does not, as if it had been withdrawn.
    """
    held = services()
    record: dict[str, object] = {"job_id": job_id, WITHDRAWN: held.now().isoformat()}
    try:
        async with asyncio.timeout(WITHDRAW_DEADLINE_SECONDS):
            return await held.store.create_record(submission_blob(job_id), record)
    except (AppError, TimeoutError) as error:
        log_for(job_id).warning("job not withdrawn: %s", type(error).__name__)
        return True


async def _body(req: Request) -> bytes:
    """Read the body, and no more of it than shows that it is too large."""
    received = bytearray()
    try:
        async for piece in req.stream():
            received += piece
            if len(received) > BODY_LIMIT_BYTES:
                break
    except ClientDisconnect:
        return b""
    return bytes(received)
