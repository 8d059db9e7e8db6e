"""The end of a job: once, in order, and with everything that is to be done about it later."""

import contextlib
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from activities.close_job import close_job
from activities.submit_render import submit_render
from devtools.fakes.fake_instances import WAITING
from shared.errors import StorageUnavailable
from shared.jobs.ids import (
    JobId,
    cancellation_blob,
    job_blob,
    new_job_id,
    parse_watch_blob,
    submission_blob,
    waiting_blob,
)
from shared.jobs.models import CloseJobInput, JobEnd, VideoRequest
from shared.jobs.retention import LONGEST_DOWNLOAD
from shared.upkeep.sweep import sweep_once
from tests.support.activities import START, Killed, World, submission
from tests.support.builders import JOB_ID
from tests.support.watch import Watch

LAKE = VideoRequest(prompt="a calm lake", duration=5, width=1280, height=720)
ENDED = START + timedelta(minutes=3)
COMPLETED = JobEnd(status="completed", times={"ended": ENDED}, submits=1, expires_at=START + timedelta(days=30))
FAILED = JobEnd(status="failed", code="content_policy", times={"ended": ENDED})


async def accepted(world: World) -> JobId:
    job_id = (await world.services.acceptance.accept(new_job_id(), LAKE, "a key")).job_id
    for name in world.store.names():
        if name.startswith("watch/"):
            await world.store.delete_record(name)
    world.later(180)
    return job_id


async def close(world: World, job_id: JobId, end: JobEnd = COMPLETED) -> None:
    await close_job(CloseJobInput(job_id=job_id, end=end, in_line=end.status == "failed"), world.services)


def appointments(world: World) -> list[datetime]:
    found = [parse_watch_blob(name) for name in world.store.names() if name.startswith("watch/")]
    return [appointment[0] for appointment in found if appointment]


async def test_an_end_is_on_record_with_its_particulars() -> None:
    """What is left to be told when the story's history is gone."""
    world = World()
    job_id = await accepted(world)

    await close(world, job_id)

    record = await world.services.records.read(job_id)
    assert record is not None
    assert record.end == COMPLETED
    assert record.request == LAKE


async def test_the_first_end_that_was_said_stays() -> None:
    """A late message, or a sweep that came in between, does not tell another story."""
    world = World()
    job_id = await accepted(world)
    await close(world, job_id)

    assert await world.services.closing.close(job_id, FAILED, in_line=False) == COMPLETED
    assert (await world.services.records.read(job_id) or pytest.fail("gone")).end == COMPLETED


async def test_closing_lets_go_of_everything() -> None:
    """The turn in line, the cancellation; and nothing will be submitted any more."""
    world = World()
    job_id = await accepted(world)
    await world.store.create_record(cancellation_blob(job_id), {"job_id": job_id})

    await close(world, job_id, FAILED)

    assert waiting_blob(job_id) not in world.store.names()
    assert cancellation_blob(job_id) not in world.store.names()
    assert "withdrawn_at" in (world.store.record(submission_blob(job_id)) or {})


async def test_closing_a_job_whose_render_was_paid_leaves_its_submission_alone() -> None:
    """The id and the claim protect others, and a message that comes late."""
    world = World()
    job_id = await accepted(world)
    await submit_render(submission(job_id), world.services)

    await close(world, job_id, FAILED)

    assert (world.store.record(submission_blob(job_id)) or {})["upstream_id"] == "video_1"


@pytest.mark.parametrize("end", [COMPLETED, FAILED], ids=["completed", "failed"])
async def test_whoever_dies_while_closing_is_made_up_for_by_the_next(end: JobEnd) -> None:
    """Killed at any call and run again: the same as without a death."""
    clean = World()
    job_id = await accepted(clean)
    before = len(clean.store.calls)
    await close(clean, job_id, end)

    for nth in range(1, len(clean.store.calls) - before + 1):
        for after_effect in (False, True):
            world = World()
            job_id = await accepted(world)
            world.store.fail_call(nth, after_effect=after_effect, error=Killed())
            with pytest.raises(Killed):
                await close(world, job_id, end)
            await close(world, job_id, end)

            assert kinds(world) == kinds(clean)
            assert (await world.services.records.read(job_id) or pytest.fail("gone")).end == end


