"""The sweep: what it finds, what it does about it, and that it does nothing where there is nothing to do."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from ulid import ULID

from devtools.fakes.fake_instances import COMPLETED, FETCHING, RENDERING, SUBMITTING, WAITING
from shared.jobs.ids import (
    CAPACITY,
    JobId,
    cancellation_blob,
    waiting_blob,
)
from shared.jobs.lifecycle import JobSight, JobView
from shared.logs import LOGGER_NAME
from shared.names import CANCEL_JOB, PLACE_GRANTED
from shared.upkeep.sweep import sweep_once
from shared.wiring import Limits
from tests.support.activities import World
from tests.support.sweeping import CANCELLED, DAY, accepted, end_of, holders, sweep, with_place
from tests.support.watch import Watch


@pytest.fixture
def world() -> World:
    return World(limits=Limits(renders=1))


@pytest.fixture(autouse=True)
def all_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER_NAME)


async def test_nothing_to_do_costs_five_reads(world: World) -> None:
    """An app that is idle for weeks sweeps every minute."""
    await sweep(world)

    assert [(call.method, call.name) for call in world.store.calls] == [
        ("read_record", CAPACITY),
        ("read_versioned", CAPACITY),
        ("list_names", "waiting/"),
        ("list_names", "cancellations/"),
        ("list_names", "watch/"),
    ]
    assert world.instances.looks == []


async def test_who_watches_is_told_how_long_the_line_is(world: World) -> None:
    """For one listing more: how many wait, and for how long the first of them has."""
    watch = Watch()
    await with_place(world, RENDERING)
    for minutes in (7, 2, 1):
        job_id = JobId(str(ULID.from_datetime(world.now - timedelta(minutes=minutes))).lower())
        await world.store.create_record(waiting_blob(job_id), {"job_id": job_id})
    world.store.calls.clear()

    await sweep_once(replace(world.services, telemetry=watch.telemetry, kept={}), world.instances)

    metrics = watch.metrics()
    assert metrics["video.jobs.waiting"] == [({}, 3)]
    [(_, seconds)] = metrics["video.jobs.oldest_wait"]
    assert seconds == pytest.approx(420, abs=0.01)
    assert len([call for call in world.store.calls if call.name == "waiting/"]) == 1


async def test_empty_line_is_told_as_well(world: World) -> None:
    """A zero says that all is well; nothing would say that nobody looked."""
    watch = Watch()

    await sweep_once(replace(world.services, telemetry=watch.telemetry), world.instances)

    metrics = watch.metrics()
    assert (metrics["video.jobs.waiting"], metrics["video.jobs.oldest_wait"]) == ([({}, 0)], [({}, 0)])


async def test_jobs_that_wait_cost_nothing_more_however_many_they_are(world: World) -> None:
    """Only who holds a place, is overdue or was cancelled is looked at."""
    await with_place(world, RENDERING)
    for _ in range(50):
        await accepted(world)
    world.later(DAY / 2)
    await sweep(world)
    world.later(60)
    world.store.calls.clear()
    world.instances.looks.clear()

    await sweep(world)

    assert len(world.store.calls) <= 5
    assert len(world.instances.looks) == 1


# Places.


async def test_a_job_that_has_a_place_without_knowing_it_is_told_once_more(world: World) -> None:
    """The event was lost with whoever was to send it."""
    job_id = await with_place(world, WAITING)
    await sweep(world)
    assert world.instances.signals == []

    world.later(30)
    await sweep(world)

    assert world.instances.signals == [(job_id, PLACE_GRANTED)]
    assert await holders(world) == [job_id]


CLOSING = JobSight(JobView("failed", "cancelled"), stage="close")


@pytest.mark.parametrize("sight", [SUBMITTING, RENDERING, CLOSING, JobSight(JobView("queued"))])
async def test_a_job_that_uses_its_place_keeps_it(world: World, sight: JobSight) -> None:
    """However long its render takes, or stopping it."""
    job_id = await with_place(world, sight)
    world.later(7200)

    await sweep(world)

    assert await holders(world) == [job_id]
    assert world.instances.signals == []


@pytest.mark.parametrize("sight", [FETCHING, COMPLETED, CANCELLED])
async def test_a_place_that_is_not_needed_any_more_goes_to_the_next_in_line(world: World, sight: JobSight) -> None:
    """Its job could not free it, or was ended by an operator."""
    await with_place(world, sight)
    other = await accepted(world)
    world.later(60)

    await sweep(world)

    assert await holders(world) == [other]
    assert (other, PLACE_GRANTED) in world.instances.signals


async def test_a_free_place_is_given_away_although_nobody_asks(world: World) -> None:
    """Whoever freed it died before giving it away."""
    job_id = await accepted(world)
    assert await holders(world) == []

    await sweep(world)

    assert await holders(world) == [job_id]


# Cancellations.


async def test_a_cancellation_that_its_story_has_not_heeded_is_repeated(world: World) -> None:
    """The event was lost with the end of an execution."""
    job_id = await accepted(world)
    await world.store.create_record(cancellation_blob(job_id), {"job_id": job_id})

    await sweep(world)

    assert (job_id, CANCEL_JOB) in world.instances.signals


@pytest.mark.parametrize("sight", [COMPLETED, CANCELLED, None])
async def test_a_cancellation_of_a_job_that_has_ended_is_forgotten(world: World, sight: JobSight | None) -> None:
    """There is nobody to tell."""
    job_id = await accepted(world)
    world.instances.sights = {} if sight is None else {job_id: sight}
    await world.store.create_record(cancellation_blob(job_id), {"job_id": job_id})

    await sweep(world)

    assert cancellation_blob(job_id) not in world.store.names()
    assert (job_id, CANCEL_JOB) not in world.instances.signals


async def test_trouble_with_one_job_does_not_keep_the_others_waiting(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and its turn comes again."""
    for _ in range(3):
        job_id = await accepted(world)
        world.instances.sights[job_id] = COMPLETED
    world.later(180)
    calls = len(world.store.calls)
    await sweep(world)
    needed = len(world.store.calls) - calls
    assert needed > 20
    for _ in range(3):
        job_id = await accepted(world)
        world.instances.sights[job_id] = COMPLETED
    world.later(180)
    world.store.fail_call(needed - 1)

    await sweep(world)
    assert "not looked after in this sweep" in caplog.text
    world.later(60)
    await sweep(world)

    jobs = [JobId(name.removeprefix("jobs/").removesuffix(".json")) for name in world.store.names() if "jobs/" in name]
    assert len(jobs) == 6
    assert all(end_of(world, job_id) for job_id in jobs)


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
async def test_trouble_with_one_kind_of_chore_does_not_keep_the_others_waiting(world: World, nth: int) -> None:
    """The places cannot be read: the appointments are kept all the same."""
    job_id = await accepted(world)
    world.instances.sights[job_id] = COMPLETED
    world.later(180)
    world.store.fail_call(nth)

    await sweep(world)

    assert end_of(world, job_id) is not None
