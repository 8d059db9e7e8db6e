"""The fault matrix at the app's ports: every call of every function, and everything that can happen to it there."""

import pytest

from tests.faults.matrix import play
from tests.faults.possible import cells, deliveries
from tests.faults.vocabulary import Cell


@pytest.mark.parametrize("cell", list(cells()), ids=str)
async def test_a_call_that_goes_wrong_loses_and_doubles_nothing(cell: Cell) -> None:
    """All jobs end as they must, every invariant holds, and everything comes to rest."""
    verdict = await play(cell)

    assert verdict.broken == ()


@pytest.mark.parametrize("cell", list(deliveries()), ids=str)
async def test_a_message_that_comes_more_than_once_is_acted_on_once(cell: Cell) -> None:
    """An activity that runs twice, at once or much later changes nothing; nor does asking twice."""
    verdict = await play(cell)

    assert verdict.broken == ()
