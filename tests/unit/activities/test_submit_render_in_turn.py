"""`submit_render` where the service takes so many calls a minute, and where a render is to be replaced."""

import pytest

from activities.submit_render import MOST_ORDERS, submit_render
from devtools.fakes.fake_instances import SUBMITTING
from shared.errors import PlaceLost, ProviderRejected, ProviderThrottled, TooEarly
from shared.jobs.ids import CAPACITY, JobId
from shared.jobs.models import RequestPlaceInput, SubmitRenderInput
from shared.wiring import Limits
from tests.support.activities import OTHER_JOB_ID, World, submission
from tests.support.builders import JOB_ID


def busy(a_minute: int | None = 1) -> World:
    return World(limits=Limits(renders=3, submits_per_minute=a_minute))


async def with_place(world: World, job_id: str = JOB_ID, lost: str | None = None) -> SubmitRenderInput:
    """Return the input of a job that has its place."""
    job = JobId(job_id)
    world.instances.sights[job] = SUBMITTING
    await world.services.line.join(job)
    grant = (await world.services.line.request(RequestPlaceInput(job_id=job))).grant
    return submission(job_id).model_copy(update={"grant": grant, "lost_upstream_id": lost})


async def test_the_second_submission_in_a_minute_waits_for_its_turn() -> None:
    """Nothing is sent and nothing is written down as submitted; afterwards it goes well."""
    world = busy()
    first, second = await with_place(world), await with_place(world, OTHER_JOB_ID)
    await submit_render(first, world.services)

    with pytest.raises(TooEarly) as early:
        await submit_render(second, world.services)
    assert world.provider.calls == ["submit"]
    world.later(early.value.retry_after_seconds or 0)

    assert (await submit_render(second, world.services)).upstream_id == "video_2"


async def test_a_submission_that_was_refused_counts_as_one_of_the_minute() -> None:
    """The service counts calls, not renders."""
    world = busy()
    asked = await with_place(world)
    world.provider.script("submit", ProviderThrottled("too many"))

    with pytest.raises(ProviderThrottled):
        await submit_render(asked, world.services)
    with pytest.raises(TooEarly):
        await submit_render(asked, world.services)


async def test_a_job_that_has_been_submitted_takes_no_second_turn() -> None:
    """Delivered again, the message finds the record; others are not kept waiting for it."""
    world = busy()
    first, second = await with_place(world), await with_place(world, OTHER_JOB_ID)
    await submit_render(first, world.services)
    world.later(61)

    await submit_render(first, world.services)

    assert (await submit_render(second, world.services)).upstream_id == "video_2"


async def test_a_service_without_a_limit_costs_no_turn() -> None:
    """Nothing is written about places."""
    world = busy(None)
    asked = await with_place(world)
    world.store.calls.clear()

    await submit_render(asked, world.services)

    assert [call.method for call in world.store.calls if call.name == CAPACITY] == ["read_versioned"]


async def test_a_message_that_is_delivered_after_the_place_was_given_back_does_not_submit() -> None:
    """The service was full, and the job waits in line again: others have its place by now."""
    world = busy(None)
    asked = await with_place(world)
    world.provider.script("submit", ProviderThrottled("full"))
    with pytest.raises(ProviderThrottled):
        await submit_render(asked, world.services)
    back = RequestPlaceInput(job_id=asked.job_id, turn=1, give_back=asked.grant, pause_seconds=30)
    await world.services.line.request(back)

    with pytest.raises(PlaceLost):
        await submit_render(asked, world.services)

    assert world.provider.renders == []


async def test_a_job_that_has_been_submitted_needs_no_place_to_be_told_so() -> None:
    """Its place may be gone by then: what was paid for is on record."""
    world = busy(None)
    asked = await with_place(world)
    first = await submit_render(asked, world.services)
    await world.services.line.release(asked.job_id, asked.grant or "")

    assert await submit_render(asked, world.services) == first


async def test_a_render_that_the_service_lost_is_asked_for_once_more() -> None:
    """Under a new intent; delivered again, the message finds the new render."""
    world = busy(None)
    asked = await with_place(world)
    lost = (await submit_render(asked, world.services)).upstream_id
    world.provider.renders[0].lost = True
    again = asked.model_copy(update={"lost_upstream_id": lost})

    first = await submit_render(again, world.services)
    second = await submit_render(again, world.services)

    assert first.upstream_id == second.upstream_id == "video_2"
    assert len(world.provider.renders) == 2


async def test_a_lost_render_is_replaced_only_so_often() -> None:
    """A service that forgets everything is not paid for ever."""
    world = busy(None)
    asked = await with_place(world)
    lost = (await submit_render(asked, world.services)).upstream_id
    for _ in range(MOST_ORDERS - 1):
        world.later(1)
        lost = (await submit_render(asked.model_copy(update={"lost_upstream_id": lost}), world.services)).upstream_id

    with pytest.raises(ProviderRejected):
        await submit_render(asked.model_copy(update={"lost_upstream_id": lost}), world.services)
    assert len(world.provider.renders) == MOST_ORDERS


async def test_a_replacement_waits_for_its_turn_as_well() -> None:
    """It is a call to submit like any other."""
    world = busy()
    asked = await with_place(world)
    lost = (await submit_render(asked, world.services)).upstream_id

    with pytest.raises(TooEarly):
        await submit_render(asked.model_copy(update={"lost_upstream_id": lost}), world.services)
    assert len(world.provider.renders) == 1
