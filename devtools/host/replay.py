"""One execution of an orchestration, rebuilt from its history event by event.

A mirror of the engine's own replay (DurableTask.Core's orchestration context and executor). It hands out ids from one
counter, keeps what has been asked for until the history confirms it, and completes only when no task is open. What is
left at the end is new: that is what the host has to do.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from devtools.host.commands import Command, Complete, CreateTimer, ScheduleActivity, StartChild
from devtools.host.failures import OrchestrationFailed, TaskFailed, TimerCancelled
from devtools.host.history import Event, EventType, RuntimeStatus
from devtools.host.promises import Promise, start
from devtools.host.timestamps import from_text

Story = Callable[["Replay"], Coroutine[Promise[Any], None, str | None]]

_CODE_CHANGED = "Was a change made to the orchestrator code after this instance had already started running?"


class Replay:
    """The state of one execution while its history is played. `story` is what the orchestrator's answer says to do."""

    def __init__(self, execution_id: str, story: Story) -> None:
        self.now = datetime.min.replace(tzinfo=UTC)
        self.suspended = False
        self.commands: dict[int, Command] = {}
        self._execution_id = execution_id
        self._story = story
        self._outcome: Promise[str | None] = Promise()
        self._next_id = 0
        self._open: dict[int, Promise[str | None]] = {}
        self._waiters: dict[str, list[Promise[None]]] = defaultdict(list)
        self._early_events: dict[str, int] = defaultdict(int)
        self._held_commands: dict[int, Command] = {}
        self._held_events: deque[Event] = deque()
        self._continue_with: str | None = None
        self._completed = False

    # What the story asks for.

    def schedule_activity(self, name: str, input_text: str) -> Promise[str | None]:
        """An activity's outcome."""
        event_id, promise = self._open_task()
        self.commands[event_id] = ScheduleActivity(event_id, name, input_text)
        return promise

    def start_child(self, name: str, instance_id: str | None, input_text: str | None) -> Promise[str | None]:
        """A sub-orchestration's outcome; without an id it is named after this execution and the call."""
        event_id, promise = self._open_task()
        child_id = instance_id or f"{self._execution_id}:{event_id}"
        self.commands[event_id] = StartChild(event_id, name, child_id, input_text)
        return promise

    def create_timer(self, fire_at: datetime, *, cancelled: bool = False) -> Promise[str | None]:
        """A timer. A cancelled one has an id and fires like any other, but nobody waits for it."""
        event_id, promise = self._open_task()
        self.commands[event_id] = CreateTimer(event_id, fire_at)
        if cancelled:
            del self._open[event_id]
            promise.reject(TimerCancelled())
        return promise

    def wait_for_event(self, name: str) -> Promise[None]:
        """An external event: the oldest that came early, else the next. Names ignore case; the last waiter is first."""
        promise: Promise[None] = Promise()
        key = name.lower()
        if self._early_events[key]:
            self._early_events[key] -= 1
            promise.resolve(None)
        else:
            self._waiters[key].append(promise)
        return promise

    def continue_as_new(self, input_text: str | None) -> None:
        """Once the story returns, begin again with this input (JSON) instead of completing."""
        self._continue_with = input_text if input_text is not None else "null"

    def _open_task(self) -> tuple[int, Promise[str | None]]:
        event_id = self._take_id()
        promise: Promise[str | None] = Promise()
        self._open[event_id] = promise
        return event_id, promise

    def _take_id(self) -> int:
        event_id = self._next_id
        self._next_id += 1
        return event_id

    # What the history tells.

    def play(self, history: list[Event]) -> None:
        """Play the whole history; every event played is marked, as far as it came."""
        try:
            for event in history:
                if event["EventType"] == EventType.ORCHESTRATOR_STARTED:
                    self.now = from_text(event["Timestamp"])
                    continue
                self._play_unless_suspended(event)
                event["IsPlayed"] = True
            self._complete_if_done()
        except OrchestrationFailed as failure:
            self._complete(RuntimeStatus.FAILED, failure.text, failure.details)

    def _play_unless_suspended(self, event: Event) -> None:
        passes = event["EventType"] in {EventType.EXECUTION_RESUMED, EventType.EXECUTION_TERMINATED}
        if not self.suspended or passes:
            self._play_event(event)
        elif event["EventType"] != EventType.EXECUTION_SUSPENDED:  # suspended twice is suspended once
            self._held_events.append(event)

    def _play_event(self, event: Event) -> None:  # one case per event type, each a line
        match EventType(event["EventType"]):
            case EventType.EXECUTION_STARTED:
                self._outcome = start(self._story(self))
            case EventType.TASK_SCHEDULED | EventType.TIMER_CREATED | EventType.SUB_ORCHESTRATION_INSTANCE_CREATED:
                self._confirm(event)
            case EventType.TASK_COMPLETED | EventType.SUB_ORCHESTRATION_INSTANCE_COMPLETED:
                self._settle(event["TaskScheduledId"], None)
            case EventType.TASK_FAILED | EventType.SUB_ORCHESTRATION_INSTANCE_FAILED:
                self._settle(event["TaskScheduledId"], TaskFailed(event["Reason"]))
            case EventType.TIMER_FIRED:
                self._settle(event["TimerId"], None)
            case EventType.EVENT_RAISED:
                self._deliver(event["Name"].lower())
            case EventType.EXECUTION_SUSPENDED:
                self.suspended = True
                self._held_commands, self.commands = self.commands, {}
            case EventType.EXECUTION_RESUMED:
                self._resume()
            case EventType.EXECUTION_TERMINATED:
                self._complete(RuntimeStatus.TERMINATED, event["Input"], None)
            case _:
                pass  # the rest marks episodes and completions, which this replay works out itself

    def _settle(self, event_id: int, error: Exception | None) -> None:
        promise = self._open.pop(event_id, None)
        if promise is None:
            return  # a duplicate, or the timer that was cancelled
        if error is None:
            promise.resolve(None)
        else:
            promise.reject(error)

    def _deliver(self, name: str) -> None:
        if self._waiters[name]:
            self._waiters[name].pop().resolve(None)
        else:
            self._early_events[name] += 1

    def _resume(self) -> None:
        self.suspended = False
        self.commands = {**self.commands, **self._held_commands}
        self._held_commands = {}
        while self._held_events:
            self._play_unless_suspended(self._held_events.popleft())

    def _confirm(self, event: Event) -> None:
        """The history says that this was asked for before: the code of today must have asked for the same."""
        event_id: int = event["EventId"]
        command = self.commands.get(event_id)
        what = _describe(event)
        if command is None:
            raise _changed(
                f"{what} but the current replay execution hasn't (yet?) scheduled this task. {_CODE_CHANGED}"
            )
        if not isinstance(command, _EXPECTED[EventType(event["EventType"])]):
            raise _changed(
                f"{what} but the current orchestration replay instead produced a {_PRODUCED[type(command)]} action "
                f"with this sequence number. {_CODE_CHANGED}"
            )
        if not isinstance(command, CreateTimer | Complete) and command.name.lower() != event["Name"].lower():
            kind = "an activity task" if isinstance(command, ScheduleActivity) else "a sub-orchestration"
            raise _changed(
                f"{what} but the current orchestration replay instead scheduled {kind} named '{command.name}' "
                f"with this sequence number.  {_CODE_CHANGED}"
            )
        del self.commands[event_id]

    # How it ends.

    def _complete_if_done(self) -> None:
        if self._open or not self._outcome.done:
            return
        result = self._outcome.result()
        if self._continue_with is not None:
            self._complete(RuntimeStatus.CONTINUED_AS_NEW, self._continue_with, None)
        else:
            self._complete(RuntimeStatus.COMPLETED, result, None)

    def _complete(self, status: RuntimeStatus, result: str | None, details: str | None) -> None:
        if self._completed:
            return
        self._completed = True
        event_id = self._take_id()
        self.commands[event_id] = Complete(event_id, status, result, details)


