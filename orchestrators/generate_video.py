"""The story of one job, from an accepted request to a verified video.

1. wait: until the job has one of the places at the video service, in order of arrival; it waits for one event;
2. submit: ask the video service for the render, until it accepts; where it is full after all, back to the line's head;
3. render: look at it between durable timers, quick at first and slower later, until it is finished; free the place;
4. fetch: stream the file into our own storage;
5. verify: open it there and hold it against the request; a broken copy is fetched once more;
6. close: the end is shown, then what is left is tidied up: a render nobody wants, the place, the job's record.

A wait is always a durable timer and ends at the stage's deadline, at the latest at the job's, or when the job is
cancelled. History stays short: after a number of waits the story continues as new, carrying its state. It never raises.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from orchestrators.context import Context, Story
from orchestrators.stages import HistoryFull, ServiceIsFull, StageFailed, Storyteller, ended
from shared.errors import FailureCode
from shared.jobs.lifecycle import completed_output, failed_output
from shared.jobs.models import (
    CancelRenderInput,
    CancelRenderResult,
    CheckRenderInput,
    CheckRenderResult,
    CloseJobInput,
    CloseJobResult,
    FetchRenderInput,
    FetchRenderResult,
    GenerateVideoInput,
    JobEnd,
    ReleasePlaceInput,
    ReleasePlaceResult,
    RenderSpec,
    RequestPlaceInput,
    RequestPlaceResult,
    SubmitRenderInput,
    SubmitRenderResult,
    VerifyVideoInput,
    VerifyVideoResult,
)
from shared.jobs.plan import render_spec
from shared.jobs.policy import CANCEL_SECONDS, CLOSE_SECONDS, RELEASE_SECONDS, render_may_go_on, retry_delay
from shared.logs import log_for
from shared.names import (
    CANCEL_RENDER,
    CHECK_RENDER,
    CLOSE_JOB,
    FETCH_RENDER,
    PLACE_GRANTED,
    RELEASE_PLACE,
    REQUEST_PLACE,
    SUBMIT_RENDER,
    VERIFY_VIDEO,
)

MOST_FETCHES = 2
"""A file that does not open may have been broken on its way; a second such copy was broken at its source."""


def generate_video(context: Context) -> Story:
    """Tell the story of the job whose id is the instance id; the output is `completed` or `failed` with a code."""
    try:
        output = yield from _live(context)
    except Exception as error:  # noqa: BLE001 - raised, it would put a traceback with paths into durable history
        log_for(context.instance_id).error("the story broke: %s", type(error).__name__)
        output = failed_output("internal")
    if output is not None and not context.is_replaying:
        log_for(context.instance_id).info("job ended: %s %s", output["status"], output.get("code", ""))
    return output


def _live(context: Context) -> Story:
    job = GenerateVideoInput.model_validate(context.get_input())
    teller = Storyteller(context, job.flow, job.state, job.version)
    try:
        code: FailureCode | None = None
        if teller.state.end is None:
            try:
                yield from _tell(context, teller, job)
            except StageFailed as failed:
                code = failed.code
            if job.version == 1:
                return completed_output() if code is None else failed_output(code)
        return (yield from _close(teller, job, code))
    except HistoryFull:
        # Only what was set: a story of an older version must not grow fields that it never had.
        going_on = job.model_copy(update={"state": teller.state})
        context.continue_as_new(going_on.model_dump(mode="json", exclude_unset=True))
        return None


def _tell(context: Context, teller: Storyteller, job: GenerateVideoInput) -> Generator[Any, Any, None]:
    _begin(teller, job)
    try:
        if teller.state.stage == "wait":
            yield from _get_place(context, teller, job)
        if teller.state.stage == "submit":
            yield from _submit(teller, job)
        if teller.state.stage == "render":
            yield from _watch(teller, job)
        yield from _store(teller, job)
    except ServiceIsFull as full:
        _go_back_to_the_head(teller, job, full)
    except StageFailed as failed:
        if failed.code != "upstream_lost" or job.version == 1 or job.flow.unknown_submission != "resubmit":
            raise
        _ask_once_more(teller, job)
    else:
        return
    # The event that a place was granted is waited for once in an execution, so this is the end of this one.
    raise HistoryFull


def _begin(teller: Storyteller, job: GenerateVideoInput) -> None:
    if job.version == 1:
        teller.begin("submit", job.flow.submit_timeout_seconds)
        return
    teller.begin("wait", job.flow.wait_timeout_seconds)
    if teller.state.wait_deadline is None:
        teller.change(wait_deadline=teller.deadline)


def _ask_once_more(teller: Storyteller, job: GenerateVideoInput) -> None:
    """Replace a render that the service has lost: the operator has said that renders are free."""
    state = teller.state
    teller.enter("wait", job.flow.wait_timeout_seconds, lost_upstream_id=state.upstream_id, upstream_id=None)
    teller.change(wait_deadline=teller.deadline, turn=state.turn + 1)


def _get_place(context: Context, teller: Storyteller, job: GenerateVideoInput) -> Generator[Any, Any, None]:
    """Wait in line. An event only says "look": whether the place is ours is asked, so that a stale one does no harm."""
    state = teller.state
    granted = context.wait_for_external_event(PLACE_GRANTED)
    asked = RequestPlaceInput(
        job_id=job.job_id,
        turn=state.turn or None,
        give_back=state.give_back,
        pause_seconds=state.pause_seconds,
        pause_was_asked=state.pause_was_asked or None,
    )
    place = yield from teller.perform(REQUEST_PLACE, asked, RequestPlaceResult)
    teller.change(give_back=None, pause_seconds=None, pause_was_asked=False)
    while place.grant is None:
        came = yield from teller.wait_for(granted, place.ask_again_at)
        place = yield from teller.perform(REQUEST_PLACE, RequestPlaceInput(job_id=job.job_id), RequestPlaceResult)
        if came and place.grant is None:
            raise HistoryFull
    teller.note("placed")
    teller.enter("submit", job.flow.submit_timeout_seconds, grant=place.grant)


def _go_back_to_the_head(teller: Storyteller, job: GenerateVideoInput, full: ServiceIsFull) -> None:
    """Give the place back; whoever waits behind this job would be refused as well. It does not wait longer in all."""
    state = teller.state
    if state.wait_deadline is not None and teller.now >= state.wait_deadline:
        raise StageFailed("rate_limited")
    throttles = state.throttles + 1
    asked = full.failure.retry_after_seconds
    teller.change(
        stage="wait",
        deadline=state.wait_deadline,
        tries=0,
        grant=None,
        give_back=state.grant,
        throttles=throttles,
        turn=state.turn + 1,
        pause_seconds=retry_delay(job.flow, throttles, full.failure).total_seconds(),
        pause_was_asked=asked is not None,
    )


def _submit(teller: Storyteller, job: GenerateVideoInput) -> Generator[Any, Any, None]:
    state = teller.state
    submission = SubmitRenderInput(
        job_id=job.job_id,
        spec=render_spec(job.request),
        unknown_submission=job.flow.unknown_submission,
        give_up_at=teller.deadline,
        grant=state.grant,
        lost_upstream_id=state.lost_upstream_id,
    )
    submitted = yield from teller.perform(SUBMIT_RENDER, submission, SubmitRenderResult)
    teller.enter("render", job.flow.render_timeout_seconds, upstream_id=submitted.upstream_id)
    teller.change(accepted=True, throttles=0)
    teller.note("submitted")


def _watch(teller: Storyteller, job: GenerateVideoInput) -> Generator[Any, Any, None]:
    look = CheckRenderInput(job_id=job.job_id, upstream_id=teller.state.upstream_id or "")
    if not teller.state.waits:
        yield from teller.wait_for_next_look()
    while True:
        seen = yield from teller.perform(CHECK_RENDER, look, CheckRenderResult)
        teller.show_progress(seen.progress)
        if seen.rendered:
            break
        yield from teller.wait_for_next_look()
    teller.note("rendered")
    teller.enter("fetch", job.flow.store_timeout_seconds, progress=None)
    yield from _release(teller, job)


def _release(teller: Storyteller, job: GenerateVideoInput) -> Generator[Any, Any, None]:
    """Free the place for the next job. Where that fails, the sweep sees that this one no longer renders."""
    if teller.state.grant is None:
        return
    place = ReleasePlaceInput(job_id=job.job_id, grant=teller.state.grant)
    until = min(teller.deadline, teller.now + timedelta(seconds=RELEASE_SECONDS))
    try:
        yield from teller.perform(RELEASE_PLACE, place, ReleasePlaceResult, until=until)
    except StageFailed as failed:
        if failed.code == "cancelled":
            raise
        teller.change(tries=0)
    else:
        teller.change(grant=None)


def _store(teller: Storyteller, job: GenerateVideoInput) -> Generator[Any, Any, None]:
    while True:
        try:
            yield from _fetch_and_verify(teller, job, render_spec(job.request))
        except StageFailed as failed:
            if failed.code != "invalid_upstream_video" or teller.state.fetches >= MOST_FETCHES:
                raise
            teller.enter("fetch", job.flow.store_timeout_seconds)
        else:
            return


def _fetch_and_verify(teller: Storyteller, job: GenerateVideoInput, spec: RenderSpec) -> Generator[Any, Any, None]:
    if teller.state.stage == "fetch":
        teller.count_fetch()
        fetch = FetchRenderInput(job_id=job.job_id, upstream_id=teller.state.upstream_id or "")
        yield from teller.perform(FETCH_RENDER, fetch, FetchRenderResult)
        teller.enter("verify", job.flow.store_timeout_seconds)
    check = VerifyVideoInput(job_id=job.job_id, spec=spec, retention_seconds=job.flow.video_retention_seconds)
    verified = yield from teller.perform(VERIFY_VIDEO, check, VerifyVideoResult)
    teller.note("stored")
    teller.change(expires_at=verified.expires_at)


def _close(teller: Storyteller, job: GenerateVideoInput, code: FailureCode | None) -> Story:
    """Show the end, then tidy up; what cannot be tidied up in time is left to the sweep."""
    if teller.state.end is None:
        teller.note("ended")
        state = teller.state
        teller.change(in_line=state.stage in ("wait", "submit", "render") or state.grant is not None)
        teller.decide(
            JobEnd(
                status="completed" if code is None else "failed",
                code=code,
                times=state.times,
                submits=state.submits,
                expires_at=state.expires_at if code is None else None,
            )
        )
    end = teller.state.end
    if end is None:
        raise AssertionError("decided above, or by an earlier execution")
    if render_may_go_on(end):
        stop = CancelRenderInput(job_id=job.job_id, spec=render_spec(job.request))
        stopped = yield from teller.tidy_up(CANCEL_RENDER, stop, CancelRenderResult, CANCEL_SECONDS)
        if not stopped and teller.state.grant is not None:
            return ended(end)  # its place must not go to the next: the sweep goes on stopping it, and then closes it
    close = CloseJobInput(job_id=job.job_id, end=end, in_line=teller.state.in_line)
    yield from teller.tidy_up(CLOSE_JOB, close, CloseJobResult, CLOSE_SECONDS)
    return ended(end)
