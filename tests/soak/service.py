"""The simulator's control routes: arming its errors, counting those that were met, and what it has rendered."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

ANSWER_SECONDS: Final = 10.0


class ServiceControl:
    """The simulator at an address, which may be gone at times; then httpx's errors are raised."""

    def __init__(self, simulator: str) -> None:
        self._simulator = simulator

    def arm(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Let these faults happen, until the simulator ends or is told to behave."""
        self._call("POST", "faults", json=list(faults))

    def behave(self) -> None:
        """Let nothing go wrong any more."""
        self._call("DELETE", "faults")

    def met(self) -> Counter[str]:
        """Return how many of the armed faults have happened, by operation. Each is armed for one call."""
        faults = self._call("GET", "faults")["faults"]
        return Counter(fault["operation"] for fault in faults if fault["left"] == 0)

    def calls(self) -> Counter[str]:
        """Return how many calls there have been, by operation."""
        return Counter(_operation(call["method"], call["path"]) for call in self._call("GET", "calls"))

    def renders(self) -> Sequence[Mapping[str, Any]]:
        """Return every render that was ever accepted."""
        renders: list[Mapping[str, Any]] = self._call("GET", "jobs")
        return renders

    def stats(self) -> Mapping[str, int]:
        """Return how many renders there are, and the most at a time."""
        stats: Mapping[str, int] = self._call("GET", "stats")
        return stats

    def _call(self, method: str, route: str, **content: Any) -> Any:
        answer = httpx.request(
            method, f"{self._simulator}/_sim/{route}", timeout=ANSWER_SECONDS, trust_env=False, **content
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None


def _operation(method: str, path: str) -> str:
    if method == "POST":
        return "create"
    if method == "DELETE":
        return "delete"
    if path.endswith("/content"):
        return "content"
    return "list" if path.endswith("/videos") else "retrieve"
