"""The story of one job, from an accepted request to a verified video.

1. submit: ask the video service for the render, until it accepts or the deadline for submitting passes;
2. render: look at it between durable timers, quick at first and slower later, until it is finished;
3. fetch: stream the file into our own storage;
4. verify: open it there and hold it against the request; a broken copy is fetched once more;
5. done: the output says completed, or failed with a code. It never raises.

A wait is always a durable timer and ends at the stage's deadline. History stays short: after a number of waits the
story continues as new, carrying its state.
"""

from orchestrators.context import Context, Story
from orchestrators.stages import HistoryFull, StageFailed, Storyteller
from shared.jobs.lifecycle import completed_output, failed_output
from shared.jobs.models import (
    CheckRenderInput,
    CheckRenderResult,
    FetchRenderInput,
    FetchRenderResult,
    GenerateVideoInput,
    RenderSpec,
    SubmitRenderInput,
    SubmitRenderResult,
    VerifyVideoInput,
    VerifyVideoResult,
)
from shared.jobs.plan import render_spec
from shared.logs import log_for
from shared.names import CHECK_RENDER, FETCH_RENDER, SUBMIT_RENDER, VERIFY_VIDEO

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
        log_for(context.instance_id).info("job ended: %s", output)
    return output


def _live(context: Context) -> Story:
    job = GenerateVideoInput.model_validate(context.get_input())
    teller = Storyteller(context, job.flow, job.state)
    try:
        yield from _tell(teller, job)
    except StageFailed as failed:
        return failed_output(failed.code)
    except HistoryFull:
        context.continue_as_new(job.model_copy(update={"state": teller.state}).model_dump(mode="json"))
        return None
    return completed_output()


def _tell(teller: Storyteller, job: GenerateVideoInput) -> Story:
    spec = render_spec(job.request)
    flow = job.flow

    if teller.state.stage == "submit":
        teller.begin("submit", flow.submit_timeout_seconds)
        submission = SubmitRenderInput(
            job_id=job.job_id,
            spec=spec,
            unknown_submission=flow.unknown_submission,
            give_up_at=teller.deadline,
        )
        submitted = yield from teller.perform(SUBMIT_RENDER, submission, SubmitRenderResult)
        teller.enter("render", flow.render_timeout_seconds, upstream_id=submitted.upstream_id)

    upstream_id = teller.state.upstream_id or ""

    if teller.state.stage == "render":
        look = CheckRenderInput(job_id=job.job_id, upstream_id=upstream_id)
        if not teller.state.waits:
            yield from teller.wait_for_next_look()
        while True:
            seen = yield from teller.perform(CHECK_RENDER, look, CheckRenderResult)
            teller.show_progress(seen.progress)
            if seen.rendered:
                break
            yield from teller.wait_for_next_look()
        teller.enter("fetch", flow.store_timeout_seconds, progress=None)

    while True:
        try:
            yield from _store(teller, job, spec, upstream_id)
        except StageFailed as failed:
            if failed.code != "invalid_upstream_video" or teller.state.fetches >= MOST_FETCHES:
                raise
            teller.enter("fetch", flow.store_timeout_seconds)
        else:
            return None


def _store(teller: Storyteller, job: GenerateVideoInput, spec: RenderSpec, upstream_id: str) -> Story:
    if teller.state.stage == "fetch":
        teller.count_fetch()
        fetch = FetchRenderInput(job_id=job.job_id, upstream_id=upstream_id)
        yield from teller.perform(FETCH_RENDER, fetch, FetchRenderResult)
        teller.enter("verify", job.flow.store_timeout_seconds)
    yield from teller.perform(VERIFY_VIDEO, VerifyVideoInput(job_id=job.job_id, spec=spec), VerifyVideoResult)
    return None
