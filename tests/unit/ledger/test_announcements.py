"""Telling the world of a job: everything, in order, and again where that was not certain."""

from datetime import timedelta

import pytest

from activities.close_job import close_job
from activities.request_place import request_place
from activities.submit_render import submit_render
from devtools.fakes.fake_instances import RENDERING
from devtools.fakes.fake_sink import FakeEventSink
from shared.errors import DeliveryFailed, StorageUnavailable
from shared.events.base import Event
from shared.events.job_events import PROCESSING
from shared.jobs.ids import OUTBOX, JobId, new_job_id
from shared.jobs.models import CloseJobInput, JobEnd, RequestPlaceInput, VideoRequest
from tests.support.activities import START, Killed, World, submission
from tests.support.sweeping import DAY, sweep

LAKE = VideoRequest(prompt="a calm lake", duration=5, width=1280, height=720)
COMPLETED = JobEnd(status="completed", times={"ended": START + timedelta(minutes=3)}, submits=1)
FAILED = JobEnd(status="failed", code="content_policy", times={"ended": START + timedelta(minutes=3)})
ALL = ["queued", "processing", "completed"]


@pytest.fixture
def sink() -> FakeEventSink:
    return FakeEventSink()


@pytest.fixture
def world(sink: FakeEventSink) -> World:
    return World(sinks={"queue": sink})


async def accepted(world: World) -> JobId:
    return (await world.services.acceptance.accept(new_job_id(), LAKE, None, sender_id="order 1")).job_id


async def ask_for_place(world: World, job_id: JobId) -> str:
    grant = (await request_place(RequestPlaceInput(job_id=job_id), world.services)).grant
    assert grant is not None
    return grant


async def get_submitted(world: World, job_id: JobId) -> None:
    grant = await ask_for_place(world, job_id)
    await submit_render(submission(job_id).model_copy(update={"grant": grant}), world.services)


async def close(world: World, job_id: JobId, end: JobEnd = COMPLETED) -> None:
    await close_job(CloseJobInput(job_id=job_id, end=end, in_line=True), world.services)


def outbox(world: World) -> list[str]:
    return [name for name in world.store.names() if name.startswith(OUTBOX)]


async def test_each_step_is_told_once(world: World, sink: FakeEventSink) -> None:
    """What was told is on record, so that the next step does not tell it again."""
    job_id = await accepted(world)

    await get_submitted(world, job_id)
    await get_submitted(world, job_id)
    await close(world, job_id)
    await close(world, job_id)

    assert sink.types == ALL
    assert outbox(world) == []


async def test_a_job_that_the_service_refused_was_never_processing(world: World, sink: FakeEventSink) -> None:
    """Its events are two, with the code and the sentence of its failure."""
    job_id = await accepted(world)
    await ask_for_place(world, job_id)

    await close(world, job_id, FAILED)

    assert sink.types == ["queued", "failed"]
    assert sink.events[-1].data == {
        "job_id": job_id,
        "status": "failed",
        "id": "order 1",
        "error": "Content policy violation detected",
        "code": "content_policy",
    }


async def test_what_could_not_be_told_comes_before_what_follows(world: World, sink: FakeEventSink) -> None:
    """The events of a job are told in order, whoever tells them."""
    sink.away = True
    job_id = await accepted(world)
    await get_submitted(world, job_id)
    sink.away = False

    await close(world, job_id)

    assert sink.types == ALL


async def test_an_event_that_does_not_arrive_holds_back_those_after_it(world: World, sink: FakeEventSink) -> None:
    """A receiver never hears of an end before it heard of the beginning, whichever of them fails."""
    failing = {"video.processing"}

    def refuse(event: Event) -> None:
        if event.type in failing:
            raise DeliveryFailed(event.id)

    sink.before = refuse
    job_id = await accepted(world)
    await get_submitted(world, job_id)
    await close(world, job_id)
    assert sink.types == ["queued"]
    failing.clear()

    world.later(60)
    await sweep(world)

    assert sink.types == ALL


async def test_a_receiver_that_is_away_delays_no_job(world: World, sink: FakeEventSink) -> None:
    """The job is submitted and closed; the sweep tells of it later, in order."""
    sink.away = True
    job_id = await accepted(world)
    await get_submitted(world, job_id)
    await close(world, job_id)
    assert (await world.services.records.read(job_id) or pytest.fail("gone")).end == COMPLETED
    sink.away = False

    world.later(60)
    await sweep(world)

    assert sink.types == ALL
    assert outbox(world) == []


