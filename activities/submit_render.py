"""Ask the video service for the job's one render, exactly once as far as that can be known.

The service's create call is neither idempotent nor safe to repeat, and it costs money. So the intent is recorded before
the call, and the service's id right after it:

1. write the submission record, create-if-absent; an existing one means that an earlier attempt got this far;
2. submit;
3. claim the returned id for this job, create-if-absent, so that no other job in doubt can take it for its own;
4. add the id to the submission record.

A second run finds the record. Where it holds no id, nobody knows whether the service accepted: once a call that may
still be under way is over, the service is asked what it has, and a single unclaimed match is adopted. No match means
that it was not accepted, and the job is submitted again, a few times. More than one match, one that does not show whose
it is, or a service that cannot be asked, is *unknown*: the job's own rule decides between giving up and paying again.

Where `POST /api/generate` could not say that the job runs, or the job has ended before, there is a withdrawal in the
place of that record, and nothing is submitted.

A render that the service has forgotten is asked for once more, where the story says so: under a new intent, too.

Submitting again is an intent of its own, written create-if-absent as the successor of the one in doubt: of two runs
that come to the same conclusion at once, one submits.
"""

import contextlib
from uuid import uuid4

from shared.errors import (
    ProviderAmbiguous,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
    StorageError,
)
from shared.events.job_events import PROCESSING
from shared.jobs.ids import WITHDRAWN, JobId, claim_blob, resubmission_blob, submission_blob
from shared.jobs.models import SubmitRenderInput, SubmitRenderResult
from shared.ledger.submissions import SETTLE_SECONDS, moment_of
from shared.storage.base import Record
from shared.wiring import Services

MOST_ORDERS = 5
"""A job is submitted this often where each earlier one left no trace: a list may be wrong, and each may cost money."""


async def submit_render(payload: SubmitRenderInput, services: Services) -> SubmitRenderResult:
    """Return the upstream render that belongs to the job, submitting it where that has not been done.

    A second run, also one beside the first, returns the same render or raises `ProviderAmbiguous` until it is known.
    """
    submitted = await _submitted(payload, services)
    await services.announcements.tell(payload.job_id, PROCESSING)
    return submitted


async def _submitted(payload: SubmitRenderInput, services: Services) -> SubmitRenderResult:
    await _take_turn(payload, services)
    intent = _intent(payload, services, order=1)
    if await services.store.create_record(submission_blob(payload.job_id), intent):
        return await _submit(payload, services, intent)
    record = await services.store.read_record(submission_blob(payload.job_id)) or intent
    if WITHDRAWN in record:
        raise ProviderRejected("cancelled", "withdrawn: its caller was told that it had not been accepted, or ended it")
    upstream_id = record.get("upstream_id")
    if not isinstance(upstream_id, str):
        return await _settle(payload, services, record)
    if upstream_id == payload.lost_upstream_id:
        return await _again(payload, services, record)
    return SubmitRenderResult(upstream_id=upstream_id)


async def _take_turn(payload: SubmitRenderInput, services: Services) -> None:
    """See to it that the job may submit now, unless it has: raise `PlaceLost` or `TooEarly` where it may not."""
    if payload.grant is None:  # a job of version 1 knows no places
        return
    if await services.store.read_record(submission_blob(payload.job_id)) is None:
        await services.line.take_turn(payload.job_id, payload.grant)


async def _submit(payload: SubmitRenderInput, services: Services, intent: Record) -> SubmitRenderResult:
    try:
        upstream_id = await services.provider.submit(payload.spec)
        return await _own(payload, services, intent, upstream_id)
    except (ProviderRejected, ProviderThrottled, ProviderUnavailable):
        # Certainly not accepted: the next try is a first one again.
        with contextlib.suppress(StorageError):
            # This run's own intent only: a withdrawal, or another run's intent, may be in its place by now.
            await services.store.delete_record(submission_blob(payload.job_id), only=intent)
        raise
    except ProviderAmbiguous as doubt:
        doubted: Record = {**intent, "doubted_at": services.now().isoformat(), "accepted": doubt.accepted}
        # Unrecorded, it is waited out a little longer; it must not be hidden behind storage's trouble.
        with contextlib.suppress(StorageError):
            await services.store.replace_record(submission_blob(payload.job_id), doubted)
        raise


async def _own(payload: SubmitRenderInput, services: Services, intent: Record, upstream_id: str) -> SubmitRenderResult:
    claim: Record = {"job_id": payload.job_id}
    try:
        owner = payload.job_id
        if not await services.store.create_record(claim_blob(upstream_id), claim):
            owner = JobId(await services.submissions.owner(upstream_id) or "nobody")
    except StorageError as error:
        raise ProviderAmbiguous("submission_unknown", f"{upstream_id!r} cannot be claimed", accepted=True) from error
    if owner != payload.job_id:
        raise ProviderAmbiguous("submission_unknown", f"render {upstream_id!r} belongs to job {owner!r}")
    # From here on the id is safe: in the story's history, and in the claim, by which a run in doubt finds it.
    with contextlib.suppress(StorageError):
        await services.store.replace_record(submission_blob(payload.job_id), {**intent, "upstream_id": upstream_id})
    return SubmitRenderResult(upstream_id=upstream_id)


async def _settle(payload: SubmitRenderInput, services: Services, record: Record) -> SubmitRenderResult:
    """Find out what became of a submission whose answer is missing."""
    try:
        mine = await services.submissions.candidates(payload.job_id, payload.spec, record)
    except ProviderRejected:
        return await _unknown(payload, services, record)
    if len(mine) > 1 or not all(candidate.certain for candidate in mine):
        return await _unknown(payload, services, record)
    if mine:
        return await _own(payload, services, record, mine[0].upstream_id)
    return await _again(payload, services, record)


async def _unknown(payload: SubmitRenderInput, services: Services, record: Record) -> SubmitRenderResult:
    if payload.unknown_submission == "fail":
        raise ProviderRejected("submission_unknown", "nobody can say whether the render was accepted")
    return await _again(payload, services, record)


async def _again(payload: SubmitRenderInput, services: Services, record: Record) -> SubmitRenderResult:
    """Submit once more, under a new intent: what is looked for later is younger than this moment."""
    if record.get("accepted"):
        raise ProviderAmbiguous(
            "submission_unknown", "accepted under an id that is not known", retry_after_seconds=SETTLE_SECONDS
        )
    if services.now() >= payload.give_up_at:
        raise ProviderUnavailable("it is too late to ask for the render again")
    order = _order(record) + 1
    if order > MOST_ORDERS:
        raise ProviderRejected("upstream_unavailable", f"none of {MOST_ORDERS} submissions left a trace")
    if payload.grant is not None:
        await services.line.take_turn(payload.job_id, payload.grant)
    intent = _intent(payload, services, order)
    successor = resubmission_blob(payload.job_id, moment_of(record, "intended_at"))
    if not await services.store.create_record(successor, intent):
        # Another run is a step ahead, or died there.
        return await _settle(payload, services, await services.store.read_record(successor) or intent)
    await services.store.replace_record(submission_blob(payload.job_id), intent)
    return await _submit(payload, services, intent)


def _intent(payload: SubmitRenderInput, services: Services, order: int) -> Record:
    # Its own run marks it, since a record that is there already counts as written where it is the very same.
    return {"job_id": payload.job_id, "intended_at": services.now().isoformat(), "order": order, "run": uuid4().hex}


def _order(record: Record) -> int:
    order = record.get("order")
    return order if isinstance(order, int) else 1
