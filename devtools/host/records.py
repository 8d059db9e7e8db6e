"""What the journal keeps, as its readers see it."""

from dataclasses import dataclass
from datetime import datetime

from devtools.host.history import RuntimeStatus


class InstanceExistsError(Exception):
    """An instance of that id is at work; it must end before the id can be used again."""

    def __init__(self, instance_id: str, status: RuntimeStatus) -> None:
        super().__init__(f"An orchestration with id '{instance_id}' already exists. It is in state {status.title}")


@dataclass(frozen=True)
class Instance:
    """The present state of an instance; `input`, `output` and `custom_status` are stored texts."""

    instance_id: str
    execution_id: str
    name: str
    status: RuntimeStatus
    input: str | None
    output: str | None
    custom_status: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class NewInstance:
    """An instance to be made; `input_text` is JSON."""

    instance_id: str
    execution_id: str
    name: str
    input_text: str | None


@dataclass(frozen=True)
class InstanceFilter:
    """Which instances to list or purge; None does not restrict."""

    created_from: datetime | None = None
    created_to: datetime | None = None
    statuses: frozenset[RuntimeStatus] | None = None
    prefix: str | None = None


@dataclass(frozen=True)
class Task:
    """An activity to run."""

    task_id: int
    instance_id: str
    execution_id: str
    event_id: int
    name: str
    input_text: str


@dataclass(frozen=True)
class Due:
    """An instance has a message that can be taken from that moment on."""

    at: datetime
    instance_id: str


@dataclass(frozen=True)
class TimerStatus:
    """When a timer function began to run last, and when it is to run next by its schedule as of `computed_at`."""

    last: datetime | None
    next: datetime
    computed_at: datetime
