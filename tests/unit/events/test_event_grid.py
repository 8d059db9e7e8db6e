"""Events to an Event Grid topic, over real HTTP to a stub of one."""

import json

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.eventgrid.aio import EventGridPublisherClient

from shared.errors import DeliveryFailed
from shared.events.event_grid import EventGridSink
from tests.support.credential import FakeCredential
from tests.support.stub_upstream import Answer, Misbehaviour, answer, stub_upstream
from tests.unit.events.test_cloud_event import QUEUED

pytestmark = pytest.mark.timeout(30)


async def test_an_event_is_published_as_a_cloud_event() -> None:
    """In a batch of one, which is how the service takes them."""
    async with stub_upstream(answer(200)) as topic:
        client = EventGridPublisherClient(f"http://127.0.0.1:{topic.port}/api/events", AzureKeyCredential("a-key"))
        async with client:
            await EventGridSink(client, "/videos").send(QUEUED)

    (request,) = topic.requests
    (event,) = json.loads(request.body)
    assert request.headers["content-type"].startswith("application/cloudevents-batch+json")
    assert (event["id"], event["source"], event["type"]) == (QUEUED.id, "/videos", "video.queued")
    assert event["sequence"] == "0000000001"
    assert event["data"]["status"] == "queued"


@pytest.mark.parametrize("trouble", [answer(401), answer(413), answer(503), Misbehaviour.RESET, Misbehaviour.CLOSE])
async def test_a_topic_in_trouble_has_not_been_told(trouble: Answer) -> None:
    """Asked once: whoever sends asks again, later."""
    async with stub_upstream(trouble) as topic:
        client = EventGridPublisherClient(
            f"http://127.0.0.1:{topic.port}/api/events", AzureKeyCredential("a-key"), retry_total=0
        )
        async with client:
            with pytest.raises(DeliveryFailed):
                await EventGridSink(client, "/videos").send(QUEUED)

    assert len(topic.requests) == 1


async def test_a_topic_is_signed_in_to_by_identity() -> None:
    """With a token for Event Grid and for nothing else; what keeps it from arriving is a delivery that failed."""
    credential = FakeCredential()

    sink = EventGridSink.from_identity("https://127.0.0.1:9/api/events", credential, "/videos")

    with pytest.raises(DeliveryFailed):
        await sink.send(QUEUED)
    await sink.close()

    assert credential.scopes == ["https://eventgrid.azure.net/.default"]
