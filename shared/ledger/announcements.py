"""Telling the world how a job gets on: every event at least once, in order, and none lost.

There is no list of events to be sent that a crash could leave behind the truth. What there is to tell follows from what
is on record about the job; the record also says how far each place has been told, and whoever moves a job on tells what
is missing, from the first to the last. A process that dies in between is followed by one that does the same again.

Where a place does not answer, an appointment in the outbox says when the sweep is to try again.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import DeliveryFailed, StorageError
from shared.events.base import Event, EventSink
from shared.events.job_events import ENDED, PROCESSING, QUEUED, ended, processing, queued
from shared.jobs.ids import OUTBOX, JobId, outbox_blob, parse_outbox_blob
from shared.ledger.records import APPOINTMENTS, JobRecord, JobRecords
from shared.logs import log_for

SEND_SECONDS = 8.0
"""For one event to one place: the stage of the job that it is about goes on afterwards."""

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

    @property
    def at_first(self) -> dict[str, int] | None:
        """What a new job's record says of who has been told of it; None while nobody is to be told anything."""
        return dict.fromkeys(self.sinks, 0) or None

    async def tell(self, job_id: JobId, far: int) -> None:
        """Tell of a job that has got so far, as well as that can be done now; only its end must be told for certain.

        Never raises: whoever moves a job on must not be kept from it.
        """
        try:
            await self.tell_all(job_id, far)
        except StorageError as error:
            log_for(job_id).warning("events not sent for now: %s", error)

    async def tell_all(self, job_id: JobId, far: int = QUEUED, *, tries: int = 0) -> None:
        """Tell what is left to tell of a job that has got so far, or has ended; what is left then, the outbox holds.

        Raises `StorageUnavailable`: then it must be called again.
        """
        record = await self.records.read(job_id) if self.sinks else None
        if record is None or record.told is None:
            return
        events = _events(record, far, self.records.now())
        names = [name for name in record.told if name in self.sinks]
        reached = await asyncio.gather(*(self._told(name, record.told[name], events, job_id) for name in names))
        told = dict(zip(names, reached, strict=True))
        if told != {name: record.told[name] for name in names}:
            await self.records.mark_told(job_id, told)
        newest = max((event.sequence or 0 for event in events), default=0)
        if any(far < newest for far in told.values()):
            await self._owe(record, tries)

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

    async def pay(self, name: str, job_id: JobId, far: int) -> None:
        """Keep an appointment of the outbox, for a job that has got so far."""
        appointment = await self.records.store.read_record(name) or {}
        tries = appointment.get("tries")
        await self.tell_all(job_id, far, tries=(tries if isinstance(tries, int) else 0) + 1)
        await self.records.store.delete_record(name)

    async def _told(self, name: str, before: int, events: list[Event], job_id: JobId) -> int:
        """Tell one place what is missing, and return how far it has been told then."""
        reached = before
        for event in events:
            number = event.sequence or 0
            if number <= before:
                continue
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await self.sinks[name].send(event)
            except (DeliveryFailed, TimeoutError) as error:
                told = str(error) or f"no answer after {SEND_SECONDS:.0f} s"
                log_for(job_id).warning("%s: %s not sent for now: %s", name, event.type, told)
                return reached
            reached = number
        return reached

    async def _owe(self, record: JobRecord, tries: int) -> None:
        now = self.records.now()
        if record.end is not None and now >= record.end.times.get("ended", record.accepted_at) + GIVEN_UP_AFTER:
            log_for(record.job_id).error("its events could not be sent for %d days; given up", GIVEN_UP_AFTER.days)
            return
        due = now + min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(tries, 16))
        owed = {"job_id": record.job_id, "tries": tries}
        await self.records.store.create_record(outbox_blob(due, record.job_id), owed)


def _events(record: JobRecord, far: int, now: datetime) -> list[Event]:
    """Return what there is to tell of a job, in order."""
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