async def test_tries_become_rarer_and_end_a_week_after_the_job(world: World, sink: FakeEventSink) -> None:
    """A receiver that is never there again does not cost for ever; the log says that it was not told."""
    sink.away = True
    job_id = await accepted(world)
    await close(world, job_id, FAILED)
    tries = []
    for _ in range(60):
        world.later(60)
        before = sink.tries
        await sweep(world)
        tries.append(sink.tries - before)

    assert [minute for minute, count in enumerate(tries, 1) if count] == [1, 3, 7, 15, 31]

    world.later(8 * DAY)
    await sweep(world)
    assert outbox(world) == []


async def test_the_sweep_tells_what_is_true_by_then(world: World, sink: FakeEventSink) -> None:
    """A job that has got on since is told so far."""
    sink.away = True
    job_id = await accepted(world)
    await ask_for_place(world, job_id)
    sink.away = False
    world.instances.sights[job_id] = RENDERING

    world.later(60)
    await sweep(world)

    assert sink.types == ["queued", "processing"]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", ALL)
async def test_a_process_that_dies_while_it_tells_is_followed_by_one_that_does(
    world: World, sink: FakeEventSink, step: str, moment: str
) -> None:
    """Before the event has left, or before it is on record that it has: none is lost, and first ones are in order."""
    fatal = [f"video.{step}"]

    def die(event: Event) -> None:
        if event.type in fatal:
            fatal.clear()
            raise Killed

    setattr(sink, moment, die)
    job_id = await accepted(world)
    for act in (get_submitted, close):
        try:
            await act(world, job_id)
        except Killed:
            await act(world, job_id)  # the host runs an activity again that has not ended

    assert sink.firsts(job_id) == ALL
    assert len(sink.events) == (3 if moment == "before" else 4)


async def test_an_answer_that_is_lost_has_the_event_told_again_under_its_id(world: World, sink: FakeEventSink) -> None:
    """At least once."""
    sink.lost = 1
    job_id = await accepted(world)

    await get_submitted(world, job_id)

    assert sink.types == ["queued", "queued", "processing"]
    assert sink.events[0] == sink.events[1]


async def test_places_are_told_on_their_own(world: World, sink: FakeEventSink) -> None:
    """One that is away does not have the other told again."""
    topic = FakeEventSink(away=True)
    world.sinks["topic"] = topic
    job_id = await accepted(world)
    await get_submitted(world, job_id)
    await close(world, job_id)
    topic.away = False

    world.later(60)
    await sweep(world)

    assert sink.types == ALL
    assert topic.types == ALL


async def test_a_job_of_the_time_before_is_not_told_of(sink: FakeEventSink) -> None:
    """Switching events on does not announce the past."""
    world = World()
    job_id = await accepted(world)
    world.sinks["queue"] = sink

    await get_submitted(world, job_id)
    await close(world, job_id)

    assert sink.types == []


async def test_a_place_that_is_no_longer_configured_is_left_alone(world: World, sink: FakeEventSink) -> None:
    """Switched off, events stop, and nothing waits for them."""
    job_id = await accepted(world)
    world.sinks.clear()

    await get_submitted(world, job_id)
    await close(world, job_id)

    assert sink.types == []
    assert outbox(world) == []


async def test_a_job_that_was_refused_has_no_events(world: World, sink: FakeEventSink) -> None:
    """Whoever asked for it was told that it had not been accepted."""
    await world.services.announcements.tell(new_job_id(), PROCESSING)

    assert sink.types == []


async def test_a_step_goes_on_while_its_record_cannot_be_read(world: World, sink: FakeEventSink) -> None:
    """The next step tells what is missing."""
    job_id = await accepted(world)
    world.store.fail_call()
    await world.services.announcements.tell(job_id, PROCESSING)
    assert sink.types == []

    await get_submitted(world, job_id)

    assert sink.types == ["queued", "processing"]


async def test_an_end_that_cannot_be_told_for_certain_is_told_again(world: World, sink: FakeEventSink) -> None:
    """Where storage fails before it is on record that the end was told, the job is not closed yet."""
    job_id = await accepted(world)
    await get_submitted(world, job_id)
    sink.after = lambda _: world.store.fail_call()

    with pytest.raises(StorageUnavailable):
        await close(world, job_id)
    sink.after = None
    await close(world, job_id)

    assert sink.types == [*ALL, "completed"]
