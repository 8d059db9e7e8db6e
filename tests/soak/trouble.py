"""The errors of the video service: three of every ten calls of each kind go wrong, which and how chosen by the seed.

A script of single faults rather than faults of every so-manieth call: a restart of the simulator disarms them, and most
times between two restarts would be too short for a tenth call of the rarer kinds.
"""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from types import MappingProxyType
from typing import Any, Final

BLOCK, WRONG_IN_BLOCK = 10, 3
CALLS_SCRIPTED = 200
"""Of each kind of call; no time between two restarts has as many."""

Fault = Mapping[str, Any]

THROTTLED: Final[tuple[Fault, ...]] = (
    {"kind": "respond", "status": 429},
    {"kind": "respond", "status": 429, "headers": {"Retry-After": "1"}},
)
FAILING: Final[tuple[Fault, ...]] = (
    {"kind": "respond", "status": 500},
    {"kind": "respond", "status": 502, "body": "<html><body>Bad Gateway</body></html>"},
    {"kind": "respond", "status": 503},
)
SLOW: Final[tuple[Fault, ...]] = ({"kind": "delay", "seconds": 0.5}, {"kind": "delay", "seconds": 1.5})
BROKEN: Final[tuple[Fault, ...]] = (
    {"kind": "close", "when": "before"},
    {"kind": "close", "when": "after"},
    {"kind": "truncate"},
    {"kind": "withhold"},
)

MIXES: Final[Mapping[str, Sequence[tuple[Sequence[Fault], int]]]] = MappingProxyType(
    {
        # What leaves a submission in doubt costs ten seconds of a place each time: more of it, and 200 jobs would take
        # longer than anybody waits.
        "create": [(THROTTLED, 10), (SLOW, 6), (FAILING, 6), (BROKEN, 6)],
        "retrieve": [(THROTTLED, 6), (SLOW, 4), (FAILING, 10), (BROKEN, 8)],
        "content": [(THROTTLED, 6), (SLOW, 4), (FAILING, 10), (BROKEN, 8)],
        "list": [(THROTTLED, 6), (SLOW, 4), (FAILING, 10), (BROKEN, 8)],
        "delete": [(THROTTLED, 6), (SLOW, 4), (FAILING, 10), (BROKEN, 8)],
    }
)
"""By kind of call, the families of faults with their weights."""


def script(chance: Random) -> list[dict[str, Any]]:
    """Return what to arm in a simulator that has just been started."""
    return [fault for operation in MIXES for fault in _of(operation, chance)]


def _of(operation: str, chance: Random) -> Iterator[dict[str, Any]]:
    families = [family for family, _ in MIXES[operation]]
    weights = [weight for _, weight in MIXES[operation]]
    for earlier, call in enumerate(_calls(chance)):
        fault = chance.choice(chance.choices(families, weights)[0])
        # A fault counts only the calls that were left to it by those armed before.
        yield {"operation": operation, "skip": call - earlier, **fault}


def _calls(chance: Random) -> Iterator[int]:
    for block in range(0, CALLS_SCRIPTED, BLOCK):
        yield from sorted(chance.sample(range(block, block + BLOCK), WRONG_IN_BLOCK))
