"""A durable client in memory, answering with the SDK's own status objects and its bare exceptions."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus
from azure.durable_functions.models.PurgeHistoryResult import PurgeHistoryResult

UNKNOWN = ""
"""What the SDK's client reads from the backend's empty 404."""

BACKEND_ERROR = "Something went wrong while reading the instance."
"""A backend's HTTP 500: the SDK's client takes its text for a status."""

ENDED = ("Completed", "Failed", "Terminated", "Canceled")


def instance(runtime_status: str, custom_status: object = None, output: object = None) -> dict[str, object]:
    """An instance as the backend describes it."""
    return {
        "name": "generate_video",
        "instanceId": "any",
        "createdTime": "2026-01-02T03:04:05Z",
        "lastUpdatedTime": "2026-01-02T03:04:06Z",
        "runtimeStatus": runtime_status,
        "customStatus": custom_status,
        "output": output,
    }


@dataclass
class Trouble:
    """What becomes of every call of one kind: an error before its effect or after it, or no answer after it."""

    before: BaseException | None = None
    after: BaseException | None = None
    hangs: bool = False

    def begin(self) -> None:
        """Fail before anything has happened."""
        if self.before:
            raise self.before

    async def end(self) -> None:
        """Fail, or never answer, after it has happened."""
        if self.hangs:
            await asyncio.Event().wait()
        if self.after:
            raise self.after


class FakeDurableClient:
    """Starts, reads and steers instances in a dictionary; its attributes make it fail as the SDK's client does.

    Its stories do nothing by themselves: `on_event` is called with the instance and the name of every event.
    """

    def __init__(self, instances: dict[str, dict[str, object]] | None = None) -> None:
        self.instances = dict(instances or {})
        self.started: list[tuple[str, str | None, object]] = []
        self.reads: list[str] = []
        self.events: list[tuple[str, str, object]] = []
        self.terminated: list[tuple[str, str]] = []
        self.purged: list[str] = []
        self.start_error_before: BaseException | None = None
        self.start_error_after: Exception | None = None
        self.start_hangs = False
        self.read_answer: str | dict[str, object] | None = None
        self.read_answers: list[str | dict[str, object]] = []  # given before any other, once each
        self.read_error: Exception | None = None
        self.read_errors: list[BaseException] = []  # raised before anything else, once each
        self.read_hangs = False
        self.event_trouble = Trouble()
        self.termination_trouble = Trouble()
        self.purge_trouble = Trouble()
        self.on_event: Callable[[str, str], None] = lambda instance_id, event_name: None  # noqa: ARG005 - by their names

    @property
    def calls(self) -> int:
        """How often the backend was asked for anything."""
        return len(self.started) + len(self.reads) + len(self.events) + len(self.terminated) + len(self.purged)

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: object = None
    ) -> str:
        """Start an instance; fail before or after it exists where the test says so, or where one of that id runs."""
        self.started.append((orchestration_function_name, instance_id, client_input))
        if self.start_error_before:
            raise self.start_error_before
        if self._runs(str(instance_id)):
            raise Exception({"Message": f"An orchestration with id '{instance_id}' already exists."})  # noqa: TRY002 - the SDK's
        self.instances[str(instance_id)] = instance("Pending")
        if self.start_hangs:
            await asyncio.Event().wait()
        if self.start_error_after:
            raise self.start_error_after
        return str(instance_id)

    async def get_status(self, instance_id: str) -> DurableOrchestrationStatus:
        """Read an instance; an unknown one is an empty, falsy status."""
        self.reads.append(instance_id)
        if self.read_errors:
            raise self.read_errors.pop(0)
        if self.read_error:
            raise self.read_error
        if self.read_hangs:
            await asyncio.Event().wait()
        known: str | dict[str, object] = self.instances.get(instance_id, UNKNOWN)
        answer = known if self.read_answer is None else self.read_answer
        if self.read_answers:
            answer = self.read_answers.pop(0)
        status: DurableOrchestrationStatus = DurableOrchestrationStatus.from_json(answer)
        return status

    async def raise_event(self, instance_id: str, event_name: str, event_data: object = None) -> None:
        """Send an event; an unknown and an ended instance are refused, each with a bare exception."""
        if not event_name:
            raise ValueError("event_name must be a non-empty string.")
        self.events.append((instance_id, event_name, event_data))
        self.event_trouble.begin()
        if instance_id not in self.instances:
            raise Exception(f"No instance with ID {instance_id} found.")  # noqa: TRY002 - the SDK's
        if not self._runs(instance_id):
            raise Exception(f"Instance with ID {instance_id} is gone: either completed or failed")  # noqa: TRY002 - the SDK's
        self.on_event(instance_id, event_name)
        await self.event_trouble.end()

    async def terminate(self, instance_id: str, reason: str) -> None:
        """End an instance, which may have ended already; an unknown one is refused with a bare exception."""
        self.terminated.append((instance_id, reason))
        self.termination_trouble.begin()
        if instance_id not in self.instances:
            raise Exception(f"No instance with ID '{instance_id}' found.")  # noqa: TRY002 - the SDK's
        if self._runs(instance_id):
            self.instances[instance_id] |= {"runtimeStatus": "Terminated", "output": reason}
        await self.termination_trouble.end()

    async def purge_instance_history(self, instance_id: str) -> PurgeHistoryResult:
        """Forget an instance that has ended, if there is one; one that runs is refused with a bare exception."""
        self.purged.append(instance_id)
        self.purge_trouble.begin()
        if self._runs(instance_id):
            raise Exception("The operation failed with an unexpected status code 412")  # noqa: TRY002 - the SDK's
        there = self.instances.pop(instance_id, None)
        await self.purge_trouble.end()
        return PurgeHistoryResult(instancesDeleted=0 if there is None else 1)

    def _runs(self, instance_id: str) -> bool:
        known = self.instances.get(instance_id)
        return known is not None and known["runtimeStatus"] not in ENDED
