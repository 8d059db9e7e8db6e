"""The settings of jobs by queue and of events."""

from collections.abc import Mapping

import pytest

from tests.unit.test_settings import OPENAI, STORAGE, clean_environment, load, problem

__all__ = ["clean_environment"]  # a fixture that every test here uses


@pytest.mark.parametrize("name", ["ab", "UPPER", "two--hyphens", "-a-b", "a" * 57, "a_b"])
@pytest.mark.parametrize("setting", ["JOBS_QUEUE", "EVENTS_QUEUE"])
def test_a_name_that_no_queue_can_have_is_pointed_out(monkeypatch: pytest.MonkeyPatch, setting: str, name: str) -> None:
    """By the rules of storage, with room for `-poison`."""
    assert problem(monkeypatch, STORAGE, OPENAI, {setting: name}).startswith(f"{setting}: ")


def test_jobs_and_events_have_queues_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that is read as a job would be answered by an event."""
    both = {"JOBS_QUEUE": "videos", "EVENTS_QUEUE": "videos"}

    assert problem(monkeypatch, STORAGE, OPENAI, both) == "set EVENTS_QUEUE to another queue than JOBS_QUEUE"


@pytest.mark.parametrize(
    ("more", "works"),
    [
        ({}, False),
        ({"AzureWebJobsStorage__queueServiceUri": "https://mine.queue.core.windows.net"}, True),
        ({"AzureWebJobsStorage__accountName": "mine"}, True),
    ],
)
def test_queues_by_identity_need_an_address(
    monkeypatch: pytest.MonkeyPatch, more: Mapping[str, str], *, works: bool
) -> None:
    """That of blobs does not say where queues are."""
    blobs = {"AzureWebJobsStorage__blobServiceUri": "https://mine.blob.core.windows.net", "JOBS_QUEUE": "videos"}

    if works:
        assert load(monkeypatch, blobs, OPENAI, more).jobs_queue == "videos"
    else:
        assert "AzureWebJobsStorage__queueServiceUri" in problem(monkeypatch, blobs, OPENAI, more)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://topic.example/api/events",
        "http://t.westeurope-1.eventgrid.azure.net/api/events",
        "https://eventgrid.azure.net.example/api/events",
    ],
)
def test_identity_is_never_sent_to_another_topic(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """A token that is sent elsewhere is a leaked credential."""
    assert "EVENTGRID_TOPIC_ENDPOINT" in problem(monkeypatch, STORAGE, OPENAI, {"EVENTGRID_TOPIC_ENDPOINT": endpoint})


def test_a_topic_of_azure_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its full address."""
    endpoint = "https://t.westeurope-1.eventgrid.azure.net/api/events"

    assert (
        load(monkeypatch, STORAGE, OPENAI, {"EVENTGRID_TOPIC_ENDPOINT": endpoint}).eventgrid_topic_endpoint == endpoint
    )
