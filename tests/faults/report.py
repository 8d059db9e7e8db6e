"""The matrix as tables: a row for each call, a column for each fault, and in each cell what became of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.faults.matrix import Verdict

GREEN: Final = "ok"
IMPOSSIBLE: Final = "·"
BROKEN: Final = "BROKEN"
HOLE: Final = "HOLE"

_WORDS: Final = {"completed": GREEN, "gone": "none", "queued": BROKEN, "processing": BROKEN}


@dataclass
class Table:
    """A part of the matrix; `column` and `row` say where a verdict goes. What has none is a hole, or is impossible."""

    title: str
    columns: Sequence[str]
    cells: dict[str, dict[str, str]] = field(default_factory=dict)

    def put(self, row: str, column: str, word: str) -> None:
        """Fill a cell."""
        self.cells.setdefault(row, {})[column] = word

    def lines(self) -> Iterable[str]:
        """Yield the lines of the table; columns that nothing is in are left out."""
        used = [
            name
            for name in self.columns
            if any(self.cells[row].get(name, IMPOSSIBLE) != IMPOSSIBLE for row in self.cells)
        ]
        first = max(map(len, self.cells), default=0)
        widths = [max(len(name), *(len(cells.get(name, HOLE)) for cells in self.cells.values())) for name in used]
        yield ""
        yield self.title
        yield "  ".join([" " * first, *(name.ljust(width) for name, width in zip(used, widths, strict=True))]).rstrip()
        for row, cells in self.cells.items():
            words = [cells.get(name, HOLE).ljust(width) for name, width in zip(used, widths, strict=True)]
            yield "  ".join([row.ljust(first), *words]).rstrip()


def word_for(verdict: Verdict) -> str:
    """Return what stands in a cell: how the first job ended, or that an invariant is broken."""
    return BROKEN if verdict.broken else _WORDS.get(verdict.end, verdict.end)


def complaints(verdicts: Mapping[str, Verdict]) -> Iterable[str]:
    """Yield what is wrong, cell by cell."""
    for cell, verdict in verdicts.items():
        if verdict.broken:
            yield f"{cell}: {'; '.join(verdict.broken)}"
