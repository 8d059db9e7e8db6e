"""A store in memory that can be out of reach for a while, and at whose calls the process can die."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from itertools import chain, cycle, repeat
from typing import Literal

from devtools.fakes.in_memory_store import InMemoryStore
from shared.errors import StorageUnavailable
from tests.whole.fuse import Fuse

Call = Literal["well", "fails", "unheard"]
"""What becomes of a call during an outage: all is well, nothing is done, or it is done and the answer is lost."""


class TroubledStore(InMemoryStore):
    """See `InMemoryStore`. `failures` counts the calls that an outage has broken."""

    def __init__(self, now: Callable[[], datetime], fuse: Fuse) -> None:
        super().__init__(now)
        self.failures = 0
        self._fuse = fuse
        self._until = now()
        self._pattern: Iterator[Call] = cycle(["well"])

    def go_away(self, until: datetime, pattern: Sequence[Call], *, after: int = 0) -> None:
        """Have an outage until then, in which calls go by that pattern, over and over, `after` some that go well."""
        self._until, self._pattern = until, chain(repeat("well", after), cycle(pattern))

    @property
    def is_away(self) -> bool:
        """Whether calls may fail now."""
        return self._now() < self._until

    @contextmanager
    def _called(self, method: str, name: str) -> Iterator[None]:
        # The decoder reads from a thread in C, which takes the death of the process for an empty read, over and over.
        with nullcontext() if method == "read_range" else self._fuse.call():
            becomes = next(self._pattern) if self.is_away else "well"
            if becomes != "well":
                self.failures += 1
            if becomes == "fails":
                raise StorageUnavailable("out of reach on request")
            with super()._called(method, name):
                yield
            if becomes == "unheard":
                raise StorageUnavailable("its answer was lost on request")
