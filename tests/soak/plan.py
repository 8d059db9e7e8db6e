"""What is going to happen in a run, chosen from its seed beforehand: who asks for what and when, and what is killed.

The moments are those of the run's clock. What becomes of a request then depends on who is faster, as in life, so the
same seed gives the same choices, not the same course.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Final, Literal

Victim = Literal["app", "simulator"]

WITH_KEY, CANCELLED = 0.4, 0.25
"""Shares of the orders. The two are independent, so some have both, and nearly half have neither."""

MOST_REPEATS = 3
LONGEST_REPEAT_SECONDS = 25.0
LONGEST_CANCEL_SECONDS = 45.0
"""Most are still in line then. As many others are cancelled in their turn, while the service has to do with them."""

LONGEST_CANCEL_AT_SERVICE_SECONDS = 1.0

SECONDS_BETWEEN_KILLS = 8.0
LONGEST_OUTAGE_SECONDS = 1.5

VICTIMS: Final[tuple[tuple[Victim, ...], ...]] = (("app",), ("app",), ("simulator",), ("app", "simulator"))


@dataclass(frozen=True)
class Order:
    """A wish for one video.

    With a key it is sent again `repeats` seconds after the first time, whatever has come of that. It is cancelled
    `cancel_after` seconds after it was accepted, or, `cancel_in_turn`, so long after its turn at the service has come.
    """

    number: int
    at: float
    key: str | None = None
    repeats: tuple[float, ...] = ()
    cancel_after: float | None = None
    cancel_in_turn: bool = False


@dataclass(frozen=True)
class Kill:
    """At `at`, SIGKILL for all of `victims`; they are started again after `outage` seconds."""

    at: float
    victims: tuple[Victim, ...]
    outage: float


def dice(seed: int, purpose: str) -> Random:
    """Return the source of all choices for one purpose, so that one more choice here changes none elsewhere."""
    return Random(f"{purpose} {seed}")  # noqa: S311 - it chooses what goes wrong, nothing secret


def orders(seed: int, number: int, seconds: float) -> list[Order]:
    """Return so many orders, spread over the time, the earliest first."""
    chance = dice(seed, "orders")
    moments = sorted(chance.uniform(0, seconds) for _ in range(number))
    return [_order(chance, seed, place, at) for place, at in enumerate(moments)]


def _order(chance: Random, seed: int, number: int, at: float) -> Order:
    is_cancelled, in_turn = chance.random() < CANCELLED, chance.random() < 1 / 2
    moment = chance.uniform(0, LONGEST_CANCEL_AT_SERVICE_SECONDS if in_turn else LONGEST_CANCEL_SECONDS)
    order = Order(number, at, cancel_after=moment if is_cancelled else None, cancel_in_turn=is_cancelled and in_turn)
    if chance.random() >= WITH_KEY:
        return order
    # Every third is repeated at once, as impatient clients do: two requests race for the same key.
    first = 0.0 if chance.random() < 1 / 3 else chance.uniform(0, LONGEST_REPEAT_SECONDS)
    later = [chance.uniform(0, LONGEST_REPEAT_SECONDS) for _ in range(chance.randrange(MOST_REPEATS))]
    return replace(order, key=f"order-{number}-of-{seed}", repeats=(first, *later))


def kills(seed: int, seconds: float) -> Iterator[Kill]:
    """Yield what is killed in that time: app, service or both, at irregular moments."""
    chance = dice(seed, "kills")
    at = chance.uniform(0.3, 1) * SECONDS_BETWEEN_KILLS
    while at < seconds:
        yield Kill(at, chance.choice(VICTIMS), chance.uniform(0, LONGEST_OUTAGE_SECONDS))
        at += chance.uniform(0.3, 1.7) * SECONDS_BETWEEN_KILLS
