"""Accepting a job: the order of its writes, its key, and what a crash or a failure at any of them leaves behind."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest

from shared.errors import BackendUnavailable, StorageUnavailable
from shared.jobs.ids import CAPACITY, JobId, job_blob, key_blob, named_job, new_job_id, submission_blob, waiting_job
from shared.jobs.models import JobEnd, VideoRequest
from shared.ledger.acceptance import Accepted, KeyReused
from shared.ledger.admission import TooManyJobs
from shared.wiring import Limits
from tests.support.activities import Killed, World

LAKE = VideoRequest(prompt="a calm lake", duration=5)
SEA = VideoRequest(prompt="a rough sea", duration=5)
KEY = "order 4711"


@pytest.fixture
def world() -> World:
    return World()


async def accepted(world: World, request: VideoRequest = LAKE, key: str | None = None) -> Accepted:
    return await world.services.acceptance.accept(new_job_id(), request, key)


def kinds(world: World) -> list[str]:
    """What is in storage, without the ids."""
    return sorted({name.partition("/")[0] for name in world.store.names()})


async def test_a_job_is_on_record_in_line_and_watched_before_it_starts(world: World) -> None:
    """Whatever happens then, somebody will look at it, and it has its place in the order of arrival."""
    job_id = (await accepted(world)).job_id

    order = [call.method for call in world.store.calls]
    assert kinds(world) == ["jobs", "tallies", "waiting", "watch"]
    assert order[:3] == ["list_names", "count_up", "create_record"]
    assert [started for started, _ in world.instances.started] == [job_id]
    story = world.instances.started[0][1]
    assert story["version"] == 2
    assert story["request"] == LAKE.model_dump(mode="json")


async def test_the_same_key_and_request_is_the_same_job(world: World) -> None:
    """However often it is asked for, also with its fields spelled out; it starts once and is counted once."""
    first = await accepted(world, LAKE, KEY)
    second = await accepted(world, VideoRequest(prompt="a calm lake", duration=5, width=1920, height=1080), KEY)

    assert (first.replayed, second.replayed) == (False, True)
    assert first.job_id == second.job_id
    assert len(world.instances.started) == 1
    assert len([call for call in world.store.calls if call.method == "count_up"]) == 1


async def test_the_same_key_with_another_request_is_refused(world: World) -> None:
    """And nothing is accepted."""
    await accepted(world, LAKE, KEY)

    with pytest.raises(KeyReused):
        await accepted(world, SEA, KEY)
    assert len(world.instances.started) == 1


@pytest.mark.parametrize("callers", [2, 5])
async def test_requests_with_one_key_at_the_same_time_are_one_job(world: World, callers: int) -> None:
    """A caller who is impatient, and whose requests reach several instances at once."""
    jobs = await asyncio.gather(*(accepted(world, LAKE, KEY) for _ in range(callers)))

    assert len({job.job_id for job in jobs}) == 1
    assert {started for started, _ in world.instances.started} == {jobs[0].job_id}
    assert len([name for name in world.store.names() if name.startswith("jobs/")]) == 1
    assert len([job for job in jobs if not job.replayed]) == 1


async def test_requests_without_a_key_or_with_other_keys_are_other_jobs(world: World) -> None:
    """The same words are no reason to think that the same video is meant."""
    jobs = [await accepted(world, LAKE, key) for key in (None, None, "a", "b")]

    assert len({job.job_id for job in jobs}) == 4


async def test_a_key_stays_with_its_job_after_that_has_ended(world: World) -> None:
    """A replay of a finished job's request does not render again."""
    first = await accepted(world, LAKE, KEY)
    await world.services.closing.close(first.job_id, JobEnd(status="failed", code="content_policy"), in_line=True)
    world.instances.sights.clear()

    again = await accepted(world, LAKE, KEY)

    assert again == Accepted(first.job_id, replayed=True)
    assert len(world.instances.started) == 1


def crash_points() -> Iterator[tuple[int, bool]]:
    for nth in range(1, 8):
        yield nth, False
        yield nth, True


