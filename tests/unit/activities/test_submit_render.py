"""`submit_render` where it can know what became of its submission: no render is lost, none is paid for twice."""

import asyncio
import contextlib

import pytest

from activities.submit_render import submit_render
from devtools.fakes.fake_provider import ANSWER_LOST
from shared.errors import (
    AppError,
    ProviderAmbiguous,
    ProviderError,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
    StorageUnavailable,
)
from shared.jobs.ids import WITHDRAWN, JobId, claim_blob, submission_blob
from shared.jobs.models import SubmitRenderResult
from tests.support.activities import OTHER_JOB_ID, START, Killed, World, submission, until_known
from tests.support.builders import JOB_ID

INTENT = submission_blob(JobId(JOB_ID))


@pytest.fixture
def world() -> World:
    """Return a fresh one."""
    return World()


async def test_a_first_run_submits_once_and_records_the_render(world: World) -> None:
    """The intent, the claim and the id are all on record afterwards."""
    result = await submit_render(submission(), world.services)

    assert result == SubmitRenderResult(upstream_id="video_1")
    assert len(world.provider.renders) == 1
    assert await world.store.read_record(claim_blob("video_1")) == {"job_id": JOB_ID}
    record = await world.store.read_record(INTENT)
    assert record is not None
    assert (record["job_id"], record["intended_at"], record["upstream_id"]) == (JOB_ID, START.isoformat(), "video_1")


async def test_the_intent_is_on_record_before_the_service_is_asked(world: World) -> None:
    """Otherwise a crash in between would be forgotten, and paid for again."""
    seen: list[object] = []
    submit = world.provider.submit

    async def watched(spec: object) -> str:
        seen.append(await world.store.read_record(INTENT))
        return await submit(spec)  # type: ignore[arg-type] # passed on as it came

    world.provider.submit = watched  # type: ignore[method-assign] # to look at the very moment of the call

    await submit_render(submission(), world.services)

    (intent,) = seen
    assert isinstance(intent, dict)
    assert (intent["job_id"], intent["intended_at"], intent["order"]) == (JOB_ID, START.isoformat(), 1)
    assert "upstream_id" not in intent


async def test_a_second_run_returns_the_same_render_without_asking_the_service(world: World) -> None:
    """Activities run at least once."""
    first = await submit_render(submission(), world.services)
    world.later(3600)

    assert await submit_render(submission(), world.services) == first
    assert world.provider.calls == ["submit"]


async def test_a_withdrawn_job_is_never_submitted(world: World) -> None:
    """Its caller was told that it does not run, and may have ordered again."""
    await world.store.create_record(INTENT, {"job_id": JOB_ID, WITHDRAWN: START.isoformat()})

    with pytest.raises(ProviderRejected) as refused:
        await submit_render(submission(), world.services)

    assert refused.value.code == "cancelled"
    assert world.provider.renders == []


async def test_a_withdrawal_is_not_removed_with_an_intent_that_came_to_nothing(world: World) -> None:
    """Removing the intent may happen late, or twice; what stands in its place by then is not this run's."""
    withdrawal: dict[str, object] = {"job_id": JOB_ID, WITHDRAWN: START.isoformat()}

    async def withdrawn_meanwhile(spec: object) -> str:  # noqa: ARG001 - as the port has it
        await world.store.replace_record(INTENT, withdrawal)
        raise ProviderThrottled("no place")

    world.provider.submit = withdrawn_meanwhile  # type: ignore[method-assign] # to act at the very moment of the call

    with pytest.raises(ProviderThrottled):
        await submit_render(submission(), world.services)

    assert await world.store.read_record(INTENT) == withdrawal


async def test_two_jobs_of_the_same_prompt_get_two_renders(world: World) -> None:
    """Equal orders are two orders."""
    first = await submit_render(submission(), world.services)
    second = await submit_render(submission(OTHER_JOB_ID), world.services)

    assert first != second
    assert len(world.provider.renders) == 2


async def test_two_runs_at_once_submit_once(world: World) -> None:
    """The one that comes second learns that it does not know, and finds the render when it asks again."""
    first, second = await asyncio.gather(
        submit_render(submission(), world.services),
        submit_render(submission(), world.services),
        return_exceptions=True,
    )

    assert first == SubmitRenderResult(upstream_id="video_1")
    assert second == first or isinstance(second, ProviderAmbiguous)
    assert await submit_render(submission(), world.services) == first
    assert len(world.provider.renders) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        ProviderRejected("content_policy", "no"),
        ProviderRejected("upstream_auth", "no"),
        ProviderThrottled("full", retry_after_seconds=7),
        ProviderUnavailable("refused"),
    ],
    ids=repr,
)
async def test_a_certain_refusal_frees_the_intent_and_passes_through(world: World, refusal: ProviderError) -> None:
    """The next try is a first one again: at once, and without a search."""
    world.provider.script("submit", refusal)

    with pytest.raises(ProviderError) as raised:
        await submit_render(submission(), world.services)

    assert raised.value is refusal
    assert world.store.names() == []
    assert (await submit_render(submission(), world.services)).upstream_id == "video_1"
    assert world.provider.calls == ["submit", "submit"]


async def test_an_unclear_answer_keeps_the_intent(world: World) -> None:
    """It may have been accepted: nothing is sent again before that is known."""
    world.provider.script("submit", ANSWER_LOST)

    with pytest.raises(ProviderAmbiguous):
        await submit_render(submission(), world.services)

    record = await world.store.read_record(INTENT)
    assert record is not None
    assert record["intended_at"] == record["doubted_at"] == START.isoformat()
    assert "upstream_id" not in record


def store_calls_of_a_first_run() -> int:
    """Count them, so that no later one goes untested."""
    world = World()
    asyncio.run(submit_render(submission(), world.services))
    return len(world.store.calls)


@pytest.mark.parametrize("error", [StorageUnavailable("down"), Killed()], ids=["storage down", "process killed"])
@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("nth", range(1, store_calls_of_a_first_run() + 1))
async def test_trouble_at_any_storage_call_costs_no_second_render(
    world: World, nth: int, error: BaseException, *, after_effect: bool
) -> None:
    """Before or after the call's effect; the runs that follow end with the one render that was made."""
    world.store.fail_call(nth, after_effect=after_effect, error=error)

    with contextlib.suppress(AppError, Killed):
        await submit_render(submission(), world.services)
    result = await until_known(world)

    assert len(world.provider.renders) == 1
    assert result.upstream_id == world.provider.renders[0].upstream_id
    assert await world.store.read_record(claim_blob(result.upstream_id)) == {"job_id": JOB_ID}
    assert await submit_render(submission(), world.services) == result


async def test_a_process_killed_while_the_service_works_costs_no_second_render(world: World) -> None:
    """The order was accepted, and nobody was left to hear it."""
    world.provider.script("submit", Killed())

    with pytest.raises(Killed):
        await submit_render(submission(), world.services)
    world.provider.add_render(submission().spec, world.now)

    assert (await until_known(world)).upstream_id == "video_1"
    assert len(world.provider.renders) == 1
