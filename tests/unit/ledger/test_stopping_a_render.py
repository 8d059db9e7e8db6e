"""Stopping a job's render: whatever is known of its submission, nothing is submitted afterwards."""

import contextlib

import pytest

from activities.submit_render import submit_render
from devtools.fakes.fake_provider import ANSWER_LOST
from shared.errors import AppError, ProviderAmbiguous, ProviderRejected, ProviderUnavailable
from shared.jobs.ids import JobId, claim_blob, submission_blob
from shared.ledger.submissions import SETTLE_SECONDS
from tests.support.activities import OTHER_JOB_ID, SPEC, World, submission
from tests.support.builders import JOB_ID

JOB = JobId(JOB_ID)


@pytest.fixture
def world() -> World:
    return World()


async def stop(world: World) -> bool:
    return await world.services.submissions.stop(JOB, SPEC)


async def nothing_is_submitted(world: World) -> bool:
    """A message to submit is delivered once more."""
    before = len(world.provider.renders)
    with pytest.raises(ProviderRejected) as refused:
        await submit_render(submission(), world.services)
    return refused.value.code == "cancelled" and len(world.provider.renders) == before


async def test_a_job_that_has_submitted_nothing_never_will(world: World) -> None:
    """There is nothing to stop, and a message that is delivered late finds a withdrawal."""
    assert await stop(world) is False
    assert await stop(world) is False
    assert world.provider.calls == []
    assert await nothing_is_submitted(world)


async def test_a_render_is_stopped_however_often_it_is_asked_for(world: World) -> None:
    """The service is asked by the id on record."""
    await submit_render(submission(), world.services)

    assert await stop(world) is True
    assert await stop(world) is True
    assert [render.cancelled for render in world.provider.renders] == [True]


async def test_a_service_that_cannot_stop_is_left_to_it(world: World) -> None:
    """That is logged, and not tried for ever."""
    await submit_render(submission(), world.services)
    world.provider.script("cancel", ProviderRejected("upstream_failed", "no such route"))

    assert await stop(world) is True


async def test_a_service_that_cannot_be_reached_is_asked_again(world: World) -> None:
    """The story, or the sweep, tries later."""
    await submit_render(submission(), world.services)
    world.provider.script("cancel", ProviderUnavailable("away"))

    with pytest.raises(ProviderUnavailable):
        await stop(world)
    assert await stop(world) is True
    assert world.provider.renders[0].cancelled


async def in_doubt(world: World) -> None:
    world.provider.script("submit", ANSWER_LOST)
    with contextlib.suppress(AppError):
        await submit_render(submission(), world.services)


async def test_a_submission_in_doubt_is_looked_for_and_its_render_stopped(world: World) -> None:
    """Once the service's list can be trusted to show it."""
    await in_doubt(world)

    with pytest.raises(ProviderAmbiguous) as early:
        await stop(world)
    world.later(SETTLE_SECONDS)

    assert early.value.retry_after_seconds == SETTLE_SECONDS
    assert await stop(world) is True
    assert world.provider.renders[0].cancelled
    assert await nothing_is_submitted(world)


async def test_a_render_that_was_found_is_stopped_although_the_first_try_to_stop_it_failed(world: World) -> None:
    """What was found out is on record by then."""
    await in_doubt(world)
    world.later(SETTLE_SECONDS)
    world.provider.script("cancel", ProviderUnavailable("away"))

    with pytest.raises(ProviderUnavailable):
        await stop(world)

    assert await stop(world) is True
    assert world.provider.renders[0].cancelled


async def test_a_submission_in_doubt_that_came_to_nothing_is_withdrawn(world: World) -> None:
    """The service has no such render, and will have none."""
    world.provider.script("submit", ProviderAmbiguous("submission_unknown", "no answer"))
    with contextlib.suppress(AppError):
        await submit_render(submission(), world.services)
    world.later(SETTLE_SECONDS)

    assert await stop(world) is False
    assert await nothing_is_submitted(world)


@pytest.mark.parametrize("case", ["twins", "no prompts", "no list", "another job's"])
async def test_a_render_that_may_be_somebody_elses_is_not_stopped(world: World, case: str) -> None:
    """Stopping the wrong one would cost another job its video."""
    await in_doubt(world)
    world.later(SETTLE_SECONDS)
    if case == "twins":
        world.provider.add_render(SPEC, world.now)
    elif case == "no prompts":
        world.provider.tells_prompts = False
    elif case == "no list":
        world.provider.script("find", ProviderRejected("submission_unknown", "no list"))
    else:
        await world.store.create_record(claim_blob("video_1"), {"job_id": OTHER_JOB_ID})

    assert await stop(world) is False
    assert not any(render.cancelled for render in world.provider.renders)
    assert await nothing_is_submitted(world)


async def test_what_is_on_record_about_a_submission_is_removed_with_the_job(world: World) -> None:
    """The intents, the id and the claim; another job's claim stays."""
    await submit_render(submission(), world.services)
    await world.store.create_record(claim_blob("video_9"), {"job_id": OTHER_JOB_ID})
    await world.store.create_record(f"submissions/{JOB_ID}/20260101T120000.000000.json", {"job_id": JOB_ID})

    await world.services.submissions.forget(JOB)

    assert world.store.names() == [claim_blob("video_9")]


async def test_a_submission_is_not_withdrawn_once_it_was_made(world: World) -> None:
    """Who asks for a withdrawal is told whether it holds."""
    assert await world.services.submissions.withdraw(JOB)
    assert await world.services.submissions.withdraw(JOB)
    await world.store.delete_record(submission_blob(JOB))
    await submit_render(submission(), world.services)
    assert not await world.services.submissions.withdraw(JOB)