@pytest.mark.parametrize(("nth", "after_effect"), list(crash_points()))
async def test_a_crash_while_accepting_is_made_up_for_by_asking_again_with_the_key(
    world: World, nth: int, *, after_effect: bool
) -> None:
    """Killed at any write: the replay leads to one job, which is started, on record and in line."""
    world.store.fail_call(nth, after_effect=after_effect, error=Killed())
    with suppress(Killed):
        await accepted(world, LAKE, KEY)

    job_id = (await accepted(world, LAKE, KEY)).job_id

    assert [started for started, _ in world.instances.started] == [job_id]
    claim = world.store.record(key_blob(KEY))
    assert claim is not None
    assert claim["job_id"] == job_id
    assert world.store.record(job_blob(job_id)) is not None
    assert [waiting_job(name) for name in world.store.names() if name.startswith("waiting/")] == [job_id]


async def test_a_replay_starts_the_job_as_it_was_accepted_then(world: World) -> None:
    """The settings may have changed since; a job keeps those that it was accepted under."""
    world.instances.away = True
    world.store.fail_call(8, error=Killed())  # where it would withdraw the job that could not be started
    with pytest.raises(Killed):
        await accepted(world, LAKE, KEY)
    world.instances.away = False
    kept = [name for name in world.store.names() if name.startswith("jobs/")]

    await accepted(world, LAKE, KEY)

    assert [job_blob(started) for started, _ in world.instances.started] == kept


async def test_a_job_whose_start_cannot_be_confirmed_is_withdrawn_and_forgotten(world: World) -> None:
    """A start that arrives late finds the withdrawal; nothing else is left, and the key is free for the next try."""
    world.instances.away = True
    with pytest.raises(BackendUnavailable):
        await accepted(world, LAKE, KEY)
    world.instances.away = False

    left = [name for name in world.store.names() if not name.startswith(("watch/", "tallies/", CAPACITY))]
    withdrawn = named_job(left[0])
    again = await accepted(world, LAKE, KEY)

    assert left == [submission_blob(withdrawn or JobId(""))]
    assert again.job_id != withdrawn
    assert not again.replayed


async def test_a_withdrawn_job_whose_key_could_not_be_freed_is_not_the_answer_to_a_replay(world: World) -> None:
    """Its caller was told that it had not been accepted: the next try is a new job under the same key."""
    world.instances.away = True
    world.store.fail_call(11)  # the claim cannot be read, and so not be freed
    with pytest.raises(BackendUnavailable):
        await accepted(world, LAKE, KEY)
    claim = world.store.record(key_blob(KEY))
    world.instances.away = False

    again = await accepted(world, LAKE, KEY)

    assert claim is not None
    assert again.job_id != claim["job_id"]
    assert not again.replayed
    assert (await accepted(world, LAKE, KEY)) == Accepted(again.job_id, replayed=True)


async def test_a_story_that_runs_although_its_start_was_not_confirmed_is_accepted(world: World) -> None:
    """The story was there first, and has begun to submit: the job runs, so its caller is told that it does."""

    async def start_and_fail(job_id: JobId, story_input: object) -> None:
        del story_input
        await world.store.create_record(submission_blob(job_id), {"job_id": job_id, "intended_at": "now"})
        raise BackendUnavailable("the answer was lost")

    world.instances.start = start_and_fail  # type: ignore[method-assign]

    assert (await accepted(world)).job_id


async def test_nothing_is_accepted_while_storage_is_away(world: World) -> None:
    """No story without a record."""
    world.store.fail_call(3)

    with pytest.raises(StorageUnavailable):
        await accepted(world)
    assert world.instances.started == []


async def test_a_replay_is_not_counted_against_the_limits() -> None:
    """The line is full; the job that the key stands for is in it."""
    world = World(limits=Limits(waiting_jobs=1))
    first = await accepted(world, LAKE, KEY)

    with pytest.raises(TooManyJobs):
        await accepted(world, SEA)
    assert await accepted(world, LAKE, KEY) == Accepted(first.job_id, replayed=True)
