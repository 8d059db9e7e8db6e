"""Drives a story as the durable engine does, without one: from the top after every event, on a clock that jumps.

After each completed task, and after each external event, the generator is started anew and fed the whole history. What
it asks for must begin with what it asked for before, name by name and payload by payload: the SDK would not notice a
difference.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrators.context import Context, Story

START = datetime(2026, 1, 1, tzinfo=UTC)

Activity = Callable[[str, dict[str, Any]], Any]
"""Plays all activities: name and payload in; an `Outcome` as JSON out, or an exception as the host would raise it."""


@dataclass(frozen=True)
class Asked:
    """One task that the story asked for: an activity with its payload, or a timer with its due time.

    `events` are those that the timer is raced against.
    """

    activity: str | None = None
    payload: dict[str, Any] | None = None
    fire_at: datetime | None = None
    events: tuple[str, ...] = ()


@dataclass
class Told:
    """What came of a story."""

    output: dict[str, Any] | None = None
    asked: list[Asked] = field(default_factory=list)
    shown: list[Any] = field(default_factory=list)
    generations: int = 1
    longest_execution: int = 0
    elapsed: timedelta = timedelta(0)

    @property
    def end(self) -> dict[str, Any]:
        """Return how it ended, without the particulars."""
        return {name: said for name, said in (self.output or {}).items() if name in ("status", "code")}

    def activities(self) -> list[str]:
        """Return the names of the activities called, in order."""
        return [one.activity for one in self.asked if one.activity]

    def statuses(self) -> list[str]:
        """Return what callers would have read in turn, without repetitions."""
        words = [shown["status"] for shown in self.shown]
        return [word for index, word in enumerate(words) if index == 0 or word != words[index - 1]]


@dataclass(eq=False)
class _Task:
    """A task as the SDK hands it out, so far as stories look into it."""

    asked: Asked | None = None
    event: str | None = None
    is_early: bool = False
    is_completed: bool = False
    is_cancelled: bool = False

    def cancel(self) -> None:
        """As the SDK's timers."""
        if self.is_completed:
            raise ValueError("Cannot cancel a completed task.")
        self.is_cancelled = True


@dataclass
class _Happened:
    """One entry of the history: when, and either an event's name or the result of the task that was waited for."""

    at: datetime
    event: str | None = None
    result: Any = None


class _Episode(Context):
    """The context of one run through the history so far."""

    def __init__(self, story_input: Any, began: datetime, history: Sequence[_Happened]) -> None:
        self._input = story_input
        self._history = history
        self._now = began
        self._position = 0
        self._events: dict[str, _Task] = {}
        self._early: set[str] = set()
        self.shown: Any = None
        self.next_input: Any = None

    @property
    def instance_id(self) -> str:
        return str(self._input["job_id"])

    @property
    def is_replaying(self) -> bool:
        return self._position < len(self._history)

    @property
    def current_utc_datetime(self) -> datetime:
        return self._now

    def get_input(self) -> Any:
        return self._input

    def call_activity(self, name: str, input_: object = None) -> _Task:
        assert isinstance(input_, dict)
        return _Task(Asked(activity=name, payload=input_))

    def create_timer(self, fire_at: datetime) -> _Task:
        assert fire_at - self._now < timedelta(days=6), "a longer timer cannot be raced"
        return _Task(Asked(fire_at=fire_at))

    def wait_for_external_event(self, name: str) -> _Task:
        assert name not in self._events, "an event is waited for once in an execution"
        self._events[name] = _Task(event=name, is_early=name in self._early)
        return self._events[name]

    def task_any(self, tasks: list[Any]) -> list[_Task]:
        for task in tasks:
            # The SDK applies what came before the wait when that is yielded, not when it is made.
            task.is_completed = task.is_completed or task.is_early
        return tasks

    def set_custom_status(self, status: object) -> None:
        self.shown = status

    def continue_as_new(self, input_: object) -> None:
        self.next_input = input_

    def replay(self, story: Callable[[Context], Story]) -> tuple[list[Asked], Any, bool, Any]:
        """Tell the story over the history; return what it asked for, what it waits for, whether and how it ended."""
        asked: list[Asked] = []
        telling = story(self)
        try:
            waits_for = self._settled(telling, next(telling), asked)
            for happened in self._history:
                self._position += 1
                self._now = happened.at
                if not self._happens(happened, waits_for):
                    continue
                result = happened.result
                step = telling.throw(result) if isinstance(result, Exception) else telling.send(result)
                waits_for = self._settled(telling, step, asked)
        except StopIteration as end:
            return asked, None, True, end.value
        telling.close()
        return asked, waits_for, False, None

    def _settled(self, telling: Story, step: Any, asked: list[Asked]) -> Any:
        """Note what is asked for; go on at once where it has happened already."""
        while True:
            tasks: list[_Task] = step if isinstance(step, list) else [step]
            timer_or_activity = next(task.asked for task in tasks if task.asked is not None)
            events = tuple(task.event for task in tasks if task.event is not None)
            asked.append(
                Asked(timer_or_activity.activity, timer_or_activity.payload, timer_or_activity.fire_at, events)
            )
            if not any(task.is_completed for task in tasks):
                return tasks
            step = telling.send(None)

    def _happens(self, happened: _Happened, waits_for: list[_Task]) -> bool:
        """Apply an entry of the history, and say whether the story goes on with it."""
        if happened.event is None:
            next(task for task in waits_for if task.asked is not None).is_completed = True
            return True
        task = self._events.get(happened.event)
        if task is None:
            self._early.add(happened.event)
            return False
        is_news = not task.is_completed
        task.is_completed = True
        return is_news and task in waits_for


