"""The line of jobs that wait for a place at the video service, and the places.

Two kinds of records: one for each job that waits, named so that their order is that of arrival, and one state with the
places, changed only where it is still the version that was read. Whoever frees a place gives it to the first in line
in the same change, and wakes that job by an event. The event may be lost, come twice, or come late: a job that is woken
asks here, and the sweep wakes again who holds a place without knowing it.

Nobody is overlooked: a job stands in line before it looks at the state, and whoever leaves a place free looks at the
line again after that.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from shared.errors import BackendUnavailable, PlaceLost, StorageUnavailable, TooEarly
from shared.jobs.ids import CAPACITY, WAITING, JobId, waiting_blob, waiting_job
from shared.jobs.instances import Instances
from shared.jobs.models import RequestPlaceInput, RequestPlaceResult
from shared.jobs.places import (
    Capacity,
    Place,
    PlacesState,
    free_places,
    granted,
    paused,
    released,
    submitting,
)
from shared.logs import log_for
from shared.names import PLACE_GRANTED
from shared.storage.base import BlobStore

MOST_TURNS = 1000
"""Records that one job can have in line; there is one, and a second only where somebody died in between."""

MOST_TRIES = 25
"""A change that is overtaken is made again: each time, somebody else's was made, of whom there are few."""

Change = Callable[[PlacesState], PlacesState]


