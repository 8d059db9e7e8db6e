"""What a seed chooses: the same things every time, and of everything something."""

from collections import Counter

from tests.soak import plan
from tests.soak.chaos import ORDERS

SEED = 7


def test_the_same_seed_chooses_the_same() -> None:
    """A failure can be tried again."""
    assert plan.orders(SEED, ORDERS, 60) == plan.orders(SEED, ORDERS, 60)
    assert list(plan.kills(SEED, 120)) == list(plan.kills(SEED, 120))


def test_another_seed_chooses_something_else() -> None:
    """Each run without a seed tries something new."""
    assert plan.orders(SEED, ORDERS, 60) != plan.orders(SEED + 1, ORDERS, 60)
    assert list(plan.kills(SEED, 120)) != list(plan.kills(SEED + 1, 120))


def test_orders_are_of_all_kinds() -> None:
    """With a key and without, repeated at once and later, cancelled in line and in their turn, and most left alone."""
    orders = plan.orders(SEED, ORDERS, 60)

    kinds = Counter(
        (order.key is not None, "no" if order.cancel_after is None else "in turn" if order.cancel_in_turn else "yes")
        for order in orders
    )
    repeats = [order.repeats for order in orders if order.key is not None]
    assert all(kinds[keyed, cancelled] > 2 for keyed in (True, False) for cancelled in ("no", "in turn", "yes"))
    assert kinds[True, "no"] + kinds[False, "no"] > ORDERS / 2
    assert any(0.0 in times for times in repeats)
    assert any(min(times) > 0 for times in repeats)
    assert not any(order.repeats for order in orders if order.key is None)


def test_orders_come_in_their_time_and_order() -> None:
    """None comes before the beginning or after the end."""
    moments = [order.at for order in plan.orders(SEED, ORDERS, 60)]

    assert moments == sorted(moments)
    assert 0 <= moments[0] < moments[-1] <= 60


def test_both_are_killed_alone_and_together() -> None:
    """Each kind of outage comes up in two minutes."""
    kills = list(plan.kills(SEED, 120))

    assert {kill.victims for kill in kills} == {("app",), ("simulator",), ("app", "simulator")}
    assert all(0 < kill.at < 120 for kill in kills)
