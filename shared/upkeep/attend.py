"""Looking after one job: what the sweep does at an appointment, and for a job that holds a place without using it.

Whatever became of the process that had to do with a job, afterwards it is one of these: its story goes on, its end is
on record, or it was never accepted and has left no trace.
"""

from datetime import datetime, timedelta

from shared.errors import ProviderError
from shared.events.job_events import QUEUED
from shared.jobs.ids import JobId, video_blob
from shared.jobs.instances import Instances
from shared.jobs.lifecycle import STUCK, JobSight, JobView
from shared.jobs.models import JobEnd
from shared.jobs.plan import render_spec
from shared.jobs.policy import render_may_go_on
from shared.ledger.records import OVERDUE, JobRecord
from shared.logs import log_for
from shared.wiring import Services

LOOK_AGAIN = timedelta(days=1)
"""A job that goes on is looked at once a day, to see that it does; those that hold a place, every minute."""

UNBORN = timedelta(minutes=15)
"""A job without a story that is younger than this never had one: the first look at it comes after a minute."""

_LOST = JobView("failed", "internal")

STOP_TRIES = 10
"""In so many sweeps a service that cannot be reached is asked to stop a render; then the job is closed all the same."""


async def keep_appointment(services: Services, instances: Instances, name: str, job_id: JobId) -> None:
    """Look after the job, make the next appointment where there is one, and strike this one out."""
    record = await services.records.read(job_id)
    if record is None:
        appointment = await services.store.read_record(name) or {}
        key = appointment.get("key")
        await _forget(services, job_id, key if isinstance(key, str) else None, "it is not on record")
        sight = await instances.sight(job_id)
        if sight is not None and sight.told:
            await instances.purge(job_id)  # it was withdrawn, and started all the same
    elif record.end is not None:
        await _clean_up(services, instances, record, record.end)
    elif await look_after(services, instances, record):
        await services.announcements.tell(job_id, QUEUED)
        await services.records.watch(job_id, min(record.overdue_at, services.now() + LOOK_AGAIN))
    await services.store.delete_record(name)


async def look_after(services: Services, instances: Instances, record: JobRecord) -> bool:
    """Bring a job that has not ended on its way or to its end; say whether it goes on."""
    sight = await instances.sight(record.job_id)
    if sight is None:
        return await _without_story(services, instances, record)
    if sight.told:
        log_for(record.job_id).warning("its story ended without closing it; closed by the sweep")
        await _close(services, record, sight, sight.view)
        return False
    if services.now() < record.overdue_at and not is_stuck(sight, services.now()):
        return True
    log_for(record.job_id).error("stuck: it should have moved on an hour ago; ended by the sweep")
    await instances.terminate(record.job_id, STUCK)
    await _close(services, record, sight, _decided(sight))
    return False


def is_stuck(sight: JobSight, now: datetime) -> bool:
    """Say whether a story should have left its stage long ago."""
    return sight.due is not None and now >= sight.due + OVERDUE


async def _without_story(services: Services, instances: Instances, record: JobRecord) -> bool:
    """Start a job that has no story, or remove what it has left; say whether it goes on."""
    job_id, now = record.job_id, services.now()
    if await services.submissions.is_refused(job_id):
        await _forget(services, job_id, record.key, "it was withdrawn when it was accepted")
        return False
    never_had_one = now < record.accepted_at + UNBORN and record.key is None
    if never_had_one and await services.submissions.withdraw(job_id, refused=True):
        await _forget(
            services, job_id, None, "whoever accepted it died before its story started, and nobody has its id"
        )
        return False
    story_input = record.story_input
    if now >= record.overdue_at or story_input is None:
        log_for(job_id).error("lost: there is no story of it, and it is too late for another; ended by the sweep")
        await _close(services, record, JobSight(_LOST), _LOST)
        return False
    log_for(job_id).warning("lost: there is no story of it; started by the sweep")
    await services.line.join(job_id)
    await instances.start(job_id, story_input)
    return True


def _decided(sight: JobSight) -> JobView:
    """Return the end that a stuck story has shown, or that it was stuck."""
    return sight.view if sight.view.has_ended else _LOST


async def _close(services: Services, record: JobRecord, sight: JobSight, view: JobView) -> None:
    end = JobEnd.model_validate(
        {
            "status": view.status,
            "code": view.code,
            "times": {"ended": services.now(), **sight.times},
            "submits": sight.submits,
            "expires_at": sight.expires_at if view.status == "completed" else None,
        }
    )
    if render_may_go_on(end) and record.request is not None:
        try:
            await services.submissions.stop(record.job_id, render_spec(record.request))
        except ProviderError as error:
            since = services.kept.setdefault("stops", {}).setdefault(record.job_id, services.now())
            if error.retryable and services.now() < since + timedelta(minutes=STOP_TRIES - 1):
                raise
            log_for(record.job_id).error("its render may go on: %s", error)
    await services.records.watch(record.job_id, services.now())  # should this process die before the end is on record
    await services.closing.close(record.job_id, end, in_line=True)


async def _forget(services: Services, job_id: JobId, key: str | None, why: str) -> None:
    log_for(job_id).warning("removed by the sweep: %s", why)
    await services.acceptance.forget(job_id, key)


async def _clean_up(services: Services, instances: Instances, record: JobRecord, end: JobEnd) -> None:
    """Remove what has been kept long enough, and make the next appointment where something is left."""
    closing, now, job_id = services.closing, services.now(), record.job_id
    if now >= closing.history_due(end):
        await instances.purge(job_id)
    file_due, traces_due = closing.file_due(end), closing.traces_due(end)
    if file_due is not None and now >= file_due:
        await services.store.delete_video(video_blob(job_id))
    if traces_due is not None and now >= traces_due:
        await services.submissions.forget(job_id)
        if record.key is not None:
            await services.store.delete_record(record.key)
        await services.records.shrink(job_id)
    coming = closing.next_chore(end, now)
    if coming > now:
        await services.records.watch(job_id, coming)
