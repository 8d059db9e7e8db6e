"""Queue functions on the host as a process, with the storage emulator's queue service."""

import base64
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from azure.storage.queue import QueueClient, QueueServiceClient

from devtools.host.azure_queue import azure_queue
from devtools.host.queue_service import MessageGoneError
from tests.host.host_process import HostProcess, free_port, wait_until
from tests.support.azurite import connection_string, running_azurite

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

    def __enter__(self) -> Self:
        """Let go of the connections when the context ends."""
        return self

    def __exit__(self, *_: object) -> None:
        self.service.close()

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
    with stage, stage.host:
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


def test_message_that_is_no_text_runs_only_where_bytes_are_asked_for(stage: Stage) -> None:
    """Elsewhere each try fails before the function, and it goes to the queue of poison as it was."""
    carried = base64.b64encode(b"\xff\x00").decode()
    for name in ("files", "test-plain"):
        stage.queue(name).send_message(carried)
    wait_until(lambda: bool(stage.bodies("test-plain-poison")), "it is given up")
    wait_until(lambda: bool(stage.marks()), "the other has run")

    assert stage.bodies("test-plain-poison") == [carried]
    assert stage.marks() == [{"function": "keep", "body": "ff00"}]


def test_message_in_hand_of_a_host_that_is_killed_is_seen_again(stage: Stage) -> None:
    """When its ten minutes are over, which the test makes them be; with a dequeue count of one more."""
    queue = stage.queue("test-plain")
    queue.send_message(encoded("kill"))
    stage.host.wait_for_end()

    [mark] = stage.marks()
    hidden = datetime.fromisoformat(mark["hidden_until"]) - datetime.fromisoformat(mark["inserted"])
    assert timedelta(minutes=10) <= hidden < timedelta(minutes=11)
    assert not stage.is_empty("test-plain")
    assert stage.bodies("test-plain") == []

    stage.host.start()
    queue.update_message(mark["id"], mark["receipt"], visibility_timeout=0)
    wait_until(lambda: stage.is_empty("test-plain"), "the message is deleted")
    assert [(mark["body"], mark["count"]) for mark in stage.marks()] == [("kill", 1), ("kill", 2)]


def test_functions_that_end_with_the_worker_have_failed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """`functionTimeout`: their messages are seen again at once, in a new process, as those of functions that raised."""
    stage.host.stop()
    monkeypatch.setenv("AzureFunctionsJobHost__functionTimeout", "00:00:01")
    stage.host.start()
    for number in (1, 2):
        stage.queue("test-plain").send_message(encoded(f"hang {number}"))
    wait_until(lambda: len(stage.marks()) == 4 and stage.is_empty("test-plain"), "both have run again")

    assert sorted((mark["body"], mark["count"]) for mark in stage.marks()) == [
        ("hang 1", 1),
        ("hang 1", 2),
        ("hang 2", 1),
        ("hang 2", 2),
    ]
    assert stage.bodies("test-plain-poison") == []


def test_host_outlives_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts without, takes up its work when storage comes, and goes on when storage leaves; each is said once."""
    port = free_port()
    monkeypatch.setenv("QUEUES", connection_string(port, "queue"))
    monkeypatch.setenv("PREFIX", "test")
    with Stage(tmp_path, connection_string(port, "queue")) as stage:
        monkeypatch.setenv("QUEUE_MARKS", str(stage.marks_path))
        with stage.host:

            def times(words: str) -> int:
                return stage.host.log.read_text().count(f"The queue of function plain {words}")

            wait_until(lambda: times("cannot be read") == 1, "the outage is noticed")
            with running_azurite("queue", port):
                stage.queue("test-plain").send_message(encoded("one"))
                wait_until(lambda: bool(stage.marks()), "the function has run")
            wait_until(lambda: times("cannot be read") == 2, "the second outage is noticed")

            assert times("can be read again") == 1
            assert stage.host.http.get("/admin/host/ping").status_code == 200


def test_function_whose_account_nobody_knows_is_named_and_the_others_run(stage: Stage) -> None:
    """As on Azure; the setting is in the sentence."""
    stage.queue("test-plain").send_message(encoded("one"))
    wait_until(lambda: bool(stage.marks()), "the other function has run")

    assert "Function never is not run: The setting '%NO_SUCH%'" in stage.host.log.read_text()


async def test_receipt_that_is_not_the_latest_is_of_no_use(account: str) -> None:
    """Whatever is done with it; the body stays as it is when its message is hidden."""
    service = QueueServiceClient.from_connection_string(account)
    with service:
        async with azure_queue(account, "receipts") as queue:
            await queue.send("as it <is>")
            [first] = await queue.receive(1, timedelta(minutes=1))
            latest = await queue.hide(first, timedelta(0))
            [second] = await queue.receive(1, timedelta(minutes=1))
            for stale in (first, latest):
                with pytest.raises(MessageGoneError):
                    await queue.delete(stale)
                with pytest.raises(MessageGoneError):
                    await queue.hide(stale, timedelta(0))
            await queue.delete(second)
            with pytest.raises(MessageGoneError):
                await queue.delete(second)
            left = await queue.receive(1, timedelta(minutes=1))

    assert (second.text, second.dequeue_count) == ("as it <is>", 2)
    assert left == []


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
