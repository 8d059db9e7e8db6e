"""History events: the rows of an orchestration's history, in the engine's own words and order of fields.

Measured on the Durable extension 3.14.1 with DurableTask.Core 3.9.0: the fields of an event's own type come first, then
`EventId`, `IsPlayed` and `Timestamp`; inputs of activities and children are not in the history, only in their messages.
"""

from datetime import datetime
from enum import IntEnum
from typing import Any

from devtools.host.timestamps import to_text

Event = dict[str, Any]

NOT_AN_ACTION = -1


class EventType(IntEnum):
    """Event types by the number that orchestrators are given; `showHistory` prints the names."""

    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    EXECUTION_TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    SUB_ORCHESTRATION_INSTANCE_CREATED = 7
    SUB_ORCHESTRATION_INSTANCE_COMPLETED = 8
    SUB_ORCHESTRATION_INSTANCE_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_RAISED = 15
    CONTINUE_AS_NEW = 16
    EXECUTION_SUSPENDED = 19
    EXECUTION_RESUMED = 20

    @property
    def title(self) -> str:
        """`TaskScheduled` and the like."""
        return "".join(word.capitalize() for word in self.name.split("_"))


class RuntimeStatus(IntEnum):
    """States of an instance, by the number in completion events."""

    RUNNING = 0
    COMPLETED = 1
    CONTINUED_AS_NEW = 2
    FAILED = 3
    TERMINATED = 5
    PENDING = 6
    SUSPENDED = 7

    @property
    def title(self) -> str:
        """`Running` and the like, as status answers have it."""
        return {RuntimeStatus.CONTINUED_AS_NEW: "ContinuedAsNew"}.get(self, self.name.capitalize())

    @property
    def is_final(self) -> bool:
        """Whether the instance has ended."""
        return self in {RuntimeStatus.COMPLETED, RuntimeStatus.FAILED, RuntimeStatus.TERMINATED}


def _event(event_type: EventType, at: datetime, fields: Event, event_id: int = NOT_AN_ACTION) -> Event:
    return {
        "EventType": int(event_type),
        **fields,
        "EventId": event_id,
        "IsPlayed": False,
        "Timestamp": to_text(at),
    }


def execution_started(
    at: datetime,
    instance_id: str,
    execution_id: str,
    name: str,
    input_text: str | None,
    *,
    parent: Event | None,
) -> Event:
    """The first message of an execution; `input_text` is JSON, `parent` as `parent_instance` makes it."""
    return {
        "OrchestrationInstance": {"InstanceId": instance_id, "ExecutionId": execution_id},
        "EventType": int(EventType.EXECUTION_STARTED),
        "ParentInstance": parent,
        "Name": name,
        "Version": None,
        "Input": input_text,
        "Tags": None,
        "Correlation": None,
        "ParentTraceContext": None,
        "ScheduledStartTime": None,
        "Generation": None,
        "GenerateNewTrace": False,
        "EventId": NOT_AN_ACTION,
        "IsPlayed": False,
        "Timestamp": to_text(at),
    }


def parent_instance(name: str, instance_id: str, execution_id: str, task_id: int) -> Event:
    """How a child names the orchestration that called it, and the call."""
    return {
        "Name": name,
        "OrchestrationInstance": {"InstanceId": instance_id, "ExecutionId": execution_id},
        "TaskScheduleId": task_id,
        "Version": None,
    }


def orchestrator_started(at: datetime) -> Event:
    """Begin of an episode; its timestamp is the orchestrator's `current_utc_datetime`."""
    return _event(EventType.ORCHESTRATOR_STARTED, at, {})


def orchestrator_completed(at: datetime) -> Event:
    """End of an episode."""
    return _event(EventType.ORCHESTRATOR_COMPLETED, at, {})


def task_scheduled(at: datetime, event_id: int, name: str) -> Event:
    """An activity was asked for."""
    fields = {"Name": name, "Version": "", "Input": None, "ParentTraceContext": None, "Tags": None}
    return _event(EventType.TASK_SCHEDULED, at, fields, event_id)


def task_completed(at: datetime, task_id: int, result: str | None) -> Event:
    """An activity returned; `result` is JSON, None for None."""
    return _event(EventType.TASK_COMPLETED, at, {"TaskScheduledId": task_id, "Result": result})


def task_failed(at: datetime, task_id: int, reason: str, details: str) -> Event:
    """An activity raised."""
    fields = {"TaskScheduledId": task_id, "Reason": reason, "Details": details, "FailureDetails": None}
    return _event(EventType.TASK_FAILED, at, fields)


def child_created(at: datetime, event_id: int, name: str, instance_id: str) -> Event:
    """A sub-orchestration was asked for."""
    fields = {
        "Name": name,
        "Version": None,
        "InstanceId": instance_id,
        "Input": None,
        "ClientSpanId": None,
        "Tags": None,
    }
    return _event(EventType.SUB_ORCHESTRATION_INSTANCE_CREATED, at, fields, event_id)


def child_completed(at: datetime, task_id: int, result: str | None) -> Event:
    """A sub-orchestration returned; `result` is JSON."""
    fields = {"TaskScheduledId": task_id, "Result": result}
    return _event(EventType.SUB_ORCHESTRATION_INSTANCE_COMPLETED, at, fields)


def child_failed(at: datetime, task_id: int, reason: str | None, details: str | None) -> Event:
    """A sub-orchestration failed or was terminated."""
    fields = {"TaskScheduledId": task_id, "Reason": reason, "Details": details, "FailureDetails": None}
    return _event(EventType.SUB_ORCHESTRATION_INSTANCE_FAILED, at, fields)


def timer_created(at: datetime, event_id: int, fire_at: datetime) -> Event:
    """A timer was asked for."""
    return _event(EventType.TIMER_CREATED, at, {"FireAt": to_text(fire_at)}, event_id)


def timer_fired(created_at: datetime, timer_id: int, fire_at: datetime) -> Event:
    """A timer's message. Its timestamp is when the timer was created, not when it fired (measured)."""
    return _event(EventType.TIMER_FIRED, created_at, {"TimerId": timer_id, "FireAt": to_text(fire_at)})


def event_raised(at: datetime, name: str, input_text: str | None) -> Event:
    """An external event; `input_text` is JSON."""
    return _event(EventType.EVENT_RAISED, at, {"Name": name, "Input": input_text, "ParentTraceContext": None})


def execution_terminated(at: datetime, reason: str | None) -> Event:
    """Somebody ended the instance."""
    return _event(EventType.EXECUTION_TERMINATED, at, {"Input": reason})


def execution_suspended(at: datetime, reason: str | None) -> Event:
    """Somebody paused the instance."""
    return _event(EventType.EXECUTION_SUSPENDED, at, {"Reason": reason})


def execution_resumed(at: datetime, reason: str | None) -> Event:
    """Somebody let the instance go on."""
    return _event(EventType.EXECUTION_RESUMED, at, {"Reason": reason})


def execution_completed(at: datetime, event_id: int, status: RuntimeStatus, result: str | None) -> Event:
    """The execution ended, or goes on as a new one."""
    fields = {"OrchestrationStatus": int(status), "Result": result, "FailureDetails": None}
    continued = status is RuntimeStatus.CONTINUED_AS_NEW
    return _event(EventType.CONTINUE_AS_NEW if continued else EventType.EXECUTION_COMPLETED, at, fields, event_id)
