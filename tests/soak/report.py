"""What a step has found, as a short table; a step that found something wrong has failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MOST_PROBLEMS = 20
"""One bug often breaks a promise to many jobs; the first ones say enough."""


def tell(text: str) -> None:
    """Show something to whoever watches, at once."""
    print(text, flush=True)  # noqa: T201 - a command line prints


@dataclass
class Report:
    """Rows of figures, and a sentence for everything that is wrong; `logs` are worth reading then."""

    rows: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    logs: str = ""
    exit_status: int = 1
    """What the command returns where something is wrong."""

    def row(self, label: str, figures: str) -> None:
        """Add a row."""
        self.rows.append((label, figures))

    def lines(self) -> list[str]:
        """Return the logs, if there are any, the table, and the problems below it."""
        width = max((len(label) for label, _ in self.rows), default=0)
        table = [f"   {label:<{width}}  {figures}" for label, figures in self.rows]
        shown = [f"   WRONG: {problem}" for problem in self.problems[:MOST_PROBLEMS]]
        more = [f"   WRONG: and {len(self.problems) - len(shown)} more"] if len(self.problems) > len(shown) else []
        return [*filter(None, [self.logs]), *table, *shown, *more]


def counts(numbers: Mapping[str, int], order: Sequence[str] = ()) -> str:
    """Return `12 of this, 3 of that`, those named in `order` first, also where there are none of them."""
    rest = sorted(set(numbers) - set(order))
    return ", ".join(f"{numbers.get(name, 0)} {name}" for name in (*order, *rest)) or "none"


def spread(seconds: Sequence[float]) -> str:
    """Return the middle, the largest but a few, and the largest."""
    if not seconds:
        return "none"
    ordered = sorted(seconds)
    middle, late = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)]
    return f"half within {middle:.1f} s, 95 in 100 within {late:.1f} s, the last {ordered[-1]:.1f} s"
