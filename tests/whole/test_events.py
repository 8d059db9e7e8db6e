"""Jobs by message and the events they cause, in the whole app on a clock that skips, whatever dies in between."""

import json
from pathlib import Path

import pytest

from shared.events.base import Event
from tests.support.activities import Killed
from tests.support.whole_app import SIZE, whole_app

ALL = ["queued", "processing", "completed"]
STEPS = [f"video.{word}" for word in ALL]


def order(name: str) -> dict[str, object]:
    return {"prompt": "a calm lake", **SIZE, "id": name}


async def test_a_message_becomes_a_video_and_its_events(tmp_path: Path) -> None:
    """Queued, processing, completed: each once, as nothing went wrong."""
    async with whole_app(tmp_path, events=True) as app:
        await app.deliver("m1", order("order 1"))
        await app.pass_time(minutes=5)

        assert app.sink.types == ALL
        job_id = str(app.sink.events[0].data["job_id"])
        assert await app.status(job_id) == "completed"
        assert (await app.download(job_id)).status == 200


async def test_events_never_say_less_than_the_status(tmp_path: Path) -> None:
    """Whoever is told by an event and reads the status then, is not told something older."""
    async with whole_app(tmp_path, events=True) as app:
        job_id = await app.submit("a calm lake")
        for _ in range(300):
            await app.pass_time(seconds=1)
            assert await app.status(job_id) == app.sink.types[-1]

        assert app.sink.types == ALL


async def test_a_cancelled_job_is_told_as_failed(tmp_path: Path) -> None:
    """With the code that the job has."""
    async with whole_app(tmp_path, events=True) as app:
        job_id = await app.submit("a calm lake")
        await app.pass_time(seconds=8)
        await app.cancel(job_id)
        await app.pass_time(minutes=2)

        assert app.sink.types == ["queued", "processing", "failed"]
        assert app.sink.events[-1].data["code"] == "cancelled"


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_process_that_dies_over_an_event_loses_none(tmp_path: Path, step: str, moment: str) -> None:
    """One video, and every event at least once, the first ones in order."""
    async with whole_app(tmp_path, events=True) as app:
        fatal = [step]

        def die(event: Event) -> None:
            if event.type in fatal:
                fatal.clear()
                raise Killed

        setattr(app.sink, moment, die)
        await app.deliver("m1", order("order 1"))
        await app.pass_time(minutes=10)

        assert app.deaths == 1
        assert app.sink.firsts(str(app.sink.events[0].data["job_id"])) == ALL
        assert len(app.sink.events) == (3 if moment == "before" else 4)


async def test_a_receiver_that_is_away_for_an_hour_hears_everything_afterwards(tmp_path: Path) -> None:
    """The job is done meanwhile; what there was to tell is told in order."""
    async with whole_app(tmp_path, events=True) as app:
        app.sink.away = True
        job_id = await app.submit("a calm lake")
        await app.pass_time(minutes=60)
        assert await app.status(job_id) == "completed"
        app.sink.away = False
        await app.pass_time(minutes=65)

        assert app.sink.types == ALL


async def test_a_story_that_an_operator_ends_is_told_of_by_the_sweep(tmp_path: Path) -> None:
    """Whoever closes a job tells of its end."""
    async with whole_app(tmp_path, events=True) as app:
        job_id = await app.submit("a calm lake")
        await app.pass_time(seconds=8)
        await app.host.client.terminate(job_id, "by hand")
        await app.pass_time(minutes=5)

        assert app.sink.types == ["queued", "processing", "failed"]


async def test_a_message_that_comes_again_in_the_middle_is_the_same_job(tmp_path: Path) -> None:
    """Also where the process died over it the first time."""
    async with whole_app(tmp_path, events=True) as app:
        await app.deliver("m1", order("order 1"))
        await app.pass_time(seconds=8)
        await app.restart()
        await app.deliver("m1", json.dumps(order("order 1")).encode())
        await app.pass_time(minutes=5)

        assert app.sink.types == ALL
