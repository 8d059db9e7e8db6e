"""The matrix covers every function, every call that it makes, and every kind of fault that makes sense for it."""

import pytest

from tests.faults.effects import declared
from tests.faults.possible import DELIVERIES, EXCLUSIONS, KINDS, Exclusion, cells, deliveries, excluded, not_delivered
from tests.faults.recording import differences, unstruck
from tests.faults.scenarios import SCENARIOS
from tests.faults.vocabulary import DELIVERY, ROWS, Cell, Strike, When


def test_every_function_has_its_rows() -> None:
    """All activities, and the functions that the outside world sets off."""
    assert {cell.row for cell in cells()} == set(ROWS)
    assert {cell.row for cell in deliveries()} == set(ROWS)


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_every_call_stands_in_the_table(scenario: str) -> None:
    """A call that a function makes anew has no cell, and fails here until it has."""
    found = await differences(scenario)

    assert not found, "\n".join(found)


def test_every_call_is_struck_somewhere() -> None:
    """What is marked as struck elsewhere is."""
    assert unstruck() == []


def test_every_kind_strikes_every_call_or_cannot() -> None:
    """Before and after its effect; where a cell is missing, a reason stands in its place."""
    there = set(cells())
    for scenario, row, effect, struck_here in declared():
        for when in When if struck_here else ():
            for kind in KINDS[effect.port]:
                cell = Cell(row, scenario, effect, Strike(kind, when))
                assert (cell in there) != (excluded(cell) is not None), cell


def test_every_function_is_delivered_in_every_way_or_cannot() -> None:
    """Twice, twice at once, again and again, and once more when it is late."""
    there = set(deliveries())
    for scenario, story in SCENARIOS.items():
        for row in story.studied:
            for kind in DELIVERIES:
                cell = Cell(row, scenario, DELIVERY, Strike(kind, When.AFTER))
                assert (cell in there) != (not_delivered(cell) is not None), cell


@pytest.mark.parametrize("exclusion", EXCLUSIONS, ids=lambda exclusion: exclusion.why)
def test_every_reason_is_one(exclusion: Exclusion) -> None:
    """A reason that leaves nothing out is left out itself."""
    everything = (
        Cell(row, scenario, effect, Strike(kind, when))
        for scenario, row, effect, struck_here in declared()
        if struck_here
        for when in When
        for kind in KINDS[effect.port]
    )

    assert any(exclusion.covers(cell) for cell in everything)
