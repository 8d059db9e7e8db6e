"""Drives a story as the durable engine does, without one: from the top after every event, on a clock that jumps.

After each completed task the generator is started anew and fed the whole history. What it asks for must begin with what
it asked for before, name by name and payload by payload: the SDK would not notice a difference.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrators.context import Context, Story

START = datetime(2026, 1, 1, tzinfo=UTC)

Activity = Callable[[str, dict[str, Any]], Any]
"""Plays all activities: name and payload in; an `Outcome` as JSON out, or an exception as the host would raise it."""


@dataclass(frozen=True)
class Asked:
    """One task that the story asked for: an activity with its payload, or a timer with its due time."""

    activity: str | None = None
    payload: dict[str, Any] | None = None
    fire_at: datetime | None = None


@dataclass
class Told:
    """What came of a story."""

    output: dict[str, Any] | None = None
    asked: list[Asked] = field(default_factory=list)
    shown: list[Any] = field(default_factory=list)
    generations: int = 1
    longest_execution: int = 0
    elapsed: timedelta = timedelta(0)

    def activities(self) -> list[str]:
        """Return the names of the activities called, in order."""
        return [one.activity for one in self.asked if one.activity]

    def statuses(self) -> list[str]:
        """Return what callers would have read in turn, without repetitions."""
        words = [shown["status"] for shown in self.shown]
        return [word for index, word in enumerate(words) if index == 0 or word != words[index - 1]]


class _Episode(Context):
    """The context of one run through the history so far."""

    def __init__(self, story_input: Any, moments: list[datetime]) -> None:
        self._input = story_input
        self._moments = moments
        self.position = 0
        self.shown: Any = None
        self.next_input: Any = None

    @property
    def instance_id(self) -> str:
        return str(self._input["job_id"])

    @property
    def is_replaying(self) -> bool:
        return self.position < len(self._moments) - 1

    @property
    def current_utc_datetime(self) -> datetime:
        return self._moments[self.position]

    def get_input(self) -> Any:
        return self._input

    def call_activity(self, name: str, input_: object = None) -> Asked:
        assert isinstance(input_, dict)
        return Asked(activity=name, payload=input_)

    def create_timer(self, fire_at: datetime) -> Asked:
        return Asked(fire_at=fire_at)

    def set_custom_status(self, status: object) -> None:
        self.shown = status

    def continue_as_new(self, input_: object) -> None:
        self.next_input = input_


def tell(
    story: Callable[[Context], Story],
    story_input: dict[str, Any],
    activity: Activity,
    *,
    activity_seconds: float = 1.0,
    most_tasks: int = 20_000,
) -> Told:
    """Tell a story to its end over all its generations; an activity takes `activity_seconds` of modelled time."""
    told = Told()
    now = START
    while True:
        now, next_input = _execution(
            story, story_input, now, told, activity=activity, activity_seconds=activity_seconds, most_tasks=most_tasks
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
) -> tuple[datetime, Any]:
    results: list[Any] = []
    moments = [now]
    asked: list[Asked] = []
    while True:
        episode = _Episode(story_input, moments)
        wanted, finished, output = _replay(story(episode), episode, results)
        assert wanted[: len(asked)] == asked, "the replay asks for something else than the story did before"
        asked = wanted
        told.shown.append(episode.shown)
        if finished:
            told.output = output
            told.asked += asked
            told.longest_execution = max(told.longest_execution, len(asked))
            return now, episode.next_input
        assert len(told.asked) + len(asked) < most_tasks, "the story does not end"
        task = asked[-1]
        if task.fire_at is not None:
            now = max(now, task.fire_at)
            results.append(None)
        else:
            now += timedelta(seconds=activity_seconds)
            assert task.activity is not None
            assert task.payload is not None
            results.append(_answer(activity, task.activity, task.payload))
        moments.append(now)


def _answer(activity: Activity, name: str, payload: dict[str, Any]) -> Any:
    try:
        return activity(name, payload)
    except Exception as error:  # noqa: BLE001 - thrown into the story, as the SDK does
        return error


def _replay(telling: Story, episode: _Episode, results: list[Any]) -> tuple[list[Asked], bool, Any]:
    asked: list[Asked] = []
    try:
        asked.append(next(telling))
        for result in results:
            episode.position += 1
            step = telling.throw(result) if isinstance(result, Exception) else telling.send(result)
            asked.append(step)
    except StopIteration as end:
        return asked, True, end.value
    telling.close()
    return asked, False, None
