"""An instance as the management API shows it."""

from typing import Any

from devtools.host import jsontext
from devtools.host.history import Event, EventType, RuntimeStatus
from devtools.host.records import Instance
from devtools.host.timestamps import from_text, to_seconds_text

_HIDDEN = {EventType.ORCHESTRATOR_STARTED, EventType.ORCHESTRATOR_COMPLETED}
_ENDS_OF_TASKS = {
    EventType.TASK_COMPLETED,
    EventType.TASK_FAILED,
    EventType.SUB_ORCHESTRATION_INSTANCE_COMPLETED,
    EventType.SUB_ORCHESTRATION_INSTANCE_FAILED,
}
_BEGINS_OF_TASKS = {EventType.TASK_SCHEDULED, EventType.SUB_ORCHESTRATION_INSTANCE_CREATED}
_INTERNAL_FIELDS = {"EventId", "IsPlayed", "OrchestrationInstance", "ParentInstance", "Version", "Name", "InstanceId"}


def status_body(instance: Instance, *, show_input: bool) -> dict[str, Any]:
    """The status answer without history: input, custom status and output as JSON values."""
    return {
        "name": instance.name,
        "instanceId": instance.instance_id,
        "runtimeStatus": instance.status.title,
        "input": jsontext.value_or_text(instance.input) if show_input else None,
        "customStatus": jsontext.value_or_text(instance.custom_status),
        "output": jsontext.value_or_text(instance.output),
        "createdTime": to_seconds_text(instance.created_at),
        "lastUpdatedTime": to_seconds_text(instance.updated_at),
    }


class TwiceScheduledError(Exception):
    """A history with two tasks of one number cannot be shown; an orchestrator that is not deterministic leaves one."""

    def __init__(self, event: Event) -> None:
        key = f"{EventType(event['EventType']).title}_{event['EventId']}"
        super().__init__(f"An item with the same key has already been added. Key: {key}")


def history_body(events: list[Event], *, show_output: bool) -> list[Event]:
    """`historyEvents`: names for numbers, no marks of episodes, and the end of a task in the place of its begin.

    Raises TwiceScheduledError, as the extension does (measured).
    """
    begun: dict[int, Event] = {}
    for event in events:
        if event["EventType"] in _BEGINS_OF_TASKS:
            if event["EventId"] in begun:
                raise TwiceScheduledError(event)
            begun[event["EventId"]] = event
    ended = {event["TaskScheduledId"] for event in events if event["EventType"] in _ENDS_OF_TASKS}
    return [
        _shown(event, begun, show_output=show_output)
        for event in events
        if event["EventType"] not in _HIDDEN
        and not (event["EventType"] in _BEGINS_OF_TASKS and event["EventId"] in ended)
    ]


def _shown(event: Event, begun: dict[int, Event], *, show_output: bool) -> Event:
    event_type = EventType(event["EventType"])
    if event_type in _BEGINS_OF_TASKS | {EventType.EVENT_RAISED}:
        hidden = _INTERNAL_FIELDS - {"Name", "InstanceId"}
    else:
        hidden = _INTERNAL_FIELDS | {"TimerId", "TaskScheduledId"}
    shown = {name: value for name, value in event.items() if name not in hidden}
    shown["EventType"] = event_type.title
    if "Result" in shown:
        shown["Result"] = jsontext.value_or_text(shown["Result"])
        if not show_output:
            del shown["Result"]
    if "OrchestrationStatus" in shown:
        shown["OrchestrationStatus"] = RuntimeStatus(shown["OrchestrationStatus"]).title
    if event_type is EventType.EXECUTION_STARTED:
        del shown["Tags"]
        shown["FunctionName"] = event["Name"]
    if event_type in _ENDS_OF_TASKS and (begin := begun.get(event["TaskScheduledId"])):
        scheduled = from_text(begin["Timestamp"]).isoformat()
        shown |= {"ScheduledTime": scheduled, "FunctionName": begin["Name"], "Input": begin["Input"]}
    return shown
