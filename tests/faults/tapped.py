"""The app's three ports with the tap in front of them; what a strike does to a call is left to `faults`."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from devtools.host.engine import Engine
from devtools.host.engine_client import EngineClient
from shared.errors import StorageUnavailable
from shared.jobs.models import RenderSpec
from shared.providers.base import RenderCandidate, RenderedFile, RenderLook, VideoProvider
from shared.storage.base import BlobStore, Record, StoredVideo, Versioned
from tests.faults.tap import AnyStrike, Tap
from tests.faults.vocabulary import Kind, Strike, When
from tests.support.activities import Killed

Value = TypeVar("Value")
Perform = Callable[[], Awaitable[Value]]
PerformOn = Callable[[BlobStore], Awaitable[Value]]
"""A call to storage, to be made on one store or another that holds the same."""


@dataclass(frozen=True)
class StoreCall:
    """A call to storage; `record` is what it writes, `content` the name of the video that it is about."""

    method: str
    name: str
    record: Record | None = None


class StoreFaults(Protocol):
    """What strikes do to calls of storage."""

    async def store(self, strike: AnyStrike, call: StoreCall, perform: PerformOn[Value]) -> Value:
        """Perform a call under a strike."""


class UpstreamFaults(Protocol):
    """What strikes do to calls of the video service."""

    async def upstream(self, strike: AnyStrike, operation: str, subject: str, perform: Perform[Value]) -> Value:
        """Perform an operation under a strike; `subject` is the upstream id, or the prompt where there is none."""

    def fetch(
        self, strike: AnyStrike, upstream_id: str, opened: AbstractAsyncContextManager[RenderedFile]
    ) -> AbstractAsyncContextManager[RenderedFile]:
        """Open a file under a strike."""


def area_of(name: str) -> str:
    """Return what kind of record a blob is, by its name."""
    folder, _, rest = name.partition("/")
    if folder == "submissions" and "/" in rest:
        return "resubmissions"
    return folder.removesuffix(".json")


class TappedStore:
    """A `BlobStore` whose every call passes the tap."""

    def __init__(self, store: BlobStore, tap: Tap, faults: StoreFaults) -> None:
        self._store = store
        self._tap = tap
        self._faults = faults

    async def create_record(self, name: str, record: Record) -> bool:
        """See `BlobStore`."""
        return await self._call("create_record", name, lambda store: store.create_record(name, record), record)

    async def read_record(self, name: str) -> Record | None:
        """See `BlobStore`."""
        return await self._call("read_record", name, lambda store: store.read_record(name))

    async def read_versioned(self, name: str) -> Versioned | None:
        """See `BlobStore`."""
        return await self._call("read_versioned", name, lambda store: store.read_versioned(name))

    async def replace_version(self, name: str, record: Record, etag: str | None) -> bool:
        """See `BlobStore`."""
        return await self._call(
            "replace_version", name, lambda store: store.replace_version(name, record, etag), record
        )

    async def replace_record(self, name: str, record: Record) -> None:
        """See `BlobStore`."""
        await self._call("replace_record", name, lambda store: store.replace_record(name, record), record)

    async def delete_record(self, name: str, only: Record | None = None) -> None:
        """See `BlobStore`."""
        await self._call("delete_record", name, lambda store: store.delete_record(name, only))

    async def list_names(self, prefix: str, *, limit: int) -> list[str]:
        """See `BlobStore`."""
        return await self._call("list_names", prefix, lambda store: store.list_names(prefix, limit=limit))

    async def count_up(self, name: str) -> int:
        """See `BlobStore`."""
        return await self._call("count_up", name, lambda store: store.count_up(name))

    async def write_video(self, name: str, chunks: AsyncIterator[bytes]) -> int:
        """See `BlobStore`."""
        return await self._call("write_video", name, lambda store: store.write_video(name, chunks))

    async def find_video(self, name: str) -> StoredVideo | None:
        """See `BlobStore`."""
        return await self._call("find_video", name, lambda store: store.find_video(name))

    async def mark_verified(self, name: str, video: StoredVideo, facts: Mapping[str, str]) -> None:
        """See `BlobStore`."""
        await self._call("mark_verified", name, lambda store: store.mark_verified(name, video, facts))

    async def delete_video(self, name: str) -> None:
        """See `BlobStore`."""
        await self._call("delete_video", name, lambda store: store.delete_video(name))

    async def read_range(self, name: str, video: StoredVideo, offset: int, length: int) -> bytes:
        """See `BlobStore`; its caller is a thread in a library that has no word for a process that dies."""
        try:
            return await self._call("read_range", name, lambda store: store.read_range(name, video, offset, length))
        except Killed:
            raise StorageUnavailable("this process is dead") from None

    def stream(self, name: str, video: StoredVideo, offset: int, length: int) -> AsyncGenerator[bytes, None]:
        """See `BlobStore`; only downloads stream, and they change nothing."""
        return self._store.stream(name, video, offset, length)

    async def close(self) -> None:
        """See `BlobStore`."""
        await self._store.close()

    async def _call(self, method: str, name: str, perform: PerformOn[Value], record: Record | None = None) -> Value:
        strike = self._tap.meet(method, area_of(name))
        if strike is None:
            return await perform(self._store)
        return await self._faults.store(strike, StoreCall(method, name, record), perform)


class TappedProvider:
    """A `VideoProvider` whose every call passes the tap."""

    def __init__(self, provider: VideoProvider, tap: Tap, faults: UpstreamFaults) -> None:
        self._provider = provider
        self._tap = tap
        self._faults = faults

    async def submit(self, spec: RenderSpec) -> str:
        """See `VideoProvider`."""
        return await self._call("submit", spec.prompt, lambda: self._provider.submit(spec))

    async def look(self, upstream_id: str) -> RenderLook:
        """See `VideoProvider`."""
        return await self._call("look", upstream_id, lambda: self._provider.look(upstream_id))

    @asynccontextmanager
    async def fetch(self, upstream_id: str) -> AsyncIterator[RenderedFile]:
        """See `VideoProvider`."""
        strike = self._tap.meet("fetch", "upstream")
        opened = self._provider.fetch(upstream_id)
        async with opened if strike is None else self._faults.fetch(strike, upstream_id, opened) as file:
            yield file

    async def cancel(self, upstream_id: str) -> None:
        """See `VideoProvider`."""
        await self._call("cancel", upstream_id, lambda: self._provider.cancel(upstream_id))

    async def find(self, spec: RenderSpec, since: datetime) -> Sequence[RenderCandidate]:
        """See `VideoProvider`."""
        return await self._call("find", spec.prompt, lambda: self._provider.find(spec, since))

    async def close(self) -> None:
        """See `VideoProvider`."""
        await self._provider.close()

    async def _call(self, operation: str, subject: str, perform: Perform[Value]) -> Value:
        strike = self._tap.meet(operation, "upstream")
        if strike is None:
            return await perform()
        return await self._faults.upstream(strike, operation, subject, perform)


class TappedClient(EngineClient):
    """A durable client whose every call passes the tap; what strikes do to it is the same wherever storage is."""

    def __init__(self, engine: Engine, tap: Tap) -> None:
        super().__init__(engine)
        self._tap = tap

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: Any = None
    ) -> str:
        """See `EngineClient`."""
        start = super().start_new
        return str(await self._call("start_new", lambda: start(orchestration_function_name, instance_id, client_input)))

    async def get_status(
        self, instance_id: str, show_history: bool = False, show_history_output: bool = False, show_input: bool = False
    ) -> Any:
        """See `EngineClient`."""
        look = super().get_status
        return await self._call("get_status", lambda: look(instance_id, show_history, show_history_output, show_input))

    async def raise_event(self, instance_id: str, event_name: str, event_data: Any = None) -> None:
        """See `EngineClient`."""
        send = super().raise_event
        await self._call("raise_event", lambda: send(instance_id, event_name, event_data))

    async def terminate(self, instance_id: str, reason: str) -> None:
        """See `EngineClient`."""
        end = super().terminate
        await self._call("terminate", lambda: end(instance_id, reason))

    async def purge_instance_history(self, instance_id: str) -> Any:
        """See `EngineClient`."""
        purge = super().purge_instance_history
        return await self._call("purge_instance_history", lambda: purge(instance_id))

    async def _call(self, call: str, perform: Perform[Any]) -> Any:
        match self._tap.meet(call, "story"):
            case None:
                return await perform()
            case Strike(Kind.LOST):
                return None
            case Strike(Kind.TWICE):
                await perform()
                return await perform()
            case Strike(Kind.LATE):
                self._tap.put_off(perform)
                raise ConnectionError("no answer from the durable backend, as it was told")
            case Strike(kind, when):
                if when is When.AFTER:
                    await perform()
                if kind is Kind.KILLED:
                    self._tap.die()
                if kind is Kind.HANGS:
                    await asyncio.Event().wait()
                if kind is Kind.BROKEN:
                    raise ConnectionError("the connection to the durable backend broke, as it was told")
        raise Exception("the durable backend failed, as it was told")  # noqa: TRY002 - what the SDK raises
