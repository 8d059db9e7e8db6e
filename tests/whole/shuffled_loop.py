"""An event loop in which nobody can count on who comes first, as between processes.

On the usual one, tasks that are ready go on in the order in which they became so: stories that ask the same things keep
step, and never race each other.
"""

import asyncio
from random import Random


class ShuffledLoop(asyncio.SelectorEventLoop):
    """An event loop that goes on with what is ready in a random order, the same for the same `seed`."""

    def __init__(self) -> None:
        super().__init__()
        self.random = Random(0)  # noqa: S311 - no secret

    def seed(self, seed: int) -> None:
        """Choose the order."""
        self.random.seed(seed)

    def _run_once(self) -> None:
        self.random.shuffle(self._ready)  # type: ignore[attr-defined]  # asyncio's own, the same from 3.11 to 3.13
        super()._run_once()  # type: ignore[misc]  # as above