def kinds(world: World) -> list[str]:
    return sorted(name.partition("/")[0] for name in world.store.names())


async def test_the_next_appointment_is_for_the_first_thing_that_is_to_be_removed() -> None:
    """The history after a week, then the file, then all but the end; a failed job's leftovers at once."""
    world = World()
    await close(world, await accepted(world))
    assert appointments(world) == [(ENDED + timedelta(days=7)).replace(microsecond=0)]

    closing = world.services.closing
    expires = START + timedelta(days=30)
    assert closing.file_due(COMPLETED) == expires + LONGEST_DOWNLOAD + timedelta(minutes=10)
    assert closing.traces_due(COMPLETED) == closing.file_due(COMPLETED)
    assert closing.file_due(FAILED) == ENDED
    assert closing.traces_due(FAILED) == ENDED + timedelta(days=7)


async def test_keys_claims_and_submissions_are_kept_for_two_days_however_short_the_rest() -> None:
    """They are what keeps a replay, or a twin in doubt, from paying twice."""
    world = World()
    services = world.services
    short = COMPLETED.model_copy(update={"expires_at": ENDED + timedelta(seconds=1)})
    closing = replace(services.closing, history_retention=timedelta(seconds=1))

    assert closing.traces_due(short) == ENDED + timedelta(days=2)


async def test_a_file_that_is_kept_for_good_is_never_removed() -> None:
    """No retention: after the history is gone, there is no further appointment."""
    world = World()
    job_id = await accepted(world)
    for_good = COMPLETED.model_copy(update={"expires_at": None})
    await close(world, job_id, for_good)
    world.later(8 * 86_400)

    await sweep_once(world.services, world.instances)

    assert world.services.closing.file_due(for_good) is None
    assert world.instances.purged == [job_id]
    assert appointments(world) == []
    assert (await world.services.records.read(job_id) or pytest.fail("gone")).request == LAKE


async def test_what_is_left_in_the_end_is_a_small_record() -> None:
    """No prompt, no key, no file, no history, no appointment: the status and its times."""
    world = World()
    job_id = await accepted(world)
    world.instances.sights[job_id] = WAITING
    await submit_render(submission(job_id), world.services)
    await close(world, job_id)
    for days in (8, 15, 31):
        world.now = START + timedelta(days=days)
        await sweep_once(world.services, world.instances)

    record = world.store.record(job_blob(job_id)) or {}
    left = [name for name in world.store.names() if not name.startswith(("tallies/", "capacity"))]
    assert left == [job_blob(job_id)]
    assert record["request"] is record["flow"] is record["key"] is None
    assert JobEnd.model_validate(record["end"]) == COMPLETED
    assert "calm lake" not in str(record)
    assert JOB_ID not in str(record)


@pytest.mark.parametrize("nth", range(1, 9))
async def test_end_is_told_once_to_who_watches_wherever_closing_breaks_off(nth: int) -> None:
    """It is told by whoever was the first to put it on record; who repeats the closing has nothing to add."""
    world, watch = World(), Watch()
    job_id = await accepted(world)
    services = replace(world.services, telemetry=watch.telemetry)
    world.store.fail_call(nth)

    for _ in range(3):
        with contextlib.suppress(StorageUnavailable):
            await services.closing.close(job_id, COMPLETED, in_line=False)

    [root] = watch.spans
    assert root.attributes == {"job.id": job_id, "status": "completed", "code": "none"}
    assert watch.metrics()["video.seconds"] == [({}, LAKE.duration)]
