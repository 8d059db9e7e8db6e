"""The script of errors, in the simulator's own book of faults: three of every ten calls, from the first on."""

from collections import Counter

import pytest

from devtools.sora_sim.fault_book import FaultBook
from devtools.sora_sim.faults import Operation, parse_faults
from tests.soak import plan, trouble

OPERATIONS: list[Operation] = ["create", "retrieve", "content", "list", "delete"]


def book(seed: int) -> FaultBook:
    """Arm what a seed chooses."""
    faults = FaultBook()
    faults.arm(parse_faults(trouble.script(plan.dice(seed, "errors"))))
    return faults


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("seed", [1, 2])
def test_three_of_every_ten_calls_go_wrong(operation: Operation, seed: int) -> None:
    """Whatever calls of other kinds come in between."""
    faults, wrong = book(seed), []

    for number in range(trouble.CALLS_SCRIPTED):
        wrong.append(faults.meet(operation) is not None)
        for other in OPERATIONS[: number % 3]:
            if other != operation:
                faults.meet(other)

    blocks = [wrong[start : start + 10] for start in range(0, len(wrong), 10)]
    assert [sum(block) for block in blocks] == [3] * len(blocks)
    assert len({tuple(block) for block in blocks}) > 5


@pytest.mark.parametrize("operation", OPERATIONS)
def test_errors_are_of_every_kind(operation: Operation) -> None:
    """Answers, silence, half answers and late ones; each script has another mix."""
    met: Counter[str] = Counter()
    for seed in range(5):
        faults = book(seed)
        for _ in range(trouble.CALLS_SCRIPTED):
            fault = faults.meet(operation)
            if fault is not None:
                met[f"{fault.kind} {getattr(fault, 'status', getattr(fault, 'when', ''))}".strip()] += 1

    assert set(met) == {
        *("respond 429", "respond 500", "respond 502", "respond 503", "delay"),
        *("close before", "close after", "truncate", "withhold"),
    }
