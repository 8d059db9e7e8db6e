"""The format of what leaves."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.messaging import CloudEvent

from devtools.fakes.fake_queue import FakeMessageQueue
from shared.errors import DeliveryFailed
from shared.events import job_events
from shared.events.queue_sink import QueueSink
from shared.jobs.ids import JobId
from shared.jobs.models import JobEnd, VideoRequest
from tests.support.builders import JOB_ID

AT = datetime(2026, 1, 1, 12, 0, 0, 700_000, tzinfo=UTC)
LAKE = VideoRequest(prompt="a secret lake", duration=5, width=1280, height=720)
QUEUED = job_events.queued(JobId(JOB_ID), AT, LAKE, "order 1")


async def test_an_event_in_the_queue_is_a_cloud_event_in_base64() -> None:
    """As the SDK's own reader understands it, and with nothing of the prompt."""
    queue = FakeMessageQueue()

    await QueueSink(queue, "/videos").send(QUEUED)

    ((text, delay),) = queue.messages
    read = json.loads(base64.b64decode(text))
    event: CloudEvent[Any] = CloudEvent.from_dict(read)
    assert delay == 0
    assert (event.specversion, event.source, event.type) == ("1.0", "/videos", "video.queued")
    assert (event.id, event.subject, event.time) == (f"{JOB_ID}-queued", f"jobs/{JOB_ID}", AT)
    assert event.extensions == {"sequence": "0000000001"}
    assert event.data == {
        "job_id": JOB_ID,
        "status": "queued",
        "id": "order 1",
        "duration": 5,
        "width": 1280,
        "height": 720,
    }
    assert "secret" not in json.dumps(read)


async def test_a_queue_that_is_away_has_not_been_told() -> None:
    """Whoever sends hears of it, as of every sink."""
    with pytest.raises(DeliveryFailed):
        await QueueSink(FakeMessageQueue(away=True), "/videos").send(QUEUED)


def test_a_completed_job_says_where_its_file_is_and_until_when() -> None:
    """The address is the contract's; a file that is kept for good has no end."""
    end = JobEnd(status="completed", expires_at=AT + timedelta(days=30))
    told = job_events.ended(JobId(JOB_ID), end, AT, None).data

    assert told == {
        "job_id": JOB_ID,
        "status": "completed",
        "video_url": f"/api/download/gen_{JOB_ID}",
        "expires_at": "2026-01-31T12:00:00.700Z",
    }
    assert "expires_at" not in job_events.ended(JobId(JOB_ID), JobEnd(status="completed"), AT, None).data
    assert job_events.ended(JobId(JOB_ID), JobEnd(status="failed"), AT, None).data["code"] == "internal"
