"""`python -m tests.faults`: run the whole matrix and print it; exit status 1 where not all is green, or there."""

import argparse
import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Callable
from time import monotonic

import pytest

from tests.faults.effects import declared
from tests.faults.matrix import Verdict, play
from tests.faults.possible import DELIVERIES, KINDS, cells, deliveries, excluded, not_delivered
from tests.faults.recording import holes
from tests.faults.report import BROKEN, HOLE, IMPOSSIBLE, Table, complaints, word_for
from tests.faults.scenarios import SCENARIOS
from tests.faults.vocabulary import DELIVERY, Cell, Strike, When
from tests.faults.wire_matrix import WireCell, play_on_the_wire, service_cells, storage_cells
from tests.faults.wire_stage import servers, stage

Verdicts = dict[str, Verdict]


def main() -> int:
    """Print all tables, then what is wrong, and say whether something is."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Run and print the fault matrix.")
    parser.add_argument("--ports", action="store_true", help="leave out the part that needs servers")
    ports_only = parser.parse_args().ports
    logging.disable()
    began = monotonic()
    verdicts, tables = _at_the_ports()
    found = asyncio.run(holes())
    if not ports_only:
        try:
            on_the_wire, more = _on_the_wire()
        except pytest.skip.Exception as skipped:
            found.append(f"nothing was run on the wire: {skipped}")
        else:
            verdicts |= on_the_wire
            tables += more
    words = Counter(word for table in tables for cells_of_row in table.cells.values() for word in cells_of_row.values())
    summary = ", ".join(f"{count} {word}" for word, count in words.most_common() if word != IMPOSSIBLE)
    lines = [line for table in tables for line in table.lines()]
    lines += ["", f"{len(verdicts)} cells in {monotonic() - began:.0f} s: {summary}", *complaints(verdicts), *found]
    sys.stdout.write("\n".join([*lines, ""]))
    return int(bool(found or words[BROKEN] or words[HOLE]))


def _at_the_ports() -> tuple[Verdicts, list[Table]]:
    """Run the cells at the ports, and return their verdicts and a table for each port."""
    verdicts = {str(cell): asyncio.run(play(cell)) for cell in (*cells(), *deliveries())}

    def word(cell: Cell, why_not: Callable[[Cell], str | None]) -> str:
        verdict = verdicts.get(str(cell))
        return word_for(verdict) if verdict is not None else IMPOSSIBLE if why_not(cell) else HOLE

    tables = []
    for port, kinds in KINDS.items():
        strikes = [Strike(kind, when) for kind in kinds for when in When]
        table = Table(f"Calls of {port}", [str(strike) for strike in strikes])
        for each in declared():
            if each.struck_here and each.effect.port is port:
                for strike in strikes:
                    cell = Cell(each.row, each.scenario, each.effect, strike)
                    table.put(_named(cell), str(strike), word(cell, excluded))
        tables.append(table)
    delivered = Table("Deliveries", [kind.value for kind in DELIVERIES])
    for scenario, story in SCENARIOS.items():
        for row in story.studied:
            for kind in DELIVERIES:
                cell = Cell(row, scenario, DELIVERY, Strike(kind, When.AFTER))
                delivered.put(_named(cell), kind.value, word(cell, not_delivered))
    return verdicts, [*tables, delivered]


def _on_the_wire() -> tuple[Verdicts, list[Table]]:
    """Run the cells on the wire, and return their verdicts and two tables."""
    storage, service = list(storage_cells()), list(service_cells())

    async def run() -> Verdicts:
        async with stage(running) as on:
            return {f"wire: {cell}": await play_on_the_wire(cell, on) for cell in (*storage, *service)}

    with servers() as running:
        verdicts = asyncio.run(run())

    def table(title: str, these: list[WireCell]) -> Table:
        made = Table(title, list(dict.fromkeys(str(cell.strike) for cell in these)))
        for cell in these:
            for column in made.columns:
                name = f"wire: {cell}".removesuffix(str(cell.strike)) + column
                made.put(_named(cell), column, word_for(verdicts[name]) if name in verdicts else IMPOSSIBLE)
        return made

    return verdicts, [
        table("Requests to storage, on the wire (each meets some of the faults, in turn)", storage),
        table("Operations of the video service, on the wire", service),
    ]


def _named(cell: Cell | WireCell) -> str:
    scene = "" if cell.scenario == "plain" else f"@{cell.scenario}"
    return f"{cell.row}/{cell.effect}{scene}"


if __name__ == "__main__":
    sys.exit(main())
