"""Ask the video service for the job's one render, exactly once as far as that can be known.

The service's create call is neither idempotent nor safe to repeat, and it costs money. So the intent is recorded before
the call, and the service's id right after it:

1. write the submission record, create-if-absent; an existing one means that an earlier attempt got this far;
2. submit;
3. claim the returned id for this job, create-if-absent, so that no other job in doubt can take it for its own;
4. add the id to the submission record.

A second run finds the record. Where it holds no id, nobody knows whether the service accepted: the service is asked
what it has, and a single unclaimed match is adopted. No match means that it was not accepted; more than one, or a
service that cannot be asked, is *unknown*, and the job's own rule decides between giving up and paying again.

Submitting again is an intent of its own, written create-if-absent as the successor of the one in doubt: of two runs
that come to the same conclusion at once, one submits.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.errors import ProviderAmbiguous, ProviderError, ProviderRejected, ProviderThrottled, ProviderUnavailable
from shared.jobs.ids import claim_blob, resubmission_blob, submission_blob
from shared.jobs.models import SubmitRenderInput, SubmitRenderResult
from shared.providers.base import RenderCandidate
from shared.storage.base import Record
from shared.wiring import Services

SETTLE_SECONDS = 10.0
"""A submission in doubt is looked for only after this long: until then the service may still be taking it in."""

CLOCK_SKEW = timedelta(seconds=5)
"""How far the service's clock may lag behind ours when it stamps a render; it counts whole seconds, too."""


async def submit_render(payload: SubmitRenderInput, services: Services) -> SubmitRenderResult:
    """Return the upstream render that belongs to the job, submitting it where that has not been done.

    A second run, also one beside the first, returns the same render or raises `ProviderAmbiguous` until it is known.
    """
    intent = _intent(payload, services.now())
    if await services.store.create_record(submission_blob(payload.job_id), intent):
        return await _submit(payload, services)
    record = await services.store.read_record(submission_blob(payload.job_id)) or intent
    upstream_id = record.get("upstream_id")
    if isinstance(upstream_id, str):
        return SubmitRenderResult(upstream_id=upstream_id)
    return await _settle(payload, services, datetime.fromisoformat(str(record["intended_at"])))


async def _submit(payload: SubmitRenderInput, services: Services) -> SubmitRenderResult:
    try:
        upstream_id = await services.provider.submit(payload.spec)
    except (ProviderRejected, ProviderThrottled, ProviderUnavailable):
        # Certainly not accepted: the next try is a first one again.
        await services.store.delete_record(submission_blob(payload.job_id))
        raise
    return await _own(payload, services, upstream_id)


async def _own(payload: SubmitRenderInput, services: Services, upstream_id: str) -> SubmitRenderResult:
    claim: Record = {"job_id": payload.job_id}
    if not await services.store.create_record(claim_blob(upstream_id), claim):
        owner = await _owner(services, upstream_id)
        if owner != payload.job_id:
            raise ProviderAmbiguous("submission_unknown", f"render {upstream_id!r} belongs to job {owner!r}")
    intent = _intent(payload, services.now())
    await services.store.replace_record(submission_blob(payload.job_id), {**intent, "upstream_id": upstream_id})
    return SubmitRenderResult(upstream_id=upstream_id)


async def _settle(payload: SubmitRenderInput, services: Services, intended_at: datetime) -> SubmitRenderResult:
    """Find out what became of a submission whose answer is missing."""
    age = (services.now() - intended_at).total_seconds()
    if age < SETTLE_SECONDS:
        raise ProviderAmbiguous("submission_unknown", "submission in doubt", retry_after_seconds=SETTLE_SECONDS - age)
    try:
        candidates = await services.provider.find(payload.spec, intended_at - CLOCK_SKEW)
    except (ProviderThrottled, ProviderUnavailable) as error:
        raise ProviderAmbiguous(
            "submission_unknown", f"cannot ask yet: {error}", retry_after_seconds=error.retry_after_seconds
        ) from error
    except ProviderError:
        return await _unknown(payload, services, intended_at)
    mine = await _claimable(payload, services, candidates)
    if len(mine) > 1:
        return await _unknown(payload, services, intended_at)
    if mine:
        return await _own(payload, services, mine[0].upstream_id)
    return await _again(payload, services, intended_at)


async def _claimable(
    payload: SubmitRenderInput, services: Services, candidates: Sequence[RenderCandidate]
) -> list[RenderCandidate]:
    """Return the candidates that no other job owns; only the own one where there is such a claim already."""
    free: list[RenderCandidate] = []
    for candidate in candidates:
        owner = await _owner(services, candidate.upstream_id)
        if owner == payload.job_id:
            return [candidate]
        if owner is None:
            free.append(candidate)
    return free


async def _owner(services: Services, upstream_id: str) -> str | None:
    claim = await services.store.read_record(claim_blob(upstream_id))
    return None if claim is None else str(claim.get("job_id"))


async def _unknown(payload: SubmitRenderInput, services: Services, intended_at: datetime) -> SubmitRenderResult:
    if payload.unknown_submission == "fail":
        raise ProviderRejected("submission_unknown", "nobody can say whether the render was accepted")
    return await _again(payload, services, intended_at)


async def _again(payload: SubmitRenderInput, services: Services, intended_at: datetime) -> SubmitRenderResult:
    """Submit once more, under a new intent: what is looked for later is younger than this moment."""
    if services.now() >= payload.give_up_at:
        raise ProviderUnavailable("it is too late to ask for the render again")
    intent = _intent(payload, services.now())
    successor = resubmission_blob(payload.job_id, intended_at)
    if not await services.store.create_record(successor, intent):
        # Another run is a step ahead, or died there.
        record = await services.store.read_record(successor) or intent
        return await _settle(payload, services, datetime.fromisoformat(str(record["intended_at"])))
    await services.store.replace_record(submission_blob(payload.job_id), intent)
    return await _submit(payload, services)


def _intent(payload: SubmitRenderInput, now: datetime) -> Record:
    return {"job_id": payload.job_id, "intended_at": now.isoformat()}
