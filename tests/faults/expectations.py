"""How the jobs of a cell must end: as its scenario says, but where a fault is one that the design does not survive."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.names import CANCEL_RENDER
from tests.faults.scenarios import FIRST, SCENARIOS
from tests.faults.vocabulary import Cell, Kind, When


@dataclass(frozen=True)
class Rule:
    """A fault after which the first job ends otherwise, and why that is right."""

    why: str
    end: str
    kind: Kind | None = None
    calls: tuple[str, ...] | None = None
    when: When | None = None
    scenario: str | None = None

    def is_about(self, cell: Cell) -> bool:
        """Say whether the cell is such a one."""
        return (
            self.kind in (None, cell.strike.kind)
            and (self.calls is None or cell.effect.call in self.calls)
            and self.when in (None, cell.strike.when)
            and self.scenario in (None, cell.scenario)
        )


RULES: Final = (
    Rule(
        "the service says that it accepted the job, has no trace of it, and must not be asked again",
        "submission_unknown",
        Kind.GARBAGE,
        ("submit",),
        When.BEFORE,
    ),
    Rule(
        "the service has lost the render, and paying for another is not ours to decide",
        "upstream_lost",
        Kind.FORGOTTEN,
        ("submit", "look", "fetch"),
    ),
    Rule(
        "its start was stored before the process died, or the message came twice: it is accepted",
        "completed",
        calls=("start_new",),
        when=When.AFTER,
        scenario="without a key",
    ),
    Rule("whoever asked was not told of a job, so there must be none", "gone", scenario="without a key"),
)


def expected_ends(cell: Cell) -> Mapping[str, str]:
    """Return how each job must end: `completed`, a failure's code, or `gone`."""
    ends = SCENARIOS[cell.scenario].ends
    rule = next((rule for rule in RULES if rule.is_about(cell)), None)
    return ends if rule is None else {**ends, FIRST: rule.end}


def renders_beyond_places(cell: Cell) -> int:
    """Return how many renders may run besides those that hold a place, and go on when nobody wants them any more.

    A story tries for two minutes to have an unwanted render stopped, four while it is in doubt, and nobody tries again
    after that: where the service cannot be reached for longer, the render goes on, and the place is somebody else's.
    """
    return int(cell.row == CANCEL_RENDER and cell.strike.kind is Kind.OUTAGE)
