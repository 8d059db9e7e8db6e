"""`submit_render` where nobody knows whether the service accepted: it asks, and the rule decides about the rest."""

import asyncio
import contextlib
from datetime import timedelta

import pytest

from activities.submit_render import submit_render
from devtools.fakes.fake_provider import ANSWER_LOST
from shared.errors import (
    AppError,
    ProviderAmbiguous,
    ProviderError,
    ProviderJobLost,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
    StorageUnavailable,
)
from shared.jobs.ids import JobId, claim_blob, submission_blob
from shared.jobs.models import SubmitRenderResult, UnknownSubmissionRule
from shared.ledger.submissions import CLOCK_SKEW, SETTLE_SECONDS
from tests.support.activities import OTHER_JOB_ID, SPEC, START, Killed, World, in_doubt, submission, until_known
from tests.support.builders import JOB_ID

INTENT = submission_blob(JobId(JOB_ID))
RULES: list[UnknownSubmissionRule] = ["fail", "resubmit"]


@pytest.fixture
async def world() -> World:
    """Return one in which the job's intent has been on record for long enough, and no answer ever came."""
    return await in_doubt()


async def claim(world: World, upstream_id: str, job_id: str) -> None:
    """Let a job own a render."""
    await world.store.create_record(claim_blob(upstream_id), {"job_id": job_id})


@pytest.mark.parametrize("rule", RULES)
async def test_a_submission_just_made_is_left_to_settle(rule: UnknownSubmissionRule) -> None:
    """The service may still be taking it in; the error says how long to wait."""
    world = World()
    world.provider.script("submit", ANSWER_LOST)
    with pytest.raises(ProviderAmbiguous):
        await submit_render(submission(), world.services)
    world.later(SETTLE_SECONDS - 4)

    with pytest.raises(ProviderAmbiguous) as raised:
        await submit_render(submission(rule=rule), world.services)

    assert raised.value.retry_after_seconds == pytest.approx(4)
    assert world.provider.calls == ["submit"]


@pytest.mark.parametrize("rule", RULES)
async def test_no_match_means_not_accepted_and_the_order_is_sent_again(
    world: World, rule: UnknownSubmissionRule
) -> None:
    """Under a new intent: what is looked for later is younger."""
    result = await submit_render(submission(rule=rule), world.services)

    assert result.upstream_id == "video_1"
    assert world.provider.calls == ["find", "submit"]
    record = await world.store.read_record(INTENT)
    assert record is not None
    assert record["intended_at"] == (START + timedelta(seconds=SETTLE_SECONDS)).isoformat()


@pytest.mark.parametrize("rule", RULES)
async def test_after_the_deadline_nothing_is_sent_any_more(world: World, rule: UnknownSubmissionRule) -> None:
    """The job will be given up: a render that it orders now would be paid for in vain."""
    world.later(3600)

    with pytest.raises(ProviderUnavailable):
        await submit_render(submission(rule=rule), world.services)

    assert world.provider.calls == ["find"]


async def test_after_the_deadline_nothing_is_sent_even_where_renders_are_free(world: World) -> None:
    """Also where the service cannot say what it has."""
    world.later(3600)
    world.provider.script("find", ProviderJobLost("HTTP 404"))

    with pytest.raises(ProviderUnavailable):
        await submit_render(submission(rule="resubmit"), world.services)

    assert world.provider.calls == ["find"]


async def test_after_the_deadline_an_accepted_render_is_still_adopted(world: World) -> None:
    """It has been paid for."""
    render = world.provider.add_render(SPEC, START)
    world.later(3600)

    assert (await submit_render(submission(), world.services)).upstream_id == render.upstream_id


@pytest.mark.parametrize("rule", RULES)
async def test_a_single_match_is_adopted(world: World, rule: UnknownSubmissionRule) -> None:
    """It is the job's own, and is claimed for it."""
    render = world.provider.add_render(SPEC, START)

    result = await submit_render(submission(rule=rule), world.services)

    assert result.upstream_id == render.upstream_id
    assert await world.store.read_record(claim_blob(render.upstream_id)) == {"job_id": JOB_ID}
    assert world.provider.calls == ["find"]
    assert len(world.provider.renders) == 1


