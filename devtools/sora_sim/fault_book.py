"""Which faults are armed, and which one a call meets. In memory: a restart disarms everything."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from devtools.sora_sim.faults import Fault, Operation
from devtools.sora_sim.keywords import KEYWORDS


@dataclass
class Armed:
    """A fault and how many calls it has matched so far."""

    fault: Fault
    matched: int = 0

    def strikes(self) -> bool:
        """Count a matching call; whether it is one of those that the fault was armed for."""
        self.matched += 1
        turn = self.matched - self.fault.skip
        return turn >= 1 and (self.fault.times is None or turn <= self.fault.times)

    @property
    def left(self) -> int | None:
        """How many times it will still happen; None for ever."""
        if self.fault.times is None:
            return None
        return self.fault.times - min(self.fault.times, max(0, self.matched - self.fault.skip))


class FaultBook:
    """Armed faults go before keywords, earlier ones before later ones; a call meets at most one fault."""

    def __init__(self) -> None:
        self._armed: list[Armed] = []
        self._keyword_calls: Counter[tuple[str, str]] = Counter()

    def arm(self, faults: Iterable[Fault]) -> None:
        """Add faults behind those already armed."""
        self._armed.extend(Armed(fault) for fault in faults)

    def clear(self) -> None:
        """Disarm everything; keywords start to count anew."""
        self._armed.clear()
        self._keyword_calls.clear()

    def armed(self) -> list[dict[str, Any]]:
        """The faults as they were sent, each with `matched` and `left`."""
        return [
            {**each.fault.model_dump(mode="json"), "matched": each.matched, "left": each.left} for each in self._armed
        ]

    def meet(self, operation: Operation, *, prompt: str | None = None, job: str | None = None) -> Fault | None:
        """The fault that this call runs into, if any. Counts, so ask once for each call."""
        for armed in self._armed:
            if armed.fault.matches(operation, prompt, job) and armed.strikes():
                return armed.fault
        for keyword, fault in KEYWORDS.items():
            if prompt is not None and keyword in prompt and fault.operation == operation:
                calls = Armed(fault, self._keyword_calls[keyword, prompt])
                self._keyword_calls[keyword, prompt] += 1
                if calls.strikes():
                    return fault
        return None
