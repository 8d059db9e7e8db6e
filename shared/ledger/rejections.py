"""Telling the senders of messages that are no jobs: noted first, told as soon as that can be done, at least once.

A record for each such message holds its event until every place has been told of it; the sweep goes on with the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.events.base import Event
from shared.jobs.ids import REJECTIONS, rejection_blob
from shared.ledger.announcements import GIVEN_UP_AFTER, Announcements
from shared.logs import log
from shared.storage.base import BlobStore, Record

MOST_AT_A_TIME = 500


@dataclass(frozen=True)
class Rejections:
    """The rejections on record in `store`, told by `announcements`."""

    store: BlobStore
    announcements: Announcements
    now: Callable[[], datetime]

    async def note(self, event: Event) -> None:
        """Put a rejection on record, unless it is or nobody is to be told; raise `StorageUnavailable`."""
        if self.announcements.sinks:
            told = dict.fromkeys(self.announcements.sinks, False)
            noted: Record = {"event": _as_record(event), "told": told, "noted_at": self.now().isoformat()}
            await self.store.create_record(rejection_blob(event.id), noted)

    async def tell(self, event: Event) -> None:
        """Tell of one that was noted, as well as that can be done now; raise `StorageUnavailable`."""
        if self.announcements.sinks:
            await self._tell(rejection_blob(event.id))

    async def tell_again(self) -> None:
        """Tell of all that could not be told; raise `StorageUnavailable`."""
        if self.announcements.sinks:
            for name in await self.store.list_names(REJECTIONS, limit=MOST_AT_A_TIME):
                await self._tell(name)

    async def _tell(self, name: str) -> None:
        noted = await self.store.read_record(name)
        if noted is None:
            return
        event, before = _as_event(noted["event"]), noted["told"]
        told = {place: is_told for place, is_told in before.items() if place in self.announcements.sinks}  # type: ignore[attr-defined]  # JSON
        for place in [place for place, is_told in told.items() if not is_told]:
            problem = await self.announcements.send(place, event)
            told[place] = problem is None
            if problem is not None:
                log.warning("%s: %s not sent for now: %s", place, event.id, problem)
        given_up = self.now() >= datetime.fromisoformat(str(noted["noted_at"])) + GIVEN_UP_AFTER
        if all(told.values()) or given_up:
            if not all(told.values()):
                log.error("%s could not be sent for %d days; given up", event.id, GIVEN_UP_AFTER.days)
            await self.store.delete_record(name)
        elif told != before:
            await self.store.replace_record(name, {**noted, "told": told})


def _as_record(event: Event) -> Record:
    return {
        "id": event.id,
        "type": event.type,
        "subject": event.subject,
        "time": event.time.isoformat(),
        "data": dict(event.data),
    }


def _as_event(record: object) -> Event:
    if not isinstance(record, dict):
        raise TypeError("a rejection on record holds an event")
    return Event(**{**record, "time": datetime.fromisoformat(record["time"])})
