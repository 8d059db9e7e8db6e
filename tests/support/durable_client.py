"""A durable client in memory, answering with the SDK's own status objects."""

import asyncio

from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus

UNKNOWN = ""
"""What the SDK's client reads from the backend's empty 404."""

BACKEND_ERROR = "Something went wrong while reading the instance."
"""A backend's HTTP 500: the SDK's client takes its text for a status."""


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


class FakeDurableClient:
    """Starts and reads instances in a dictionary; its attributes make it fail as the SDK's client does."""

    def __init__(self, instances: dict[str, dict[str, object]] | None = None) -> None:
        self.instances = dict(instances or {})
        self.started: list[tuple[str, str | None, object]] = []
        self.reads: list[str] = []
        self.start_error_before: Exception | None = None
        self.start_error_after: Exception | None = None
        self.start_hangs = False
        self.read_answer: str | dict[str, object] | None = None
        self.read_answers: list[str | dict[str, object]] = []  # given before any other, once each
        self.read_error: Exception | None = None
        self.read_errors: list[BaseException] = []  # raised before anything else, once each
        self.read_hangs = False

    @property
    def calls(self) -> int:
        """How often the backend was asked for anything."""
        return len(self.started) + len(self.reads)

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: object = None
    ) -> str:
        """Start an instance; fail before or after it exists where the test says so."""
        self.started.append((orchestration_function_name, instance_id, client_input))
        if self.start_error_before:
            raise self.start_error_before
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
