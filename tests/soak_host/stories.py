"""What clients ask of the host in the trial, and how it must end."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final


@dataclass(frozen=True)
class Story:
    """An orchestrator with its input, the steps of its client, and the ends that are right: status and output."""

    name: str
    value: Any
    ends: Sequence[tuple[str, Any]]
    steps: Sequence[tuple[str, Any]] = ()
    failures: int = 0
    """So many failed tasks its history may have at most."""


def _chain(chance: random.Random) -> Story:
    count = chance.randint(1, 6)
    return Story("chain", count, [("Completed", list(range(count)))])


def _suspended(chance: random.Random) -> Story:
    paused = chance.choice((_chain, _fan))(chance)
    return replace(paused, steps=[("suspend?reason=pause", None), ("resume?reason=on", None)])


def _cut_short(chance: random.Random) -> Story:
    cut = chance.choice((_chain, _fan))(chance)
    return replace(cut, ends=[*cut.ends, ("Terminated", "enough")], steps=[("terminate?reason=enough", None)])


def _fan(chance: random.Random) -> Story:
    count = chance.randint(2, 6)
    return Story("fan", count, [("Completed", [*range(count), "end"])])


def _retry(chance: random.Random) -> Story:
    failures = chance.randint(1, 4)
    return Story("retry", failures, [("Completed", "done")], failures=failures)


def _events(chance: random.Random) -> Story:
    values = [chance.randint(0, 9) for _ in range(chance.randint(1, 4))]
    steps: list[tuple[str, Any]] = [(f"raiseEvent/event{number}", value) for number, value in enumerate(values)]
    chance.shuffle(steps)
    return Story("events", len(values), [("Completed", values)], steps)


def _race(chance: random.Random) -> Story:
    steps = [("raiseEvent/go", True)] if chance.random() < 0.7 else []
    return Story(
        "race", None, [("Completed", "event"), ("Completed", "timer")] if steps else [("Completed", "timer")], steps
    )


def _family(_chance: random.Random) -> Story:
    return Story("family", None, [("Completed", [[0, 1], [0, 1, 2], "done"])])


def _eternal(chance: random.Random) -> Story:
    left = chance.randint(1, 5)
    return Story("eternal", {"left": left, "seen": []}, [("Completed", list(range(left, -1, -1)))])


def _terminated(_chance: random.Random) -> Story:
    return Story("forever", None, [("Terminated", "enough")], [("terminate?reason=enough", None)])


KINDS: Final[Sequence[Callable[[random.Random], Story]]] = (
    *(_chain, _suspended, _fan, _retry, _events, _race, _family, _eternal, _terminated, _cut_short),
)


def any_story(chance: random.Random) -> Story:
    """One of them, chosen by the dice."""
    return chance.choice(KINDS)(chance)
