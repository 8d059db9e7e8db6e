"""What strikes do where the app calls its ports: the exceptions of `shared/errors.py`, before or after the effect."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from devtools.fakes.in_memory_store import InMemoryStore
from shared.errors import (
    InvalidUpstreamVideo,
    ProviderAmbiguous,
    ProviderError,
    ProviderThrottled,
    ProviderUnavailable,
    StorageUnavailable,
)
from shared.jobs.ids import JobId, watch_blob
from shared.providers.base import RenderedFile
from shared.storage.base import Record
from tests.faults.studio import Studio
from tests.faults.tap import AnyStrike, Tap
from tests.faults.tapped import Perform, PerformOn, StoreCall, area_of
from tests.faults.vocabulary import Kind, Strike, When

Value = TypeVar("Value")

SECRET: Final = "sig=c2VjcmV0-of-the-fault-suite"
"""What every error of a fault says of itself: no caller, output, status or history may show it."""

RIVAL: Final = JobId("01jyg74z6ee6e9y23ceq2fmwc4")
"""The job that a rival claims a key for."""


@dataclass(frozen=True)
class PortFaults:
    """Strikes at the ports of one world."""

    tap: Tap
    disk: InMemoryStore
    studio: Studio
    now: Callable[[], datetime]

    async def store(self, strike: AnyStrike, call: StoreCall, perform: PerformOn[Value]) -> Value:
        """See `StoreFaults`."""
        assert isinstance(strike, Strike)
        if strike.kind is Kind.OVERTAKEN:
            await self._overtake(call)
            return await perform(self.disk)
        if strike.when is When.AFTER:
            await perform(self.disk)
        if strike.kind is Kind.KILLED:
            self.tap.die()
        if strike.kind is Kind.HANGS:
            await asyncio.Event().wait()
        raise StorageUnavailable(f"storage failed, as it was told: {SECRET}")

    async def upstream(self, strike: AnyStrike, operation: str, subject: str, perform: Perform[Value]) -> Value:
        """See `UpstreamFaults`."""
        assert isinstance(strike, Strike)
        if strike.when is When.AFTER:
            done = await perform()
            if strike.kind is Kind.FORGOTTEN:
                self.studio.forget(str(done))
                return done
        if strike.kind is Kind.KILLED:
            self.tap.die()
        if strike.kind is Kind.FORGOTTEN:
            self.studio.forget(subject)
            return await perform()
        raise _error(strike.kind, operation)

    @asynccontextmanager
    async def fetch(
        self, strike: AnyStrike, upstream_id: str, opened: AbstractAsyncContextManager[RenderedFile]
    ) -> AsyncIterator[RenderedFile]:
        """See `UpstreamFaults`."""
        assert isinstance(strike, Strike)
        match strike:
            case Strike(Kind.KILLED, When.BEFORE):
                self.tap.die()
            case Strike(Kind.FORGOTTEN):
                self.studio.forget(upstream_id)
            case Strike(_, When.BEFORE):
                raise _error(strike.kind, "fetch")
        async with opened as file:
            yield file if strike.when is When.BEFORE else RenderedFile(self._spoilt(strike.kind, file), file.size)

    async def _spoilt(self, kind: Kind, file: RenderedFile) -> AsyncIterator[bytes]:
        whole = b"".join([piece async for piece in file.chunks])
        if kind is Kind.GARBAGE:
            yield bytes(len(whole))
            return
        yield whole[: len(whole) // 2]
        if kind is Kind.KILLED:
            self.tap.die()
        raise ProviderUnavailable(f"the file broke off, as it was told: {SECRET}")

    async def _overtake(self, call: StoreCall) -> None:
        """Write what another run of the same function, or another job, would have written a moment ago."""
        there = self.disk.record(call.name)
        if call.method == "mark_verified":
            await self._write_again(call.name)
        elif there is not None and "run" not in (call.record or {}):
            marked = {**there, "writer": "a rival"} if "writer" in there else there
            await self.disk.replace_record(call.name, marked)
        elif call.record is not None:
            await self.disk.replace_record(call.name, self._rivals(call.record))
            if area_of(call.name) == "keys":
                due = watch_blob(self.now() + timedelta(minutes=3), RIVAL)
                await self.disk.replace_record(due, {"job_id": RIVAL, "key": call.name})

    async def _write_again(self, name: str) -> None:
        stored = await self.disk.find_video(name)
        assert stored is not None
        content = await self.disk.read_range(name, stored, 0, stored.size)

        async def chunks() -> AsyncIterator[bytes]:
            yield content

        await self.disk.write_video(name, chunks())

    def _rivals(self, record: Record) -> Record:
        if "run" in record:
            return {**record, "run": "a rival's"}
        if "writer" in record:
            return {**record, "writer": "a rival"}
        if "accepted_at" in record:
            return {**record, "accepted_at": (self.now() - timedelta(seconds=1)).isoformat()}
        if "withdrawn_at" in record:
            return {**record, "withdrawn_at": (self.now() - timedelta(seconds=1)).isoformat()}
        return {**record, "job_id": RIVAL}


def _error(kind: Kind, operation: str) -> ProviderError:
    """Return what the adapter makes of such an answer (tests/contract/test_video_provider.py holds it to that)."""
    told = f"the service failed, as it was told: {SECRET}"
    match kind:
        case Kind.THROTTLED:
            return ProviderThrottled(told)
        case Kind.GARBAGE if operation == "submit":
            return ProviderAmbiguous("submission_unknown", told, accepted=True)
        case Kind.GARBAGE if operation == "fetch":
            return InvalidUpstreamVideo(told)
        case Kind.FAILING if operation == "submit":
            return ProviderAmbiguous("upstream_unavailable", told)
        case Kind.NO_ANSWER if operation == "submit":
            return ProviderAmbiguous("submission_unknown", told)
        case _:
            return ProviderUnavailable(told)
