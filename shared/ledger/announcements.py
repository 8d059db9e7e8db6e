"""Telling the world how a job gets on: every event at least once, in order, and none lost.

There is no list of events to be sent that a crash could leave behind the truth. What there is to tell follows from what
is on record about the job; the record also says how far each place has been told, and whoever moves a job on tells what
is missing, from the first to the last. A process that dies in between is followed by one that does the same again.

Where a place does not answer, an appointment in the outbox says when the sweep is to try again.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.errors import AppError, StorageError
from shared.events.base import Event, EventSink
from shared.events.job_events import ENDED, PROCESSING, QUEUED, ended, processing, queued
from shared.jobs.ids import OUTBOX, JobId, outbox_blob, parse_outbox_blob
from shared.ledger.records import APPOINTMENTS, JobRecord, JobRecords
from shared.logs import log_for

SEND_SECONDS = 8.0
"""For one event to one place: the stage of the job that it is about goes on afterwards."""

SLOW_SECONDS = 1.0
LEFT_ALONE_SECONDS = 30.0
"""A place that failed after more than a second is not asked again for so long, by this process."""

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=1)
"""Between tries to tell what could not be told; they double."""

GIVEN_UP_AFTER = timedelta(days=7)
"""So long after a job's end a place that has never answered is no longer told of it."""


@dataclass(frozen=True)
class Announcements:
    """Tells of jobs on record; `sinks` are the places that events go to, by name."""

    records: JobRecords
    sinks: Mapping[str, EventSink]
    away: dict[str, float] = field(default_factory=dict)
    """Until when (by the event loop's clock) a place is left alone that has just kept others waiting."""

    @property
    def at_first(self) -> dict[str, int] | None:
        """What a new job's record says of who has been told of it; None while nobody is to be told anything."""
        return dict.fromkeys(self.sinks, 0) or None

    async def tell(self, job_id: JobId, far: int) -> None:
        """Tell of a job that has got so far, as well as that can be done now; only its end must be told for certain.

        Raises nothing that is expected to go wrong: whoever moves a job on must not be kept from it.
        """
        try:
            if not await self._tell(job_id, far, None):
                await self._owe(job_id, 0)
        except StorageError as error:
            log_for(job_id).warning("events not sent for now: %s", error)

    async def promise(self, job_id: JobId) -> str | None:
        """Have the sweep tell of a job in a minute, before its end is on record: whoever puts it there may die then.

        Return the name of that appointment, None while nobody is to be told anything. Raises `StorageUnavailable`.
        """
        return await self._owe(job_id, 0) if self.sinks else None

    async def tell_the_end(self, job_id: JobId, promise: str | None) -> None:
        """Tell of a job whose end is on record, and strike out the promise where that is done for good.

        Raises `StorageUnavailable`.
        """
        if promise is not None and await self._tell(job_id, QUEUED, None):
            await self.records.store.delete_record(promise)

    async def owed(self) -> AsyncIterator[tuple[str, JobId]]:
        """Yield the appointments of the outbox that are due, the earliest first."""
        now = self.records.now()
        names = await self.records.store.list_names(OUTBOX, limit=APPOINTMENTS) if self.sinks else []
        for name in names:
            appointment = parse_outbox_blob(name)
            if appointment is not None:
                if appointment[0] > now:
                    return
                yield name, appointment[1]

    async def pay(self, name: str, job_id: JobId, far: int, since: datetime | None) -> None:
        """Keep an appointment of the outbox, for a job that got so far at that time; raise `StorageUnavailable`."""
        if not await self._tell(job_id, far, since):
            appointment = await self.records.store.read_record(name) or {}
            tries = appointment.get("tries")
            await self._owe_again(job_id, (tries if isinstance(tries, int) else 0) + 1)
        await self.records.store.delete_record(name)

    async def send(self, name: str, event: Event) -> str | None:
        """Send an event to a place, in 8 s at most; return why that failed, None where it did not. Raises nothing.

        A place that has kept somebody waiting is not asked for a while, so that the next one is not kept waiting, too.
        """
        clock = asyncio.get_running_loop().time
        began = clock()
        if began < self.away.get(name, 0.0):
            return "it was away a moment ago"
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self.sinks[name].send(event)
        except (AppError, TimeoutError) as error:
            if clock() - began > SLOW_SECONDS:
                self.away[name] = clock() + LEFT_ALONE_SECONDS
            return str(error) or f"no answer after {SEND_SECONDS:.0f} s"
        except Exception as error:  # noqa: BLE001 - no job may pay for what a receiver's SDK makes of its settings
            return type(error).__name__
        return None

    async def _tell(self, job_id: JobId, far: int, since: datetime | None) -> bool:
        """Tell what is left to tell of a job that has got so far, or has ended; say whether nothing is left then."""
        record = await self.records.read(job_id) if self.sinks else None
        if record is None or record.told is None:
            return True
        events = _events(record, far, since or self.records.now())
        before = {name: far for name, far in record.told.items() if name in self.sinks}
        reached = await asyncio.gather(*(self._told(name, far, events, job_id) for name, far in before.items()))
        told = dict(zip(before, reached, strict=True))
        if told != before:
            await self.records.mark_told(job_id, told)
        return all(far >= _number(events[-1]) for far in told.values())

    async def _told(self, name: str, before: int, events: list[Event], job_id: JobId) -> int:
        """Tell one place what is missing, and return how far it has been told then."""
        reached = before
        for event in events:
            if _number(event) <= before:
                continue
            problem = await self.send(name, event)
            if problem is not None:
                log_for(job_id).warning("%s: %s not sent for now: %s", name, event.type, problem)
                return reached
            reached = _number(event)
        return reached

    async def _owe_again(self, job_id: JobId, tries: int) -> None:
        record = await self.records.read(job_id)
        ended_at = None if record is None or record.end is None else record.end.times.get("ended", record.accepted_at)
        if ended_at is not None and self.records.now() >= ended_at + GIVEN_UP_AFTER:
            log_for(job_id).error("its events could not be sent for %d days; given up", GIVEN_UP_AFTER.days)
            return
        await self._owe(job_id, tries)

    async def _owe(self, job_id: JobId, tries: int) -> str:
        due = self.records.now() + min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(tries, 16))
        name = outbox_blob(due, job_id)
        await self.records.store.create_record(name, {"job_id": job_id, "tries": tries})
        return name


def _number(event: Event) -> int:
    return event.sequence or 0


def _events(record: JobRecord, far: int, now: datetime) -> list[Event]:
    """Return what there is to tell of a job, in order; `now` is the time of what has no other."""
    job_id, sender_id, end = record.job_id, record.sender_id, record.end
    found = [queued(job_id, record.accepted_at, record.request, sender_id)]
    times = {} if end is None else end.times
    if far >= PROCESSING or "submitted" in times or (end is not None and end.status == "completed"):
        found.append(processing(job_id, times.get("submitted", now), sender_id))
    if end is not None:
        found.append(ended(job_id, end, times.get("ended", now), sender_id))
    elif far >= ENDED:
        raise AssertionError("a job has ended when that is on record")
    return found
