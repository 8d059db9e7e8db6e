"""What the functions really call, recorded in runs in which nothing goes wrong, against what is written down."""

from collections import defaultdict
from collections.abc import Mapping

from tests.faults.effects import declared
from tests.faults.scenarios import ANY, SCENARIOS
from tests.faults.tap import Seen
from tests.faults.vocabulary import Effect
from tests.faults.world import fake_world

_seen: dict[str, tuple[Seen, ...]] = {}


async def seen_in(name: str) -> tuple[Seen, ...]:
    """Return all calls of a scenario in which nothing goes wrong; it is played once in a process."""
    if name not in _seen:
        scenario = SCENARIOS[name]
        async with fake_world(submits_per_minute=scenario.submits_per_minute) as world:
            await scenario.script(world)
            await world.until_ended(*world.jobs.values())
            _seen[name] = tuple(world.tap.seen)
    return _seen[name]


async def studied_run(name: str, row: str) -> int | None:
    """Return which run of a function is studied, None for all of them."""
    known_by = SCENARIOS[name].studied[row]
    if known_by == ANY:
        return None
    runs = [run for seen_row, run, effect in await seen_in(name) if (seen_row, str(effect)) == (row, known_by)]
    assert runs, f"{row} never calls {known_by} in {name!r}"
    return runs[0]


async def recorded(name: str) -> Mapping[str, frozenset[Effect]]:
    """Return the calls of the functions that a scenario studies, in the runs that it studies of them."""
    calls: dict[str, set[Effect]] = {}
    for studied in SCENARIOS[name].studied:
        wanted = await studied_run(name, studied)
        calls[studied] = {
            effect
            for row, run, effect in await seen_in(name)
            if row == studied and wanted in (None, run) and not _is_a_further_look(row, effect)
        }
    return {row: frozenset(effects) for row, effects in calls.items()}


def written_down(name: str) -> Mapping[str, frozenset[Effect]]:
    """Return the same by `EFFECTS`."""
    calls: dict[str, set[Effect]] = defaultdict(set)
    for each in declared():
        if each.scenario == name:
            calls[each.row].add(each.effect)
    return {row: frozenset(effects) for row, effects in calls.items()}


def unstruck() -> list[str]:
    """Return what is marked as struck elsewhere and is not, but for looks at a story: they are alike, however many."""
    struck = {(each.row, each.effect) for each in declared() if each.struck_here}
    return [
        f"{each.row} calls {each.effect}, which is not struck anywhere"
        for each in declared()
        if (each.row, each.effect) not in struck and not _is_a_look(each.effect)
    ]


async def differences(name: str) -> list[str]:
    """Return a sentence for every call about which a scenario and the table of effects differ."""
    real, written = await recorded(name), written_down(name)
    return [
        f"{row} {'calls' if effect in real.get(row, ()) else 'does not call'} {effect} in {name!r}"
        for row in sorted(real.keys() | written.keys())
        for effect in sorted(real.get(row, frozenset()) ^ written.get(row, frozenset()), key=str)
    ]


async def holes() -> list[str]:
    """Return a sentence for everything that the table of effects does not tell as it is."""
    return [*unstruck(), *[sentence for name in SCENARIOS for sentence in await differences(name)]]


def _is_a_look(effect: Effect) -> bool:
    return effect.call == "get_status"


def _is_a_further_look(row: str, effect: Effect) -> bool:
    """Say whether it is one of the looks by which a cancellation waits for the job's end; they are alike."""
    return row == "cancel" and _is_a_look(effect) and effect.nth > 2
