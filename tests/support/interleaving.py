"""Stores that let other things happen between two calls, to play the orders in which processes overtake each other."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from devtools.fakes.in_memory_store import InMemoryStore


class SlowStore:
    """The store, with every call taking a while, in turn as long as `pauses` say, before and after its effect."""

    def __init__(self, store: InMemoryStore, pauses: list[int]) -> None:
        self._store = store
        self._pauses = pauses
        self._calls = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        async def slow(*arguments: object, **options: object) -> object:
            await self._pause()
            result: object = await method(*arguments, **options)
            await self._pause()
            return result

        return slow

    async def _pause(self) -> None:
        self._calls += 1
        for _ in range(self._pauses[self._calls % len(self._pauses)]):
            await asyncio.sleep(0)


class StoreThatLets:
    """The store, letting something else happen before the first call of one method."""

    def __init__(self, store: InMemoryStore, method: str, happens: Coroutine[Any, Any, object]) -> None:
        self._store = store
        self._method = method
        self._happens: Coroutine[Any, Any, object] | None = happens

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        async def called(*arguments: object, **options: object) -> object:
            if name == self._method and self._happens is not None:
                happens, self._happens = self._happens, None
                await happens
            result: object = await method(*arguments, **options)
            return result

        return called
