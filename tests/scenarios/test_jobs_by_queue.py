"""A system feeds the app by queue and listens to its events: one message is one video, and everything is told."""

import base64
import json
from collections.abc import Iterator

import pytest

from devtools.stack import Stack
from tests.support.caller import Caller, renders_of, wait_until
from tests.support.queues import Queues, data

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]

ALL = ["queued", "processing", "completed"]


@pytest.fixture(scope="module")
def queues(stack: Stack) -> Iterator[Queues]:
    """The queues of a stack of this machine."""
    if not isinstance(stack, Stack):
        pytest.skip("reads the queues of a stack of its own")
    with Queues(stack.queue) as opened:
        yield opened


def wait_for(queues: Queues, name: str, told: list[str]) -> None:
    """Listen until an order has been told so far."""

    def heard() -> bool:
        queues.listen()
        return queues.told(name) == told

    wait_until(heard, seconds=60, description=f"{told} of {name!r}, of which is known: {queues.told(name)}")


def test_a_message_becomes_a_file_and_its_events(stack: Stack, queues: Queues) -> None:
    """The events lead to the file, by the name that its sender gave the order."""
    queues.order("A lake by queue", "order 1")

    wait_for(queues, "order 1", ALL)

    events = [event for event in queues.events if data(event).get("id") == "order 1"]
    job_id = data(events[-1])["job_id"]
    caller = Caller(stack.app)
    with caller.http:
        file = caller.http.get(data(events[-1])["video_url"])
        status = caller.status(job_id)
    assert file.status_code == 200
    assert file.content[4:8] == b"ftyp"
    assert status["status"] == "completed"
    assert [event.subject for event in events] == [f"jobs/{job_id}"] * 3
    assert [(event.extensions or {})["sequence"][-1] for event in events] == ["1", "2", "3"]


def test_the_same_order_twice_is_one_render(stack: Stack, queues: Queues) -> None:
    """Sent again by a sender who was not sure, in whatever encoding."""
    body = json.dumps({"prompt": "A fox by queue", "duration": 1, "width": 256, "height": 256, "id": "order 2"})
    queues.put(body)
    queues.put(base64.b64encode(body.encode()).decode())

    wait_for(queues, "order 2", ALL)
    wait_until(lambda: queues.waiting() == 0, seconds=30, description="both messages have been taken")

    assert len(renders_of(stack.simulator, "A fox by queue")) == 1


def test_a_bad_message_is_answered_and_kept(queues: Queues) -> None:
    """What is wrong with it is told, without what it said; the message itself is where an operator looks."""
    queues.order("A secret by queue", "order 3", duration=61)

    wait_for(queues, "order 3", ["rejected"])
    wait_until(queues.poison, seconds=30, description="the message is set aside")

    (event,) = [event for event in queues.events if data(event).get("id") == "order 3"]
    assert data(event)["detail"][0]["loc"] == ["body", "duration"]
    assert "secret" not in json.dumps(data(event))
    assert [json.loads(text)["id"] for text in queues.poison()] == ["order 3"]


def test_a_job_that_fails_says_why(queues: Queues) -> None:
    """With the code and the contract's sentence."""
    queues.order("[sim:policy-at-create]", "order 4")

    wait_for(queues, "order 4", ["queued", "failed"])

    assert data(queues.events[-1])["code"] == "content_policy"
    assert data(queues.events[-1])["error"] == "Content policy violation detected"


def test_jobs_of_the_api_have_events_too(stack: Stack, queues: Queues) -> None:
    """Without a sender's name, by their job's id."""
    caller = Caller(stack.app)
    with caller.http:
        job_id = caller.submit("A lake by request")
        caller.wait(job_id)

    def heard() -> bool:
        return [event.type for event in queues.listen() if data(event).get("job_id") == job_id] == [
            f"video.{word}" for word in ALL
        ]

    wait_until(heard, seconds=30, description="all its events")
