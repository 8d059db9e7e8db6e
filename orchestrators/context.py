"""The few things that our stories use of the durable context.

`azure.durable_functions` carries no types, and its next major version is a rewrite: keeping to this Protocol is what
keeps a move to one file.
"""

import contextlib
from collections.abc import Generator
from datetime import datetime
from typing import Any, Protocol

Task = Any
"""A durable task: only ever yielded, never looked into."""


def is_done(task: Task) -> bool:
    """Say whether a task has ended. The SDK's next major version has another name for that."""
    return bool(task.is_completed if hasattr(task, "is_completed") else task.is_complete)


def drop_timer(timer: Task) -> None:
    """Let go of a timer that has lost its race: one that is left open would keep the instance running."""
    with contextlib.suppress(ValueError):  # it has fired in the same moment
        timer.cancel()


Story = Generator[Task, Any, dict[str, object] | None]
"""An orchestrator's body: yields tasks, is sent their results, returns its output."""


class Context(Protocol):
    """What a story may ask of its host."""

    @property
    def instance_id(self) -> str:
        """The job id."""

    @property
    def is_replaying(self) -> bool:
        """Whether history is being told again; log only where it is not."""

    @property
    def current_utc_datetime(self) -> datetime:
        """The time of this episode, aware, the same at every replay."""

    def get_input(self) -> Any:
        """The input that the instance was started with, as plain JSON."""

    def call_activity(self, name: str, input_: object = None) -> Task:
        """Schedule an activity."""

    def create_timer(self, fire_at: datetime) -> Task:
        """Schedule a timer; at most 6 days ahead where it is raced against something else."""

    def wait_for_external_event(self, name: str) -> Task:
        """Return a task that ends when somebody raises that event; once for each name in an execution."""

    def task_any(self, tasks: list[Task]) -> Task:
        """Return a task that ends with the first of these; one that was yielded before may stand among them again."""

    def set_custom_status(self, status: object) -> None:
        """Show a small public value; forgotten by the host unless every episode sets one."""

    def continue_as_new(self, input_: object) -> None:
        """Start over with a new input and an empty history; return right after."""
