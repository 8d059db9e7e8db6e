import re
from pathlib import Path
from typing import get_args

from devtools.sora_sim.faults import ALL_OPERATIONS, Fault, FaultBase
from devtools.sora_sim.keywords import KEYWORDS
from tests.unit.sora_sim.conftest import Simulated

DOCUMENT = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text()
SOURCE = Path(__file__).parents[3] / "devtools" / "sora_sim"


def test_the_document_lists_exactly_the_keywords() -> None:
    """Every keyword has a row in the table, and no row stands for a keyword that does not exist."""
    assert re.findall(r"^\| `(\[sim:[^`]+)` \|", DOCUMENT, re.MULTILINE) == list(KEYWORDS)


def test_the_document_lists_exactly_the_kinds_of_fault_with_their_fields_and_operations() -> None:
    """The table of kinds is the code's."""
    rows = {
        kind: (set(re.findall(r"`(\w+)`", fields)), set(re.findall(r"\w+", operations)))
        for kind, fields, operations in re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|", DOCUMENT, re.MULTILINE)
    }

    models = get_args(get_args(Fault)[0])
    common = {"kind", "operation", "prompt", "job", "skip", "every", "times"}
    assert rows == {
        get_args(model.model_fields["kind"].annotation)[0]: (
            set(model.model_fields) - common,
            {"any"} if model.possible == ALL_OPERATIONS else set(model.possible),
        )
        for model in models
    }


def test_the_document_names_every_option_and_control_route() -> None:
    """Nothing can be asked of the simulator that is not written down."""
    options = set(re.findall(r'"(--[a-z-]+)"', (SOURCE / "__main__.py").read_text()))
    routes = set(
        re.findall(r'Route\("(/_sim/\w+)", self\.\w+, methods=\["(\w+)"\]', (SOURCE / "control.py").read_text())
    )

    assert options
    assert {option for option in options if f"`{option}" not in DOCUMENT} == set()
    assert routes
    assert {route for route in routes if f"`{route[1]} {route[0]}`" not in DOCUMENT} == set()


async def test_the_document_names_all_that_is_told_of_jobs_calls_and_their_number(simulator: Simulated) -> None:
    """And all that says when a fault happens."""
    await simulator.create()
    (job,), (call,) = await simulator.jobs(), await simulator.calls()
    told = {*job, *call, *await simulator.stats(), *FaultBase.model_fields}

    assert {name for name in told if f"`{name}`" not in DOCUMENT} == set()