async def test_a_match_from_a_clock_that_lags_is_adopted(world: World) -> None:
    """The service counts whole seconds, by its own clock."""
    render = world.provider.add_render(SPEC, START - CLOCK_SKEW + timedelta(seconds=1))

    assert (await submit_render(submission(), world.services)).upstream_id == render.upstream_id


async def test_a_render_from_before_the_intent_is_not_the_jobs(world: World) -> None:
    """Equal orders were made earlier, too."""
    old = world.provider.add_render(SPEC, START - CLOCK_SKEW - timedelta(seconds=2))

    assert (await submit_render(submission(), world.services)).upstream_id != old.upstream_id


@pytest.mark.parametrize("rule", RULES)
async def test_a_match_that_another_job_owns_is_left_to_it(world: World, rule: UnknownSubmissionRule) -> None:
    """Twins in prompt and size share nothing."""
    theirs = world.provider.add_render(SPEC, START)
    await claim(world, theirs.upstream_id, OTHER_JOB_ID)

    result = await submit_render(submission(rule=rule), world.services)

    assert result.upstream_id != theirs.upstream_id
    assert len(world.provider.renders) == 2


async def test_of_several_matches_the_one_that_is_already_claimed_for_the_job_is_taken(world: World) -> None:
    """An earlier run got as far as claiming it."""
    world.provider.add_render(SPEC, START)
    mine = world.provider.add_render(SPEC, START)
    await claim(world, mine.upstream_id, JOB_ID)

    assert (await submit_render(submission(), world.services)).upstream_id == mine.upstream_id
    assert len(world.provider.renders) == 2


async def test_of_several_matches_the_single_free_one_is_taken(world: World) -> None:
    """The others have owners."""
    theirs = world.provider.add_render(SPEC, START)
    free = world.provider.add_render(SPEC, START)
    await claim(world, theirs.upstream_id, OTHER_JOB_ID)

    assert (await submit_render(submission(), world.services)).upstream_id == free.upstream_id


async def test_several_free_matches_are_unknown_and_the_job_fails(world: World) -> None:
    """Guessing would give one job another's render, or pay for a third."""
    world.provider.add_render(SPEC, START)
    world.provider.add_render(SPEC, START)

    with pytest.raises(ProviderRejected) as raised:
        await submit_render(submission(), world.services)

    assert raised.value.code == "submission_unknown"
    assert not raised.value.retryable
    assert "submit" not in world.provider.calls


async def test_several_free_matches_are_submitted_again_where_the_rule_says_so(world: World) -> None:
    """Where renders are free."""
    world.provider.add_render(SPEC, START)
    world.provider.add_render(SPEC, START)

    result = await submit_render(submission(rule="resubmit"), world.services)

    assert result.upstream_id == "video_3"


NO_LIST = [ProviderRejected("submission_unknown", "no list"), ProviderJobLost("HTTP 404")]


@pytest.mark.parametrize("error", NO_LIST, ids=repr)
async def test_a_service_that_has_no_list_leaves_it_unknown_and_the_job_fails(
    world: World, error: ProviderError
) -> None:
    """Nobody can say."""
    world.provider.script("find", error)

    with pytest.raises(ProviderRejected) as raised:
        await submit_render(submission(), world.services)

    assert raised.value.code == "submission_unknown"
    assert world.provider.calls == ["find"]


@pytest.mark.parametrize("error", NO_LIST, ids=repr)
async def test_a_service_that_has_no_list_is_asked_again_where_the_rule_says_so(
    world: World, error: ProviderError
) -> None:
    """Where renders are free."""
    world.provider.script("find", error)

    result = await submit_render(submission(rule="resubmit"), world.services)

    assert result.upstream_id == "video_1"
    assert world.provider.calls == ["find", "submit"]


