"""How many jobs are let in, and where one stands in line."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from shared.jobs.ids import JobId, tally_blob
from shared.ledger.admission import Admission, TooManyJobs
from shared.ledger.waiting import FRESH_SECONDS, SOON_SECONDS, WaitingJobs
from tests.support.activities import START, World

JOBS = [JobId(f"01jyg74z6ee6e9y23ceq2f{number:04d}") for number in range(9)]


@dataclass
class Watch:
    """A clock for how old a look at the line is."""

    seconds: float = 0.0

    def time(self) -> float:
        return self.seconds


def admission(world: World, watch: Watch, *, waiting: int = 3, a_day: int = 100) -> Admission:
    return Admission(world.store, WaitingJobs(world.store, waiting, watch.time), waiting, a_day, world.clock)


def looks(world: World) -> int:
    return len([call for call in world.store.calls if call.method == "list_names"])


async def test_a_full_line_lets_nobody_in_until_somebody_has_left_it() -> None:
    """The caller is told when to come back; what has left in the meantime is noticed at once."""
    world, watch = World(), Watch()
    door = admission(world, watch)
    for job in JOBS[:3]:
        await door.admit()
        await world.services.line.join(job)

    with pytest.raises(TooManyJobs) as full:
        await door.admit()
    await world.services.line.leave(JOBS[0])
    watch.seconds += SOON_SECONDS
    await door.admit()

    assert full.value.retry_after_seconds == 60


async def test_jobs_that_were_let_in_count_before_they_stand_in_line() -> None:
    """Of many that come at once, only so many are let in."""
    door = admission(World(), Watch())

    for _ in range(3):
        await door.admit()

    with pytest.raises(TooManyJobs):
        await door.admit()


async def test_one_look_at_the_line_serves_many_callers() -> None:
    """The line is listed every few seconds, however many ask."""
    world, watch = World(), Watch()
    door = admission(world, watch, waiting=1000)

    for _ in range(50):
        await door.admit()
    assert looks(world) == 1

    watch.seconds += FRESH_SECONDS
    await door.admit()
    assert looks(world) == 2


async def test_a_day_takes_so_many_jobs_and_the_next_day_as_many_again() -> None:
    """Refused until midnight UTC, and by then no call has been wasted on those who keep asking."""
    world = World()
    door = admission(world, Watch(), waiting=1000, a_day=2)
    await door.admit()
    await door.admit()

    with pytest.raises(TooManyJobs) as used_up:
        await door.admit()
    calls = len(world.store.calls)
    with pytest.raises(TooManyJobs):
        await door.admit()
    assert len(world.store.calls) == calls

    assert used_up.value.retry_after_seconds == 12 * 3600
    world.later(12 * 3600)
    await door.admit()


async def test_the_days_number_is_one_for_all_processes() -> None:
    """Two processes let in no more than one would."""
    world = World()
    doors = [admission(world, Watch(), waiting=1000, a_day=3) for _ in range(2)]

    let_in = 0
    for number in range(8):
        try:
            await doors[number % 2].admit()
        except TooManyJobs:
            continue
        let_in += 1

    assert let_in == 3
    assert tally_blob(START) in world.store.names()


async def test_a_waiting_jobs_position_is_counted_from_one() -> None:
    """In order of arrival."""
    world = World()
    for job in reversed(JOBS):
        await world.services.line.join(job)
    waiting = WaitingJobs(world.store, 1000, Watch().time)

    assert [await waiting.position(job) for job in JOBS[:3]] == [1, 2, 3]
    assert await waiting.count() == len(JOBS)


async def test_a_job_that_has_just_joined_knows_how_many_are_before_it() -> None:
    """The last look was before it joined: it is looked again."""
    world, watch = World(), Watch()
    waiting = WaitingJobs(world.store, 1000, watch.time)
    for job in JOBS[:4]:
        await world.services.line.join(job)
    await waiting.count()
    for job in JOBS[4:6]:
        await world.services.line.join(job)
    watch.seconds += SOON_SECONDS

    assert await waiting.position(JOBS[5]) == 6
    assert START + timedelta(0) == world.now
