"""The sweep: once a minute, whatever a crash has left undone is done or ended, and what is past its time is removed.

It reads our own records, never the durable backend's lists: who holds a place, which appointments are due, which
cancellations have not been heeded, of which jobs the world has not been told. Where there is nothing to do, it costs
five reads, two more where events are sent, and one where somebody watches.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from shared.errors import AppError
from shared.events.job_events import PROCESSING, QUEUED
from shared.jobs.ids import CANCELLATIONS, JobId, cancellation_blob, made_at, named_job
from shared.jobs.instances import Instances
from shared.jobs.lifecycle import moment
from shared.jobs.places import Place
from shared.logs import log, log_for
from shared.names import CANCEL_JOB, PLACE_GRANTED
from shared.upkeep.attend import is_stuck, keep_appointment, look_after
from shared.wiring import Services

AT_ONCE = 8
"""So many jobs are looked after at the same time."""

UNNOTICED = timedelta(seconds=30)
"""A job that has got a place, or was cancelled, notices that within a second; after this long the event was lost."""

MOST_CANCELLATIONS = 500

Chore = tuple[JobId, Callable[[], Awaitable[None]]]

UNSEEN = timedelta(minutes=1)
"""A job that has got a place has a story by then, or never will."""

_USES_ITS_PLACE = ("submit", "render", "close", None)
"""Stages of a story that holds a place by right: at its end it may still be stopping its render, and None is a story
that has not shown a stage yet."""


async def sweep_once(services: Services, instances: Instances) -> None:
    """Do one round. Trouble with one job, or with one kind of chore, does not keep the others waiting."""
    for part in (_places, _free_places, _cancellations, _appointments, _outbox, _rejections, _line):
        try:
            await part(services, instances)
        except AppError as error:
            log.warning("%s not looked after in this sweep: %s", part.__name__.strip("_").replace("_", " "), error)


async def _places(services: Services, instances: Instances) -> None:
    """See to it that who holds a place needs it, and knows that it has it."""
    state = await services.line.places()

    def check(job_id: JobId, place: Place) -> Chore:
        return job_id, lambda: _check_place(services, instances, job_id, place)

    noticed = services.now() - UNNOTICED
    await _each([check(job_id, place) for job_id, place in state.places.items() if place.since <= noticed])


async def _free_places(services: Services, instances: Instances) -> None:
    """Give away what is free: whoever freed it may have died before giving it away."""
    del instances
    await services.line.serve()


async def _cancellations(services: Services, instances: Instances) -> None:
    """Repeat what has not been heeded."""

    def remind(job_id: JobId) -> Chore:
        return job_id, lambda: _remind(services, instances, job_id)

    names = await services.store.list_names(CANCELLATIONS, limit=MOST_CANCELLATIONS)
    await _each([remind(job_id) for name in names if (job_id := named_job(name)) is not None])


async def _appointments(services: Services, instances: Instances) -> None:
    """Keep those that are due, the earliest first."""

    def keep(name: str, job_id: JobId) -> Chore:
        return job_id, lambda: keep_appointment(services, instances, name, job_id)

    await _each([keep(name, job_id) async for name, job_id in services.records.due()])


async def _outbox(services: Services, instances: Instances) -> None:
    """Tell the world what it could not be told before."""

    def pay(name: str, job_id: JobId) -> Chore:
        return job_id, lambda: _pay(services, instances, name, job_id)

    await _each([pay(name, job_id) async for name, job_id in services.announcements.owed()])


async def _line(services: Services, instances: Instances) -> None:
    """Tell whoever watches how long the line is."""
    del instances
    if services.telemetry.listens:
        waiting = await services.waiting.count(soon=True)
        first = await services.waiting.first()
        oldest = timedelta() if first is None else max(timedelta(), services.now() - made_at(first))
        services.telemetry.line_seen(waiting, oldest)


async def _rejections(services: Services, instances: Instances) -> None:
    """Tell the senders of messages that were no jobs what they could not be told before."""
    del instances
    await services.rejections.tell_again()


async def _pay(services: Services, instances: Instances, name: str, job_id: JobId) -> None:
    """Tell what is true of the job now: it may have got on since."""
    sight = await instances.sight(job_id)
    is_accepted = sight is not None and sight.view.status == "processing"
    since = moment(sight.times.get("submitted")) if sight is not None else None
    await services.announcements.pay(name, job_id, PROCESSING if is_accepted else QUEUED, since)


async def _check_place(services: Services, instances: Instances, job_id: JobId, place: Place) -> None:
    """Take a place from a job that does not need it any more, and tell a job that has one without knowing it."""
    sight = await instances.sight(job_id)
    if sight is None or sight.told:
        record = await services.records.read(job_id)
        if record is not None and record.end is None:
            if sight is not None or services.now() >= place.since + UNSEEN:
                await look_after(services, instances, record)  # which also stops its render
            return
    elif sight.stage == "wait":
        log_for(job_id).warning("told once more that it has a place")
        await instances.signal(job_id, PLACE_GRANTED)
        return
    elif sight.stage in _USES_ITS_PLACE:
        record = await services.records.read(job_id) if is_stuck(sight, services.now()) else None
        if record is not None and record.end is None:
            await look_after(services, instances, record)
        return
    log_for(job_id).warning("its place is freed by the sweep")
    await services.line.release(job_id, place.grant)


async def _remind(services: Services, instances: Instances, job_id: JobId) -> None:
    """Tell a story once more that it has been cancelled; forget about that where it has ended."""
    sight = await instances.sight(job_id)
    if sight is None or sight.told:
        await services.store.delete_record(cancellation_blob(job_id))
    elif not sight.view.has_ended:
        await instances.signal(job_id, CANCEL_JOB)


async def _each(chores: list[Chore]) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def do(job_id: JobId, chore: Callable[[], Awaitable[None]]) -> None:
        async with places:
            try:
                await chore()
            except AppError as error:
                log_for(job_id).warning("not looked after in this sweep: %s: %s", type(error).__name__, error)

    await asyncio.gather(*(do(job_id, chore) for job_id, chore in chores))
