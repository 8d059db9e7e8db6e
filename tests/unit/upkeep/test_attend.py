"""Looking after one job: one that never started, one whose story is lost or stuck, one whose end is not on record."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from activities.submit_render import submit_render
from devtools.fakes.fake_instances import COMPLETED, FETCHING, RENDERING
from shared.errors import ProviderUnavailable
from shared.jobs.ids import CAPACITY, job_blob, key_blob, submission_blob, waiting_blob
from shared.jobs.lifecycle import JobSight, JobView
from shared.logs import LOGGER_NAME
from shared.upkeep.attend import STOP_TRIES
from shared.wiring import Limits
from tests.support.activities import START, World, submission
from tests.support.sweeping import CANCELLED, DAY, accepted, end_of, holders, sweep, with_place


@pytest.fixture
def world() -> World:
    return World(limits=Limits(renders=1))


@pytest.fixture(autouse=True)
def all_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER_NAME)


async def test_a_job_that_never_started_and_that_nobody_knows_is_removed(world: World) -> None:
    """Whoever accepted it died before it could say so: no render is paid for, nobody waits behind it."""
    job_id = await accepted(world)
    world.instances.sights.clear()
    world.later(180)

    await sweep(world)

    assert job_blob(job_id) not in world.store.names()
    assert waiting_blob(job_id) not in world.store.names()
    assert (world.store.record(submission_blob(job_id)) or {})["caller_was_refused"] is True
    assert not any(name.startswith("watch/") for name in world.store.names())
    assert len(world.instances.started) == 1


async def test_a_job_that_never_started_and_that_has_a_key_is_started(world: World) -> None:
    """Its caller may know the key, and expects a video."""
    job_id = await accepted(world, "a key")
    world.instances.sights.clear()
    world.later(180)

    await sweep(world)

    assert [started for started, _ in world.instances.started] == [job_id, job_id]
    assert world.instances.started[0] == world.instances.started[1]


async def test_a_job_that_died_before_it_was_on_record_leaves_its_key_free(world: World) -> None:
    """The appointment names the key."""
    job_id = await accepted(world, "a key")
    world.instances.sights.clear()
    await world.store.delete_record(job_blob(job_id))
    world.later(180)

    await sweep(world)

    assert key_blob("a key") not in world.store.names()
    assert waiting_blob(job_id) not in world.store.names()


async def test_a_job_that_was_withdrawn_leaves_nothing_but_its_withdrawal(world: World) -> None:
    """Storage was away when it was to be cleaned up after."""
    job_id = await accepted(world, "a key")
    world.instances.sights.clear()
    await world.services.submissions.withdraw(job_id, refused=True)
    world.later(180)

    await sweep(world)

    left = [name for name in world.store.names() if not name.startswith(("tallies/", CAPACITY))]
    assert left == [submission_blob(job_id)]


async def test_the_history_of_a_withdrawn_job_that_started_all_the_same_is_purged(world: World) -> None:
    """Nothing else would ever look at it again."""
    job_id = await accepted(world)
    await world.store.delete_record(job_blob(job_id))
    world.instances.sights[job_id] = CANCELLED
    world.later(180)

    await sweep(world)

    assert world.instances.purged == [job_id]


async def test_a_job_whose_story_is_lost_while_it_holds_a_place_is_started_again(world: World) -> None:
    """Its history was purged by an operator, say. What it has paid for is on record, so it is not paid for again."""
    job_id = await with_place(world, RENDERING)
    await submit_render(submission(job_id), world.services)
    world.instances.sights.clear()
    world.later(180)

    await sweep(world)

    assert [started for started, _ in world.instances.started] == [job_id, job_id]
    assert (await submit_render(submission(job_id), world.services)).upstream_id == "video_1"
    assert await holders(world) == [job_id]


async def test_a_job_whose_story_is_lost_after_its_deadline_is_ended(world: World) -> None:
    """It is too late for another."""
    job_id = await accepted(world, "a key")
    world.instances.sights.clear()
    world.later(9 * DAY)

    await sweep(world)

    end = end_of(world, job_id)
    assert end is not None
    assert (end.status, end.code) == ("failed", "internal")
    assert len(world.instances.started) == 1


async def test_a_job_that_goes_on_is_looked_at_once_a_day(world: World) -> None:
    """First soon after it was accepted, then daily, and at last an hour after its deadline."""
    await accepted(world)
    world.later(180)
    await sweep(world)
    first = [name for name in world.store.names() if name.startswith("watch/")]
    world.now = START + timedelta(days=8)
    await sweep(world)
    last = [name for name in world.store.names() if name.startswith("watch/")]

    tomorrow, overdue = START + timedelta(days=1, seconds=180), START + timedelta(days=8, hours=1)
    assert [name[:22] for name in first] == [f"watch/{tomorrow:%Y%m%dT%H%M%SZ}"]
    assert [name[:22] for name in last] == [f"watch/{overdue:%Y%m%dT%H%M%SZ}"]


async def test_a_job_that_is_stuck_with_a_place_is_ended_an_hour_after_its_stage(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Terminated, closed as an internal failure, its render stopped, the place free, and the log says why."""
    due = START + timedelta(hours=1)
    job_id = await with_place(world, replace(RENDERING, due=due))
    await submit_render(submission(job_id), world.services)
    world.now = due + timedelta(minutes=59)
    await sweep(world)
    assert await holders(world) == [job_id]

    world.later(60)
    await sweep(world)

    end = end_of(world, job_id)
    assert world.instances.terminated == [job_id]
    assert end is not None
    assert (end.status, end.code) == ("failed", "internal")
    assert world.provider.renders[0].cancelled
    assert await holders(world) == []
    assert f"[{job_id}] stuck" in caplog.text


