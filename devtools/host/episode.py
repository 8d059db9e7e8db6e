"""One episode: give an orchestrator its history and new messages, and find out what is to happen next.

Pure but for the call of the orchestrator function: it returns everything as data, for the journal to keep in one
transaction. An orchestration that continues as new runs its next generation in the same episode, as the engine does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from devtools.host import history, jsontext
from devtools.host.answer import Answer, KnownNames, Performance
from devtools.host.commands import Command, Complete, CreateTimer, ScheduleActivity, StartChild
from devtools.host.failures import FunctionError, OrchestrationFailed, orchestrator_failure
from devtools.host.history import Event, EventType, RuntimeStatus
from devtools.host.replay import Replay, Story
from devtools.host.timestamps import from_text, to_timespan

# Calls the orchestrator of that name with a trigger text and returns its answer; raises FunctionError when it raised.
CallOrchestrator = Callable[[str, str], str]


@dataclass(frozen=True)
class TimerLimits:
    """From what length on the SDK splits a timer, and into which steps (the values of the Azure Storage backend)."""

    longest: timedelta = timedelta(days=6)
    step: timedelta = timedelta(days=3)


@dataclass(frozen=True)
class Work:
    """What an episode starts from: the stored history and the messages that have come since, with their numbers."""

    instance_id: str
    execution_id: str
    past: Sequence[Event]
    messages: Sequence[Event]
    message_ids: Sequence[int] = ()


@dataclass
class Generation:
    """One execution's part in an episode: the events to append to its history, and what it asked for."""

    execution_id: str
    past: list[Event]
    new_events: list[Event]
    commands: list[Command] = field(default_factory=list)
    status: RuntimeStatus = RuntimeStatus.RUNNING
    custom_status: str | None = None
    completion: Complete | None = None

    @property
    def started(self) -> Event:
        """The event that began this execution."""
        return next(e for e in [*self.past, *self.new_events] if e["EventType"] == EventType.EXECUTION_STARTED)


