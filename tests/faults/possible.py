"""Which kinds of fault make sense for which call, and for all others the reason why not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from shared.names import ACTIVITIES
from tests.faults.effects import declared
from tests.faults.scenarios import SCENARIOS
from tests.faults.vocabulary import DELIVERY, Cell, Kind, Port, Strike, When

KINDS: Final[Mapping[Port, tuple[Kind, ...]]] = {
    Port.STORE: (Kind.KILLED, Kind.UNAVAILABLE, Kind.HANGS, Kind.OVERTAKEN, Kind.OUTAGE),
    Port.UPSTREAM: (
        Kind.KILLED,
        Kind.THROTTLED,
        Kind.FAILING,
        Kind.NO_ANSWER,
        Kind.UNREACHED,
        Kind.GARBAGE,
        Kind.TRUNCATED,
        Kind.FORGOTTEN,
        Kind.OUTAGE,
    ),
    Port.BACKEND: (Kind.KILLED, Kind.REFUSED, Kind.BROKEN, Kind.HANGS, Kind.LOST, Kind.TWICE, Kind.LATE),
}

DELIVERIES: Final = (Kind.TWICE, Kind.AT_ONCE, Kind.STALE, Kind.LATE)

READS: Final = ("read_record", "read_versioned", "list_names", "find_video", "read_range", "get_status", "look", "find")
CONDITIONAL: Final = ("create_record", "replace_version", "mark_verified")
MESSAGES: Final = ("start_new", "raise_event")
ALL: Final = tuple(Kind)


@dataclass(frozen=True)
class Exclusion:
    """A part of the matrix that stays empty, and why; what is not named (None) is all there is."""

    why: str
    kinds: tuple[Kind, ...] = ALL
    calls: tuple[str, ...] | None = None
    when: When | None = None
    areas: tuple[str, ...] | None = None
    not_calls: tuple[str, ...] = ()
    rows: tuple[str, ...] | None = None
    scenarios: tuple[str, ...] | None = None
    not_scenarios: tuple[str, ...] = ()

    def covers(self, cell: Cell) -> bool:
        """Say whether a cell is left out for this reason."""
        row, scenario, effect, strike = cell.row, cell.scenario, cell.effect, cell.strike
        return (
            strike.kind in self.kinds
            and (self.calls is None or effect.call in self.calls)
            and (self.when is None or strike.when is self.when)
            and (self.areas is None or effect.area in self.areas)
            and (self.scenarios is None or scenario in self.scenarios)
            and (self.rows is None or row in self.rows)
            and scenario not in self.not_scenarios
            and effect.call not in self.not_calls
        )


SAME: Final = "at the port it is the same as another kind; the wire matrix tells them apart"

EXCLUSIONS: Final = (
    Exclusion(
        "a read changes nothing, so what comes after it is what comes before the next call", ALL, READS, When.AFTER
    ),
    Exclusion("an outage begins before a call", (Kind.OUTAGE,), when=When.AFTER),
    Exclusion("an outage that begins with a read is one that begins with the next write", (Kind.OUTAGE,), READS[:-2]),
    Exclusion(
        "ten minutes are long wherever they begin; four stories show it for every function",
        (Kind.OUTAGE,),
        not_scenarios=("plain", "cancel", "cancel in doubt", "doubt"),
    ),
    Exclusion("it is the same whether the service says so at first or later", (Kind.GARBAGE,), scenarios=("again",)),
    Exclusion(
        "the adapter gives a call up before any deadline of an activity: unavailable", (Kind.HANGS,), rows=ACTIVITIES
    ),
    Exclusion("three stories show it for every function", (Kind.HANGS,), scenarios=("start refused", "asked again")),
    Exclusion(
        "a sweep is begun anew, whatever it has done: after a call is before the next",
        (Kind.KILLED,),
        when=When.AFTER,
        rows=("sweep",),
    ),
    Exclusion(
        "a death before a read is one after the write before it",
        (Kind.KILLED,),
        READS[:-2],
        When.BEFORE,
        not_scenarios=("plain", "cancel"),
    ),
    Exclusion(
        "a sweep that takes too long is cut off, and its work left to the next, as by a death: killed",
        (Kind.HANGS,),
        rows=("sweep",),
        not_scenarios=("plain",),
    ),
    Exclusion("whoever overtakes comes before", (Kind.OVERTAKEN,), when=When.AFTER),
    Exclusion("the write has no condition", (Kind.OVERTAKEN,), not_calls=CONDITIONAL),
    Exclusion(
        "who else would write this writes the very same, which counts as written",
        (Kind.OVERTAKEN,),
        ("create_record",),
        areas=("waiting", "watch", "claims", "cancellations"),
    ),
    Exclusion("nobody else knows an id that has just been made", (Kind.OVERTAKEN,), scenarios=("without a key",)),
    Exclusion("it stands there already", (Kind.OVERTAKEN,), ("create_record",), scenarios=("operator",)),
    Exclusion("after that answer nothing was done", (Kind.THROTTLED, Kind.UNREACHED), when=When.AFTER),
    Exclusion(SAME, (Kind.TRUNCATED,), ("submit", "cancel"), areas=("upstream",)),
    Exclusion(SAME, (Kind.UNREACHED,), ("cancel",), areas=("upstream",)),
    Exclusion("there is nothing yet to be forgotten", (Kind.FORGOTTEN,), ("submit",), When.BEFORE),
    Exclusion(SAME, (Kind.NO_ANSWER, Kind.UNREACHED, Kind.GARBAGE, Kind.TRUNCATED), ("look", "find")),
    Exclusion(
        "a render that is forgotten before its id was told cannot be told from one that was refused",
        (Kind.FORGOTTEN,),
        ("find",),
    ),
    Exclusion(SAME, (Kind.NO_ANSWER, Kind.UNREACHED), ("fetch",)),
    Exclusion("a status comes before the first byte", (Kind.FAILING,), ("fetch",), When.AFTER),
    Exclusion("half a file comes after its beginning", (Kind.TRUNCATED,), ("fetch",), When.BEFORE),
    Exclusion("it has been fetched already", (Kind.FORGOTTEN,), ("fetch",), When.AFTER),
    Exclusion("nobody reads the body of that answer", (Kind.GARBAGE,), ("cancel",), areas=("upstream",)),
    Exclusion("it is gone already", (Kind.FORGOTTEN,), ("cancel",), When.AFTER),
    Exclusion("after a refusal nothing was done", (Kind.REFUSED,), when=When.AFTER),
    Exclusion("an accepted start stands in a durable queue", (Kind.LOST,), ("start_new",)),
    Exclusion("what is lost or comes twice has been sent", (Kind.LOST,), ("raise_event",), When.AFTER),
    Exclusion("what comes twice has been sent", (Kind.TWICE,), MESSAGES, When.BEFORE),
    Exclusion("what comes late has not come yet", (Kind.LATE,), when=When.AFTER),
    Exclusion("an event that comes late is one that was lost and comes twice", (Kind.LATE,), ("raise_event",)),
    Exclusion(
        "the next sweep has started it by then, and no start is under way for longer than a story",
        (Kind.LATE,),
        rows=("sweep",),
    ),
    Exclusion(
        "it is no message",
        (Kind.LOST, Kind.TWICE, Kind.LATE),
        ("get_status", "terminate", "purge_instance_history"),
    ),
)


def excluded(cell: Cell) -> str | None:
    """Return why there is no such cell, None where there is one."""
    return next((each.why for each in EXCLUSIONS if each.covers(cell)), None)


def not_delivered(cell: Cell) -> str | None:
    """Return why a function is not called more than once in such a way, None where it is."""
    if cell.scenario == "without a key":
        return "two requests without a key are two jobs"
    if cell.strike.kind in (Kind.STALE, Kind.LATE) and cell.row not in ACTIVITIES:
        return "a sweep comes every minute anyway, and a client that asks again later is one that asks twice"
    return None


def deliveries() -> Iterator[Cell]:
    """Yield the cells in which a function itself is called more than once, in every scenario that studies it."""
    for scenario, story in SCENARIOS.items():
        for row in story.studied:
            for kind in DELIVERIES:
                cell = Cell(row, scenario, DELIVERY, Strike(kind, When.AFTER))
                if not_delivered(cell) is None:
                    yield cell


def cells() -> Iterator[Cell]:
    """Yield the cells in which something happens to a call."""
    for scenario, row, effect, struck_here in declared():
        if struck_here:
            for when in When:
                for kind in KINDS[effect.port]:
                    cell = Cell(row, scenario, effect, Strike(kind, when))
                    if excluded(cell) is None:
                        yield cell