@pytest.mark.parametrize(
    "error",
    [ProviderThrottled("slow", retry_after_seconds=9), ProviderUnavailable("down", retry_after_seconds=9)],
    ids=repr,
)
@pytest.mark.parametrize("rule", RULES)
async def test_a_service_that_cannot_be_asked_now_is_asked_later(
    world: World, error: ProviderError, rule: UnknownSubmissionRule
) -> None:
    """Whatever the rule: not knowing yet is not the same as never knowing."""
    world.provider.script("find", error)

    with pytest.raises(ProviderAmbiguous) as raised:
        await submit_render(submission(rule=rule), world.services)

    assert raised.value.retryable
    assert raised.value.retry_after_seconds == 9
    assert world.provider.calls == ["find"]


async def test_an_answer_lost_again_has_its_own_time_to_settle(world: World) -> None:
    """Each order has its own intent, and its own render."""
    world.provider.script("submit", ANSWER_LOST)
    with pytest.raises(ProviderAmbiguous):
        await submit_render(submission(), world.services)
    world.later(SETTLE_SECONDS - 1)
    with pytest.raises(ProviderAmbiguous) as raised:
        await submit_render(submission(), world.services)
    assert raised.value.retry_after_seconds == pytest.approx(1)
    world.later(1)

    assert (await submit_render(submission(), world.services)).upstream_id == "video_1"
    assert len(world.provider.renders) == 1


async def test_twins_in_doubt_at_the_same_time_never_share_a_render() -> None:
    """Each ends with a render of its own, or knows that it cannot know."""
    world = World()
    for job_id in (JOB_ID, OTHER_JOB_ID):
        world.provider.script("submit", ANSWER_LOST)
        with pytest.raises(ProviderAmbiguous):
            await submit_render(submission(job_id), world.services)
    world.later(SETTLE_SECONDS)

    for job_id in (JOB_ID, OTHER_JOB_ID):
        with pytest.raises(ProviderRejected) as raised:
            await submit_render(submission(job_id), world.services)
        assert raised.value.code == "submission_unknown"

    assert len(world.provider.renders) == 2


async def test_a_render_that_a_twin_claims_in_the_same_moment_is_not_taken(world: World) -> None:
    """The claim decides, not the look before it."""
    theirs = world.provider.add_render(SPEC, START)
    read = world.store.read_record

    async def late(name: str) -> dict[str, object] | None:
        found = await read(name)
        if name == claim_blob(theirs.upstream_id) and found is None:
            await claim(world, theirs.upstream_id, OTHER_JOB_ID)
        return found

    world.store.read_record = late  # type: ignore[method-assign] # to let the twin in between look and claim

    with pytest.raises(ProviderAmbiguous):
        await submit_render(submission(), world.services)
    result = await submit_render(submission(), world.services)

    assert result.upstream_id != theirs.upstream_id
    assert await read(claim_blob(theirs.upstream_id)) == {"job_id": OTHER_JOB_ID}


async def test_two_runs_that_find_nothing_at_once_submit_once(world: World) -> None:
    """The durable backend may deliver a message twice; the second run waits for what becomes of the first."""
    first, second = await asyncio.gather(
        submit_render(submission(), world.services),
        submit_render(submission(), world.services),
        return_exceptions=True,
    )

    assert {type(first), type(second)} == {SubmitRenderResult, ProviderAmbiguous}
    assert len(world.provider.renders) == 1
    assert (await submit_render(submission(), world.services)).upstream_id == "video_1"


@pytest.mark.parametrize("error", [StorageUnavailable("down"), Killed()], ids=["storage down", "process killed"])
@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("nth", range(1, 7))
async def test_trouble_at_any_storage_call_while_submitting_again_costs_no_second_render(
    world: World, nth: int, error: BaseException, *, after_effect: bool
) -> None:
    """Looking, writing the successor, the intent, the claim and the id; the runs that follow end with one render."""
    world.store.fail_call(nth, after_effect=after_effect, error=error)

    with contextlib.suppress(AppError, Killed):
        await submit_render(submission(), world.services)
    result = await until_known(world)

    assert [render.upstream_id for render in world.provider.renders] == [result.upstream_id]


async def test_the_troubles_above_reach_every_storage_call(world: World) -> None:
    """Six of them, in a run that submits again."""
    before = len(world.store.calls)

    await submit_render(submission(), world.services)

    assert len(world.store.calls) - before == 6
