"""How long a listener rests."""

from datetime import timedelta

import pytest

from devtools.host.queue_backoff import Backoff


def seconds(backoff: Backoff, count: int) -> list[float]:
    return [backoff.rest(has_found=False).total_seconds() for _ in range(count)]


def test_rests_grow_to_the_longest() -> None:
    """0.1 s, then that and 0.1, 0.2, 0.4, ... more, each share a fifth more or less."""
    rests = seconds(Backoff(timedelta(minutes=1)), 14)

    assert rests[0] == 0.1
    for step, rest in enumerate(rests[1:10]):
        assert 0.8 <= (rest - 0.1) / (0.1 * 2**step) <= 1.2
    assert rests[-2:] == [60, 60]


def test_rests_are_not_the_same_for_everybody() -> None:
    """So that many listeners do not look at once."""
    assert len({seconds(Backoff(timedelta(minutes=1)), 3)[-1] for _ in range(20)}) > 1


@pytest.mark.parametrize("rested", [0, 3, 20])
def test_rests_begin_anew_after_messages(rested: int) -> None:
    """With the shortest one, and grow from there."""
    backoff = Backoff(timedelta(seconds=10))
    seconds(backoff, rested)

    after = [backoff.rest(has_found=True).total_seconds(), *seconds(backoff, 1)]

    assert after[0] == 0.1
    assert 0.18 <= after[1] <= 0.22


def test_longest_rest_may_be_the_shortest() -> None:
    """`maxPollingInterval` of 0.1 s: all rests are alike."""
    assert seconds(Backoff(timedelta(seconds=0.1)), 3) == [0.1, 0.1, 0.1]
