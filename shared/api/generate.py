"""`POST /api/generate`: accept a request and start its story."""

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import azure.durable_functions as df
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from shared.api import responses
from shared.api.refusals import BODY_LIMIT_BYTES
from shared.api.routes import GENERATE
from shared.errors import AppError
from shared.jobs.client import JobClient
from shared.jobs.ids import JobId, new_job_id
from shared.logs import log_for
from shared.telemetry.base import Period
from shared.wiring import Services, services

if TYPE_CHECKING:
    from shared.jobs.models import VideoRequest

BODY_DEADLINE_SECONDS = 20.0
"""For a body of at most 64 KiB; the caller's own patience is for the answer, and starts after the last byte."""

blueprint = df.Blueprint()


@blueprint.function_name("generate")
@blueprint.route(route=GENERATE.path, methods=GENERATE.methods, auth_level=GENERATE.auth_level)
@blueprint.durable_client_input(client_name="client")  # type: ignore[untyped-decorator]  # no types in the SDK
async def generate(req: Request, client: df.DurableOrchestrationClient) -> Response:
    """Answer 200 with the new job, or what is wrong; after a 500 its caller may ask again."""
    from shared.api.idempotency import idempotency_key  # noqa: PLC0415 - docs/decisions/0002
    from shared.api.parsing import BadRequest, parse_body  # noqa: PLC0415 - as above

    try:
        key = idempotency_key(req.headers)
        request = parse_body(req.headers.get("content-type"), await _body(req))
    except BadRequest as bad:
        return responses.error(bad.status, bad.detail)

    job_id = new_job_id()
    try:
        held = services().over(JobClient(client))
    except Exception as error:  # noqa: BLE001 - the caller reads the contract's sentence, whatever it is
        return _not_accepted(job_id, error)
    started = held.now()
    taken = await _take_in(held, job_id, request, key)
    if taken.outcome is not None:
        caller = req.headers.get("traceparent")
        held.telemetry.taken_in(taken.job_id, Period(started, held.now()), taken.outcome, caller)
    return taken.answer


class _Taken(NamedTuple):
    """What became of a request: its job, the answer, and what is told of it, None of one that is no job's."""

    job_id: JobId
    answer: Response
    outcome: str | None


async def _take_in(held: Services, job_id: JobId, request: "VideoRequest", key: str | None) -> _Taken:
    from shared.ledger.acceptance import KeyReused  # noqa: PLC0415 - docs/decisions/0002
    from shared.ledger.admission import TooManyJobs  # noqa: PLC0415 - as above

    log = log_for(job_id)
    try:
        accepted = await held.acceptance.accept(job_id, request, key)
    except TooManyJobs as many:
        log.warning("job not accepted: %s", many)
        return _Taken(job_id, responses.too_many_jobs(many.retry_after_seconds), None)
    except KeyReused as reused:
        log.warning("job not accepted: %s", reused)
        return _Taken(job_id, responses.key_reused(), None)
    except Exception as error:  # noqa: BLE001 - as in `generate`
        reason = error.reason if isinstance(error, AppError) else "unexpected"
        return _Taken(job_id, _not_accepted(job_id, error), reason)
    if accepted.replayed:
        log_for(accepted.job_id).info("job asked for once more, by its key")
    else:
        log.info("job accepted: %d s, %dx%d", request.duration, request.width, request.height)
    answer = responses.accepted(accepted.job_id, replayed=accepted.replayed)
    return _Taken(accepted.job_id, answer, "replayed" if accepted.replayed else "accepted")


def _not_accepted(job_id: JobId, error: Exception) -> Response:
    # What nobody has foreseen may show the request in its text.
    told = f": {error}" if isinstance(error, AppError | TimeoutError) else ""
    log_for(job_id).error("job not accepted: %s%s", type(error).__name__, told)
    return responses.error(500, responses.NOT_ACCEPTED)


async def _body(req: Request) -> bytes:
    """Read the body, no more of it than shows that it is too large; raise `BadRequest` (408) where it does not come."""
    from shared.api.parsing import BadRequest  # noqa: PLC0415 - as above

    received = bytearray()
    try:
        async with asyncio.timeout(BODY_DEADLINE_SECONDS):
            async for piece in req.stream():
                received += piece
                if len(received) > BODY_LIMIT_BYTES:
                    break
    except ClientDisconnect:
        return b""
    except TimeoutError:
        raise BadRequest(408, responses.BODY_TOO_SLOW) from None
    return bytes(received)