_EXPECTED: dict[EventType, type[Command]] = {
    EventType.TASK_SCHEDULED: ScheduleActivity,
    EventType.TIMER_CREATED: CreateTimer,
    EventType.SUB_ORCHESTRATION_INSTANCE_CREATED: StartChild,
}
# The engine names its own classes in these sentences.
_PRODUCED: dict[type[Command], str] = {
    ScheduleActivity: "ScheduleTaskOrchestratorAction",
    CreateTimer: "CreateTimerOrchestratorAction",
    StartChild: "CreateSubOrchestrationAction",
    Complete: "OrchestrationCompleteOrchestratorAction",
}


def _describe(event: Event) -> str:
    number = event["EventId"]
    scheduled = "A previous execution of this orchestration scheduled"
    match EventType(event["EventType"]):
        case EventType.TIMER_CREATED:
            return f"{scheduled} a timer task with sequence number {number}"
        case EventType.SUB_ORCHESTRATION_INSTANCE_CREATED:
            return f"{scheduled} a sub-orchestration task with sequence number {number} named '{event['Name']}',"
        case _:
            return f"{scheduled} an activity task with sequence number {number} named '{event['Name']}',"


def _changed(sentence: str) -> OrchestrationFailed:
    return OrchestrationFailed(f"Non-Deterministic workflow detected: {sentence}")
