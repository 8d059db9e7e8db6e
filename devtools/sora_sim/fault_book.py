"""Which faults are armed, and which one a call meets. In memory: a restart disarms everything."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from devtools.sora_sim.faults import Fault, Operation
from devtools.sora_sim.keywords import KEYWORDS


@dataclass
class Armed:
    """A fault, how many calls it has matched so far, and at how many of them it happened."""

    fault: Fault
    matched: int = 0
    struck: int = 0
    due: bool = False

    def count(self) -> None:
        """A call matches: perhaps the fault's turn has come."""
        self.matched += 1
        turn = self.matched - self.fault.skip
        self.due = self.due or (turn >= 1 and turn % (self.fault.every or 1) == 0)

    def strikes(self) -> bool:
        """Whether it happens at the call just counted, where no other does."""
        if not self.due or self.left == 0:
            return False
        self.due = False
        self.struck += 1
        return True

    @property
    def left(self) -> int | None:
        """How many times it will still happen; None for ever."""
        return None if self.fault.times is None else self.fault.times - self.struck


class FaultBook:
    """Armed faults go before keywords, earlier ones before later ones; a call meets at most one fault.

    A fault of `every` n-th call counts those that meet another fault, too, and where its turn comes at one of them it
    takes the next that is free: so three of every 10th are 30 in 100. Other faults count only what is left to them, so
    that those armed together are a script.
    """

    def __init__(self) -> None:
        self._armed: list[Armed] = []
        self._by_keyword: dict[tuple[str, str], Armed] = {}

    def arm(self, faults: Iterable[Fault]) -> None:
        """Add faults behind those already armed."""
        self._armed.extend(Armed(fault) for fault in faults)

    def clear(self) -> None:
        """Disarm everything; keywords start to count anew."""
        self._armed.clear()
        self._by_keyword.clear()

    def armed(self) -> list[dict[str, Any]]:
        """The faults as they were sent, each with `matched` and `left`."""
        return [
            {**each.fault.model_dump(mode="json"), "matched": each.matched, "left": each.left} for each in self._armed
        ]

    def meet(self, operation: Operation, *, prompt: str | None = None, job: str | None = None) -> Fault | None:
        """The fault that this call runs into, if any. Counts, so ask once for each call."""
        met: Fault | None = None
        for armed in self._armed:
            if armed.fault.matches(operation, prompt, job) and (met is None or armed.fault.every is not None):
                armed.count()
                if met is None and armed.strikes():
                    met = armed.fault
        return met or self._by_word(operation, prompt)

    def _by_word(self, operation: Operation, prompt: str | None) -> Fault | None:
        for keyword, fault in KEYWORDS.items():
            if prompt is not None and keyword in prompt and fault.operation == operation:
                armed = self._by_keyword.setdefault((keyword, prompt), Armed(fault))
                armed.count()
                if armed.strikes():
                    return fault
        return None
