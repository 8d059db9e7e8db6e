"""What becomes of a message of the queue of jobs."""

import json
from datetime import timedelta
from typing import Any

import pytest

from devtools.fakes.fake_sink import FakeEventSink
from shared.errors import BackendUnavailable
from shared.events.job_events import QUEUED
from shared.intake.message import Message
from shared.intake.take import take_message
from shared.jobs.ids import REJECTIONS, new_job_id
from shared.jobs.models import VideoRequest
from shared.wiring import Limits
from tests.support.activities import START, Killed, World
from tests.support.sweeping import DAY, sweep

REQUEST = {"prompt": "a calm lake", "duration": 5, "id": "order 1"}


def world(**limits: int) -> World:
    return World(limits=Limits(**limits), sinks={"queue": FakeEventSink()})


async def take(here: World, body: object = REQUEST, message_id: str = "m1") -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    await take_message(here.services, "jobs", Message(message_id, content, START))


def put(here: World, queue: str) -> list[tuple[str, int]]:
    return here.queues[queue].messages if queue in here.queues else []


def rejections(here: World) -> list[str]:
    return [name for name in here.store.names() if name.startswith(REJECTIONS)]


def sent(here: World) -> list[Any]:
    return here.sinks["queue"].events


async def test_a_message_becomes_a_job() -> None:
    """Its story is started, with the request of the message."""
    here = world()

    await take(here)

    ((_, story),) = here.instances.started
    assert story["request"] == {"prompt": "a calm lake", "duration": 5, "width": 1920, "height": 1080}
    assert here.queues == {}


@pytest.mark.parametrize(("first", "second"), [("m1", "m1"), ("m1", "m2")])
async def test_a_message_that_comes_twice_is_one_job(first: str, second: str) -> None:
    """Delivered again by the queue, or sent again by its sender under the same id."""
    here = world()

    await take(here, message_id=first)
    await take(here, message_id=second)

    assert len(here.instances.started) == 1


async def test_messages_without_an_id_are_jobs_of_their_own() -> None:
    """The same wish twice is two videos; the same message twice is one."""
    here = world()

    for message_id in ("m1", "m2", "m2"):
        await take(here, {"prompt": "a calm lake"}, message_id)

    assert len(here.instances.started) == 2


async def test_a_bad_message_is_answered_and_kept() -> None:
    """The event says what is wrong without repeating it; the message is where poison is, byte for byte."""
    here = world()
    body = b'{"prompt":"a secret lake", "duration": 99, "id": "order 1"}'

    await take(here, body)

    (event,) = sent(here)
    assert (event.id, event.type, event.subject) == ("m1-rejected", "video.rejected", "messages/m1")
    assert event.data["id"] == "order 1"
    assert event.data["detail"][0]["loc"] == ["body", "duration"]
    assert "secret" not in json.dumps(event.data)
    assert put(here, "jobs-poison") == [(body.decode(), 0)]
    assert here.instances.started == []


async def test_an_id_that_stands_for_another_request_is_refused() -> None:
    """As an idempotency key is."""
    here = world()
    await take(here)

    await take(here, {**REQUEST, "prompt": "a wild river"}, "m2")

    assert sent(here)[-1].data["detail"] == [
        {"loc": ["body", "id"], "msg": "the id was used with another request", "type": "value_error.idempotency_key"}
    ]
    assert len(put(here, "jobs-poison")) == 1


async def test_a_sender_who_cannot_be_told_is_told_by_the_sweep() -> None:
    """Each place on its own: one that is away does not keep the others from hearing, nor has them hear it again."""
    here = world()
    here.sinks["topic"] = FakeEventSink(away=True)

    await take(here, b"{}")
    await sweep(here)
    here.sinks["topic"].away = False
    await sweep(here)
    await sweep(here)

    assert [event.id for event in here.sinks["topic"].events] == ["m1-rejected"]
    assert here.sinks["topic"].events == sent(here)
    assert put(here, "jobs-poison") == [("{}", 0)]
    assert rejections(here) == []


async def test_a_rejection_that_nobody_hears_is_given_up_after_a_week() -> None:
    """No wait is for ever."""
    here = world()
    here.sinks["queue"].away = True
    await take(here, b"{}")
    here.later(6 * DAY)
    await sweep(here)
    assert len(rejections(here)) == 1

    here.later(DAY)
    await sweep(here)

    assert rejections(here) == []


@pytest.mark.parametrize("call", range(1, 4))
async def test_a_process_that_dies_over_a_bad_message_is_followed_by_one_that_tells(call: int) -> None:
    """The host delivers the message again; it is told of, and set aside, at least once."""
    here = world()
    here.store.fail_call(call, error=Killed())
    with pytest.raises(Killed):
        await take(here, b"{}")

    await take(here, b"{}")
    await sweep(here)

    assert {event.id for event in sent(here)} == {"m1-rejected"}
    assert put(here, "jobs-poison") != []
    assert rejections(here) == []


async def test_a_backend_that_is_away_does_not_use_up_the_day() -> None:
    """What is delivered again and again, is not counted as a job each time."""
    here = world(jobs_a_day=1)
    here.instances.away = True
    for _ in range(3):
        with pytest.raises(BackendUnavailable):
            await take(here)
    here.instances.away = False

    await take(here)

    assert len(here.instances.started) == 1


async def test_an_order_that_first_came_over_http_is_told_of_by_its_name() -> None:
    """The same key, the same job: who sends the message hears of it."""
    here = world()
    request = VideoRequest(prompt="a calm lake", duration=5, width=1920, height=1080)
    job_id = (await here.services.acceptance.accept(new_job_id(), request, "order 1")).job_id

    await take(here)
    await here.services.announcements.tell(job_id, QUEUED)

    assert sent(here)[-1].data["id"] == "order 1"


async def test_a_message_comes_again_where_the_backend_is_away() -> None:
    """Nothing is accepted, nothing is set aside; the host delivers it again."""
    here = world()
    here.instances.away = True
    with pytest.raises(BackendUnavailable):
        await take(here)
    here.instances.away = False

    await take(here)

    assert len(here.instances.sights) == 1
    assert here.queues == {}


async def test_a_message_waits_while_there_are_too_many_jobs() -> None:
    """It goes back into the queue under its name, and is one job in the end, even if it went back twice."""
    here = world(jobs_a_day=1)
    await take(here, {**REQUEST, "id": "order 0"}, "m0")

    await take(here, {"prompt": "a calm lake"}, "m1")

    ((text, pause),) = put(here, "jobs")
    assert pause == 3600
    assert json.loads(text)["id"] == "m1"
    here.later(DAY)
    await take(here, text.encode(), "m2")
    await take(here, text.encode(), "m3")
    assert len(here.instances.started) == 2


async def test_a_message_that_waited_for_a_week_is_set_aside() -> None:
    """Every wait ends; the sender is told that there were too many jobs."""
    here = world(jobs_a_day=1)
    await take(here, {**REQUEST, "id": "order 0"}, "m0")
    await take(here, REQUEST, "m1")
    text = put(here, "jobs")[0][0].encode()

    here.later(timedelta(days=7).total_seconds())
    await take(here, {**REQUEST, "id": "order 2"}, "m2")
    await take(here, text, "m3")

    assert sent(here)[-1].data["status_code"] == 429
    assert put(here, "jobs-poison") == [(text.decode(), 0)]