def tell(
    story: Callable[[Context], Story],
    story_input: dict[str, Any],
    activity: Activity,
    *,
    activity_seconds: float = 1.0,
    most_tasks: int = 20_000,
    events: Sequence[tuple[float, str]] = (),
) -> Told:
    """Tell a story to its end over all its generations; an activity takes `activity_seconds` of modelled time.

    `events` are raised so many seconds after the start. One that falls into the end of a generation is lost, as with
    the engine.
    """
    told = Told()
    now = START
    coming = [(START + timedelta(seconds=seconds), name) for seconds, name in sorted(events)]
    while True:
        now, next_input = _execution(
            story,
            story_input,
            now,
            told,
            activity=activity,
            activity_seconds=activity_seconds,
            most_tasks=most_tasks,
            coming=coming,
        )
        if next_input is None:
            told.elapsed = now - START
            return told
        story_input = next_input
        told.generations += 1


def _execution(
    story: Callable[[Context], Story],
    story_input: dict[str, Any],
    now: datetime,
    told: Told,
    *,
    activity: Activity,
    activity_seconds: float,
    most_tasks: int,
    coming: list[tuple[datetime, str]],
) -> tuple[datetime, Any]:
    began = now
    history: list[_Happened] = []
    asked: list[Asked] = []
    result: Any = None
    while True:
        episode = _Episode(story_input, began, history)
        wanted, waits_for, finished, output = episode.replay(story)
        assert wanted[: len(asked)] == asked, "the replay asks for something else than the story did before"
        is_new = len(wanted) > len(asked)
        asked = wanted
        told.shown.append(episode.shown)
        if finished:
            told.output = output
            told.asked += asked
            told.longest_execution = max(told.longest_execution, len(asked))
            return now, episode.next_input
        assert len(told.asked) + len(asked) < most_tasks, "the story does not end"
        task = next(one.asked for one in waits_for if one.asked is not None)
        if is_new and task.activity is not None:
            result = _answer(activity, task.activity, task.payload or {})
        due = max(now, task.fire_at) if task.fire_at is not None else now + timedelta(seconds=activity_seconds)
        if coming and coming[0][0] <= due:
            at, name = coming.pop(0)
            now = max(now, at)
            history.append(_Happened(now, event=name))
        else:
            now = due
            history.append(_Happened(now, result=result if task.activity is not None else None))


def _answer(activity: Activity, name: str, payload: dict[str, Any]) -> Any:
    try:
        return activity(name, payload)
    except Exception as error:  # noqa: BLE001 - thrown into the story, as the SDK does
        return error