class EpisodeRunner:
    """Runs episodes of an app's orchestrators; safe to use from several threads at once."""

    def __init__(
        self, call: CallOrchestrator, known: KnownNames, now: Callable[[], datetime], limits: TimerLimits
    ) -> None:
        self._call = call
        self._known = known
        self._now = now
        self._limits = limits

    def run(self, work: Work) -> list[Generation]:
        """The generations of this episode, in order; more than one when it continued as new."""
        now = max(self._now(), _after(work.past))
        new_events = [history.orchestrator_started(now), *_started_first(work.messages)]
        generation = Generation(work.execution_id, list(work.past), new_events)
        generations = [generation]
        self._play(work.instance_id, generation)
        while (end := generation.completion) and end.status is RuntimeStatus.CONTINUED_AS_NEW:
            ended, generation = generation, self._next_generation(work.instance_id, generation.started, end.result)
            generations.append(generation)
            self._play(work.instance_id, generation)
            # For this one episode the status of the generation before shows, unless the new one has its own (measured).
            generation.custom_status = generation.custom_status or ended.custom_status
        return generations

    def _play(self, instance_id: str, generation: Generation) -> None:
        everything = [*generation.past, *generation.new_events]
        name: str = generation.started["Name"]
        performance = None
        try:
            answer = self._ask(name, self._trigger(instance_id, generation.started, everything))
        except OrchestrationFailed as error:
            replay = Replay(generation.execution_id, _failing(error))
        else:
            performance = Performance(name, instance_id, answer, self._known)
            replay = Replay(generation.execution_id, performance.story)
        replay.play(everything)
        generation.custom_status = performance.custom_status if performance else None
        generation.commands = [replay.commands[event_id] for event_id in sorted(replay.commands)]
        generation.status = RuntimeStatus.SUSPENDED if replay.suspended else RuntimeStatus.RUNNING
        self._record(generation)

    def _ask(self, name: str, trigger: str) -> Answer:
        registered = self._known.orchestrators.get(name.lower())
        if registered is None:
            names = ", ".join(f"'{known}'" for known in self._known.orchestrators.values())
            raise orchestrator_failure(
                name,
                f"The function '{name}' doesn't exist, is disabled, or is not an orchestrator function. "
                f"Additional info: The following are the known orchestrator functions: {names}",
            )
        try:
            return Answer.parse(self._call(registered, trigger))
        except FunctionError as error:
            return Answer.from_error(name, error)

    def _trigger(self, instance_id: str, started: Event, everything: list[Event]) -> str:
        """The text an orchestrator function is given (measured: names and order of fields)."""
        parent = started["ParentInstance"]
        fields = {
            "instanceId": instance_id,
            "isReplaying": started["IsPlayed"],
            "parentInstanceId": parent and parent["OrchestrationInstance"]["InstanceId"],
            "upperSchemaVersion": 1,
            "upperSchemaVersionNew": 3,
            "longRunningTimerIntervalDuration": to_timespan(self._limits.step),
            "maximumShortTimerDuration": to_timespan(self._limits.longest),
            "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
        }
        events = jsontext.dumps(everything)
        return f'{{"history":{events},"input":{started["Input"] or "null"},{jsontext.dumps(fields)[1:]}'

    def _record(self, generation: Generation) -> None:
        """Append to the history what was asked for, and the end of the episode."""
        now = self._now()
        events = generation.new_events
        for command in generation.commands:
            events.append(_event_of(command, now))
            if isinstance(command, Complete):
                generation.completion = command
                generation.status = command.status
        continues = generation.status is RuntimeStatus.CONTINUED_AS_NEW
        if not continues and events[-1]["EventType"] != EventType.ORCHESTRATOR_COMPLETED:
            events.append(history.orchestrator_completed(now))

    def _next_generation(self, instance_id: str, before: Event, input_text: str | None) -> Generation:
        now = self._now()
        execution_id = uuid4().hex
        started = history.execution_started(
            now, instance_id, execution_id, before["Name"], input_text, parent=before["ParentInstance"]
        )
        begin = [history.orchestrator_started(now), started, history.orchestrator_completed(now)]
        return Generation(execution_id, [], begin)


def parent_message(generation: Generation, now: datetime) -> tuple[str, str, Event] | None:
    """What a final generation tells its parent: instance, execution and event; None if nobody waits."""
    parent, completion = generation.started["ParentInstance"], generation.completion
    if parent is None or completion is None or not completion.status.is_final:
        return None
    task_id: int = parent["TaskScheduleId"]
    if completion.status is RuntimeStatus.COMPLETED:
        event = history.child_completed(now, task_id, completion.result)
    else:
        event = history.child_failed(now, task_id, completion.result, completion.details)
    instance = parent["OrchestrationInstance"]
    return instance["InstanceId"], instance["ExecutionId"], event


def _event_of(command: Command, now: datetime) -> Event:
    match command:
        case ScheduleActivity(event_id, name):
            return history.task_scheduled(now, event_id, name)
        case CreateTimer(event_id, fire_at):
            return history.timer_created(now, event_id, fire_at)
        case StartChild(event_id, name, instance_id):
            return history.child_created(now, event_id, name, instance_id)
        case Complete(event_id, status, result):
            return history.execution_completed(now, event_id, status, result)


def _failing(failure: OrchestrationFailed) -> Story:
    async def story(_: Replay) -> str | None:
        raise failure

    return story


def _after(events: Sequence[Event]) -> datetime:
    """A moment later than the last episode's start: `current_utc_datetime` never stands still."""
    starts = [e["Timestamp"] for e in events if e["EventType"] == EventType.ORCHESTRATOR_STARTED]
    return from_text(starts[-1] if starts else "0001-01-01T00:00:00Z") + timedelta(microseconds=1)


def _started_first(messages: Sequence[Event]) -> list[Event]:
    """The SDK wants ExecutionStarted as the second event of every history."""
    return sorted(messages, key=lambda event: event["EventType"] != EventType.EXECUTION_STARTED)
