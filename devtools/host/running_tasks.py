"""What the host has under way, as asyncio tasks: kept until they end, abandoned when the host ends."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

_TIDY_SECONDS = 1.0


class RunningTasks:
    """A set of tasks; `on_end` is called with each that has ended."""

    def __init__(self, on_end: Callable[[asyncio.Task[None]], None]) -> None:
        self._on_end = on_end
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin a piece of work."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def abandon(self) -> None:
        """Cancel all of them; see `abandon`."""
        await abandon(self._tasks)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._on_end(task)


async def abandon(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and give them a moment to tidy up; how they end matters to nobody."""
    abandoned = set(tasks)
    for task in abandoned:
        task.cancel()
    if abandoned:
        ended, _ = await asyncio.wait(abandoned, timeout=_TIDY_SECONDS)
        for task in ended:
            if not task.cancelled():
                task.exception()  # looked at, so that asyncio does not complain that nobody has
