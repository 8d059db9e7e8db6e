"""What an episode of an orchestration asks the host to do, as data: nothing happens before the episode is committed."""

from dataclasses import dataclass
from datetime import datetime

from devtools.host.history import RuntimeStatus


@dataclass(frozen=True)
class ScheduleActivity:
    """Run an activity with this input (the JSON text as the SDK wrote it)."""

    event_id: int
    name: str
    input_text: str


@dataclass(frozen=True)
class CreateTimer:
    """Send a message to the orchestration at that moment."""

    event_id: int
    fire_at: datetime


@dataclass(frozen=True)
class StartChild:
    """Start a sub-orchestration; `input_text` is JSON."""

    event_id: int
    name: str
    instance_id: str
    input_text: str | None


@dataclass(frozen=True)
class Complete:
    """End the execution. `result` is JSON, or a sentence when it failed or was terminated; `details` go to a parent."""

    event_id: int
    status: RuntimeStatus
    result: str | None
    details: str | None = None


Command = ScheduleActivity | CreateTimer | StartChild | Complete
