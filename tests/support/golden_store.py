"""Storage of the golden world, and the services of the HTTP functions over it."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextvars import ContextVar
from typing import Any, Final

from devtools.fakes.fake_provider import FakeVideoProvider
from devtools.fakes.in_memory_store import InMemoryStore
from shared.errors import StorageUnavailable
from shared.jobs.ids import CAPACITY, WAITING, cancellation_blob, job_blob, key_blob, video_blob, waiting_blob
from shared.jobs.models import FlowSettings
from shared.jobs.places import Place, PlacesState
from shared.ledger.acceptance import _fingerprint
from shared.storage.base import TALLY_LIMIT, Record, StoredVideo, Versioned
from shared.wiring import Limits, Services
from tests.support import golden_world as world
from tests.support.builders import FLOW

_asked_with: Final[ContextVar[str]] = ContextVar("_asked_with", default="")
"""The record of the key of the request that is being answered."""


class GoldenStore(InMemoryStore):
    """Storage in memory, failing or full for the ids, prompts and keys that say so."""

    def __init__(self) -> None:
        super().__init__(now=lambda: world.NOW)

    async def read_versioned(self, name: str) -> Versioned | None:
        """See `BlobStore`; a key that has become that of a new job is new again."""
        _asked_with.set(name)
        found = await super().read_versioned(name)
        if found is None or found.record.get("job_id") != world.NEW:
            return found
        await self._make_room()
        return None

    async def count_up(self, name: str) -> int:
        """See `BlobStore`; every new job is the first of its day, and has the same id: the one before makes room."""
        del name
        await self._make_room()
        return TALLY_LIMIT + 1 if _asked_with.get() == key_blob(world.DAY_FULL) else 1

    async def list_names(self, prefix: str, *, limit: int) -> list[str]:
        """See `BlobStore`; new jobs are not seen in the line, and it can be asked to be full."""
        if prefix == WAITING and _asked_with.get() == key_blob(world.LINE_FULL):
            return [waiting_blob(world.a_job(9000 + number)) for number in range(limit)]
        return [name for name in await super().list_names(prefix, limit=limit) if world.NEW not in name]

    async def create_record(self, name: str, record: Record) -> bool:
        """See `BlobStore`."""
        request = record.get("request")
        if isinstance(request, dict) and request["prompt"] == world.STORAGE_DOWN:
            raise StorageUnavailable("failed on request")
        if name == cancellation_blob(world.NOT_TO_BE_RECORDED):
            raise StorageUnavailable("failed on request")
        return await super().create_record(name, record)

    async def read_record(self, name: str) -> Record | None:
        """See `BlobStore`."""
        if name == job_blob(world.UNREADABLE_RECORD):
            raise StorageUnavailable("failed on request")
        return await super().read_record(name)

    async def find_video(self, name: str) -> StoredVideo | None:
        """See `BlobStore`."""
        if name == video_blob(world.UNREADABLE):
            raise StorageUnavailable("failed on request")
        if name == video_blob(world.BROKEN):
            raise RuntimeError("failed on request, as nobody has foreseen")
        return await super().find_video(name)

    async def stream(self, name: str, video: StoredVideo, offset: int, length: int) -> AsyncGenerator[bytes, None]:
        """See `BlobStore`."""
        if name == video_blob(world.UNREADABLE_CONTENT):
            raise StorageUnavailable("failed on request")
        async for piece in super().stream(name, video, offset, length):
            if name == video_blob(world.BREAKS_OFF):
                yield piece[: world.FIRST_PIECE]
                raise StorageUnavailable("failed on request")
            yield piece

    async def _make_room(self) -> None:
        claims = [name for name in self.names() if name.startswith("keys/")]
        of_new = [name for name in claims if (self.record(name) or {}).get("job_id") == world.NEW]
        for name in [*of_new, *(name for name in self.names() if world.NEW in name)]:
            await self.delete_record(name)


class _NothingKept(dict[str, Any]):
    """What a process keeps, made anew whenever it is asked for: no request sees what another has looked up."""

    def __contains__(self, name: object) -> bool:
        return False


async def golden_services() -> Services:
    """Make the services of the HTTP functions, with every file and record in its place."""
    store = GoldenStore()
    for job in (world.COMPLETED, world.EMPTY, world.UNVERIFIED, world.UNREADABLE_CONTENT, world.BREAKS_OFF):
        await store.write_video(video_blob(job), _pieces(b"" if job == world.EMPTY else world.VIDEO))
        if job != world.UNVERIFIED:
            await _verify(store, video_blob(job), {})
    await store.write_video(video_blob(world.EXPIRED), _pieces(world.VIDEO))
    for record in world.records():
        await store.create_record(job_blob(record.job_id), record.model_dump(mode="json"))
        if record.job_id == world.EXPIRED and record.end is not None and record.end.expires_at is not None:
            await _verify(store, video_blob(record.job_id), {"expires_at": record.end.expires_at.isoformat()})
    for job in world.LINE:
        await store.create_record(waiting_blob(job), {"job_id": job})
    await store.create_record(CAPACITY, _all_places_taken().model_dump(mode="json"))
    claim: Record = {"job_id": world.EARLIER, "request": _fingerprint(world.REQUEST)}
    await store.create_record(key_blob(world.USED_KEY), claim)
    flow = FlowSettings.model_validate(FLOW)
    return Services(
        provider=FakeVideoProvider(),
        store=store,
        flow=flow,
        now=lambda: world.NOW,
        limits=Limits(waiting_jobs=world.MOST_WAITING),
        kept=_NothingKept(),
    )


def _all_places_taken() -> PlacesState:
    """Return a state in which a job that is withdrawn makes nobody move up in the line."""
    places = {
        job: Place(grant="a grant", since=world.NOW, waiter=waiting_blob(job))
        for job in (world.JOBS["submitting"], world.JOBS["rendering"])
    }
    return PlacesState(places=places)


async def _verify(store: GoldenStore, name: str, facts: dict[str, str]) -> None:
    found = await store.find_video(name)
    assert found
    await store.mark_verified(name, found, facts)


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content