async def test_a_job_that_is_stuck_elsewhere_is_found_within_a_day(world: World) -> None:
    """It keeps nobody waiting, but its caller."""
    job_id = await accepted(world)
    world.instances.sights[job_id] = replace(FETCHING, due=START + timedelta(minutes=30))
    world.later(180)
    await sweep(world)
    assert world.instances.terminated == []

    world.later(DAY)
    await sweep(world)

    assert world.instances.terminated == [job_id]


async def test_a_job_that_shows_no_deadline_is_stuck_an_hour_after_its_own(world: World) -> None:
    """Suspended by an operator, say, and never resumed."""
    job_id = await with_place(world, RENDERING)
    for days in (1, 2, 8):
        world.now = START + timedelta(days=days)
        await sweep(world)
    assert world.instances.terminated == []

    world.later(3660)
    await sweep(world)

    assert world.instances.terminated == [job_id]


async def test_a_stuck_story_that_had_shown_its_end_keeps_it(world: World) -> None:
    """What a caller has read stays true."""
    times = {"ended": "2026-01-01T12:00:00Z"}
    job_id = await with_place(world, JobSight(JobView("completed"), stage="close", times=times))
    world.later(8 * DAY + 3600)

    await sweep(world)

    end = end_of(world, job_id)
    assert end is not None
    assert end.status == "completed"


@pytest.mark.parametrize("sight", [COMPLETED, CANCELLED])
async def test_an_end_that_was_not_put_on_record_is(world: World, sight: JobSight) -> None:
    """The story could not reach storage, or an operator ended it."""
    job_id = await accepted(world)
    world.instances.sights[job_id] = sight
    world.later(180)

    await sweep(world)

    end = end_of(world, job_id)
    assert end is not None
    assert (end.status, end.code) == (sight.view.status, sight.view.code)
    assert waiting_blob(job_id) not in world.store.names()


async def test_a_service_that_cannot_be_told_to_stop_is_asked_in_several_sweeps_and_then_left_alone(
    world: World,
) -> None:
    """The job is closed all the same: it has ended for its caller long ago."""
    job_id = await with_place(world, RENDERING)
    await submit_render(submission(job_id), world.services)
    world.instances.sights[job_id] = CANCELLED
    world.provider.script("cancel", *[ProviderUnavailable("away")] * 100)
    world.later(180)

    for _ in range(STOP_TRIES - 1):
        await sweep(world)
        world.later(60)
    assert end_of(world, job_id) is None
    await sweep(world)

    assert end_of(world, job_id) is not None
    assert await holders(world) == []
