"""Runs one cell: the scenario with its fault, to the end of all jobs and beyond, and says what is wrong then."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.faults.expectations import expected_ends, renders_beyond_places
from tests.faults.invariants import actual_end, broken_invariants, come_to_rest
from tests.faults.recording import studied_run
from tests.faults.scenarios import FIRST, SCENARIOS, Script
from tests.faults.vocabulary import DELIVERY, Cell, Kind
from tests.faults.world import World, fake_world


@dataclass(frozen=True)
class Verdict:
    """What became of a cell: `end` is how its first job has ended, `broken` what does not hold."""

    end: str
    broken: tuple[str, ...]


async def play(cell: Cell) -> Verdict:
    """Run a cell of the matrix at the ports."""
    scenario = SCENARIOS[cell.scenario]
    run = None if cell.effect == DELIVERY else await studied_run(cell.scenario, cell.row)
    hangs = cell.strike.kind is Kind.HANGS
    async with fake_world(submits_per_minute=scenario.submits_per_minute, short_deadlines=hangs) as world:
        if cell.effect == DELIVERY:
            world.tap.deliver(cell.row, cell.strike.kind)
        else:
            world.tap.aim(cell.row, cell.effect, cell.strike, run=run)
        return await judged(world, scenario.script, expected_ends(cell), extra_renders=renders_beyond_places(cell))


async def judged(world: World, script: Script, ends: Mapping[str, str], *, extra_renders: int = 0) -> Verdict:
    """Play a story in a world to its end and beyond, and judge what has become of it."""
    try:
        await script(world)
        await world.until_ended(*world.jobs.values())
        disk = await come_to_rest(world)
        if await world.tap.deliver_late():
            await world.pass_time(minutes=5)
            disk = await come_to_rest(world)
    except AssertionError as error:
        return Verdict("stuck", (str(error),))
    # Its client may have died with the answer, or instead of it.
    if FIRST not in world.jobs and (job_id := disk.job_for(FIRST)) is not None:
        world.jobs[FIRST] = job_id
    broken = [sentence async for sentence in broken_invariants(world, disk, ends, extra_renders=extra_renders)]
    return Verdict(await actual_end(world, FIRST), (*broken, *world.tap.not_struck()))