@dataclass(frozen=True)
class Line:
    """The line and the places in `store`, at a service that takes `capacity`; `instances` are woken."""

    store: BlobStore
    capacity: Capacity
    now: Callable[[], datetime]
    instances: Instances

    async def join(self, job_id: JobId, turn: int = 0) -> None:
        """Put a job into the line, where its id stands among the others; once more changes nothing."""
        await self.store.create_record(waiting_blob(job_id, turn), {"job_id": job_id})

    async def request(self, asked: RequestPlaceInput) -> RequestPlaceResult:
        """Return the job's place, or none yet; first give one back where the service was full.

        Asked again, it gives the same answer. A job that gave its place back is told when to ask again: until then
        nobody gets a place, and nobody else might wake it afterwards.
        """
        state = await (self._read() if asked.give_back is None else self._give_back(asked, asked.give_back))
        place = state.places.get(asked.job_id)
        if place is None and asked.turn is not None:
            await self.join(asked.job_id, asked.turn)
            state = await self._read()  # once more: who changed it before this job stood in line did not see it there
            place = state.places.get(asked.job_id)
        if place is None and free_places(state, self.capacity, self.now()):
            state = await self._serve(_unchanged, asking=asked.job_id)
            place = state.places.get(asked.job_id)
        if place is not None:
            return RequestPlaceResult(grant=place.grant)
        return RequestPlaceResult(ask_again_at=state.paused_until if asked.give_back is not None else None)

    async def release(self, job_id: JobId, grant: str) -> None:
        """Free a place, and give it to the next in line; nothing happens where it is free already."""
        place = (await self._read()).places.get(job_id)
        if place is not None and place.grant == grant:
            await self.store.delete_record(place.waiter)
            await self._serve(lambda state: released(state, job_id, grant))

    async def leave(self, job_id: JobId) -> None:
        """Take a job out of the line and out of its place, whichever it is in."""
        for name in await self.store.list_names(f"{WAITING}{job_id}", limit=MOST_TURNS):
            await self.store.delete_record(name)
        # Written even where nothing changes: somebody who has just read that this job waits must find that overtaken.
        await self._serve(lambda state: released(state, job_id, None), always=True)

    async def serve(self) -> None:
        """Give away what is free: somebody may have died between freeing a place and giving it away."""
        await self._serve(lambda state: state)

    async def places(self) -> PlacesState:
        """Return who holds the places."""
        return await self._read()

    async def take_turn(self, job_id: JobId, grant: str) -> None:
        """Return where the holder of a place may submit now; raise `TooEarly`, with the time to wait, where not.

        Raises `PlaceLost` where the job holds no such place: a message that was delivered late must not submit.
        """
        at = self.now()

        def take(state: PlacesState) -> PlacesState:
            nonlocal at
            place = state.places.get(job_id)
            if place is None or place.grant != grant:
                raise PlaceLost(f"job {job_id!r} does not hold the place that it was granted")
            changed, at = submitting(state, grant, self.capacity, self.now())
            return changed

        await self._change(take)
        wait = (at - self.now()).total_seconds()
        if wait > 0:
            raise TooEarly(f"the turn of {job_id!r} to submit comes in {wait:.0f} s", retry_after_seconds=wait)

    async def _serve(self, first: Change, *, asking: JobId | None = None, always: bool = False) -> PlacesState:
        """Make a change, and give away what is free then; wake those who got a place, but not who is asking."""
        change = first
        while True:
            before, after = await self._change(change, always=always, serving=True)
            new = [job_id for job_id in after.places if job_id not in before.places]
            gone = [job_id for job_id in new if not await self._hand_over(job_id, after.places[job_id], asking)]
            if gone:
                change = self._without(gone)
            elif (
                after is not before and free_places(after, self.capacity, self.now()) and await self._waiting(after, 1)
            ):
                change = _unchanged  # somebody joined the line after it was read, and still read the state of before
            else:
                return after
            always = False

    async def _give_back(self, asked: RequestPlaceInput, grant: str) -> PlacesState:
        """Free the place of a job that the service had no room for, and let nobody have it for a while."""

        def give_back(state: PlacesState) -> PlacesState:
            without = released(state, asked.job_id, grant)
            until = self.now() + timedelta(seconds=asked.pause_seconds or 0)
            return state if without is state else paused(without, until, asked=asked.pause_was_asked or False)

        before, after = await self._change(give_back)
        place = before.places.get(asked.job_id)
        if place is not None and place.grant == grant:
            await self.store.delete_record(place.waiter)
        return after

    async def _hand_over(self, job_id: JobId, place: Place, asking: JobId | None) -> bool:
        """Take a job that has got a place out of the line and wake it; False where it has ended meanwhile."""
        await self.store.delete_record(place.waiter)
        if job_id == asking:
            return True
        try:
            return await self.instances.signal(job_id, PLACE_GRANTED)
        except BackendUnavailable as error:
            log_for(job_id).warning("not told that it has a place, the sweep will tell it: %s", error)
            return True

    async def _change(
        self, change: Change, *, always: bool = False, serving: bool = False
    ) -> tuple[PlacesState, PlacesState]:
        """Change the state, as often as somebody else was faster; return it before and after."""
        for _ in range(MOST_TRIES):
            seen = await self.store.read_versioned(CAPACITY)
            before = PlacesState.model_validate(seen.record) if seen else PlacesState()
            after = change(before)
            if serving and (free := free_places(after, self.capacity, self.now())):
                first = await self._waiting(after, free)
                after = granted(after, first, self.capacity, self.now(), lambda: uuid4().hex)
            if after == before and not always:
                return before, before
            after = after.model_copy(update={"writer": uuid4().hex})
            if await self.store.replace_version(CAPACITY, after.model_dump(mode="json"), seen.etag if seen else None):
                return before, after
        raise StorageUnavailable(f"the places were changed by others {MOST_TRIES} times in a row")

    async def _waiting(self, state: PlacesState, most: int) -> dict[str, JobId]:
        """Return the first in line that have no place; those that have one are about to be taken out of it."""
        names = await self.store.list_names(WAITING, limit=most + len(state.places))
        jobs = {name: job_id for name in names if (job_id := waiting_job(name)) is not None}
        return {name: job_id for name, job_id in jobs.items() if job_id not in state.places}

    async def _read(self) -> PlacesState:
        record = await self.store.read_record(CAPACITY)
        return PlacesState() if record is None else PlacesState.model_validate(record)

    @staticmethod
    def _without(gone: Iterable[JobId]) -> Change:
        def change(state: PlacesState) -> PlacesState:
            for job_id in gone:
                state = released(state, job_id, None)
            return state

        return change


def _unchanged(state: PlacesState) -> PlacesState:
    return state
