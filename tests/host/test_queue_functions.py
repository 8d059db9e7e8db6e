"""Queue functions on the host as a process, with the storage emulator's queue service."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.queue import QueueClient, QueueServiceClient

from tests.host.host_process import HostProcess, wait_until
from tests.support.azurite import running_azurite

pytestmark = pytest.mark.stack

APP = Path(__file__).parent / "queue_app"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture(scope="module")
def account() -> Iterator[str]:
    """The connection string of an emulator."""
    with running_azurite("queue") as connection_string:
        yield connection_string


class Stage:
    """A host on the queue app, and its queues."""

    def __init__(self, folder: Path, account: str) -> None:
        self.host = HostProcess(folder, app=APP)
        self.marks_path = folder / "queue-marks.txt"
        self.service = QueueServiceClient.from_connection_string(account)

    def queue(self, name: str) -> QueueClient:
        """A queue, made where it is missing."""
        queue = self.service.get_queue_client(name)
        if name not in {found.name for found in self.service.list_queues()}:
            queue.create_queue()
        return queue

    def marks(self) -> list[dict[str, Any]]:
        """What the functions have left."""
        text = self.marks_path.read_text() if self.marks_path.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def bodies(self, name: str) -> list[str]:
        """The bodies that wait in a queue, as they are there; none where there is no such queue."""
        if name not in {found.name for found in self.service.list_queues()}:
            return []
        return [str(message.content) for message in self.service.get_queue_client(name).peek_messages(32)]

    def is_empty(self, name: str) -> bool:
        """Whether nothing is left in a queue, in hand or not."""
        return self.service.get_queue_client(name).get_queue_properties().approximate_message_count == 0


@pytest.fixture
def stage(tmp_path: Path, account: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Empty queues and a host that runs."""
    stage = Stage(tmp_path, account)
    for queue in stage.service.list_queues():
        stage.service.delete_queue(queue.name)
    monkeypatch.setenv("QUEUES", account)
    monkeypatch.setenv("PREFIX", "test")
    monkeypatch.setenv("QUEUE_MARKS", str(stage.marks_path))
    with stage.service, stage.host:
        yield stage


def test_message_runs_its_function_and_is_deleted(stage: Stage) -> None:
    """The queue may come later than the host, which does not make it; a setting in its name is resolved."""
    assert stage.bodies("test-plain") == []
    stage.queue("test-plain").send_message(encoded("hällo"))
    wait_until(lambda: bool(stage.marks()), "the function has run")
    wait_until(lambda: stage.is_empty("test-plain"), "the message is deleted")

    [mark] = stage.marks()
    assert (mark["body"], mark["count"]) == ("hällo", 1)
    assert mark["id"]
    assert mark["expires"].endswith("+00:00")


def test_message_that_fails_five_times_goes_to_the_queue_of_poison(stage: Stage) -> None:
    """With its body as it was; and it is gone from its own queue."""
    stage.queue("test-plain").send_message(encoded("fail"))
    wait_until(lambda: bool(stage.bodies("test-plain-poison")), "it is given up")
    wait_until(lambda: stage.is_empty("test-plain"), "it is deleted")

    assert [mark["count"] for mark in stage.marks()] == [1, 2, 3, 4, 5]
    assert stage.bodies("test-plain-poison") == [encoded("fail")]


def test_message_that_is_not_base64_goes_to_the_queue_of_poison(stage: Stage) -> None:
    """At once, unchanged, and without a run."""
    stage.queue("test-plain").send_message("{not base64}")
    wait_until(lambda: bool(stage.bodies("test-plain-poison")), "it is given up")

    assert stage.bodies("test-plain-poison") == ["{not base64}"]
    assert stage.marks() == []


def test_messages_run_side_by_side(stage: Stage) -> None:
    """Three that wait for one another."""
    queue = stage.queue("test-plain")
    for number in range(3):
        queue.send_message(encoded(f"meet 3 {number}"))
    wait_until(lambda: sum("met" in mark["body"] for mark in stage.marks()) == 3, "they have met")


def test_message_starts_an_orchestration(stage: Stage) -> None:
    """Through a durable client, as over HTTP."""
    sent = stage.queue("orders").send_message(encoded(json.dumps({"prompt": "a fox"})))

    def ended() -> bool:
        answer = stage.host.http.get(f"/runtime/webhooks/durabletask/instances/{sent.id}")
        return answer.status_code == 200 and answer.json()["runtimeStatus"] == "Completed"

    wait_until(ended, "the orchestration has ended")
    assert stage.host.instance(sent.id)["output"] == [{"prompt": "a fox"}, {"prompt": "a fox"}]
