"""Who may render now: the arithmetic of places and of submissions a minute. Pure functions over one small state.

A place belongs to a job from its grant until its render is over or the job has ended. Places go to the jobs that wait
in the order of their ids, which is that of arrival. The state is as large as there are places, however long the line.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from shared.jobs.ids import JobId
from shared.jobs.models import Payload

MINUTE = timedelta(seconds=61)
"""The window in which submissions are counted. A second more than a minute: the service counts them as they arrive."""


class Capacity(Payload):
    """What the video service takes: renders at once, and calls to submit in a minute (None: as many as it likes)."""

    renders: int
    submits_per_minute: int | None = None


class Place(Payload):
    """A place that a job holds; `grant` tells it from an earlier one of the same job.

    `waiter` is the record by which the job stood in line for it, which must not get it another.
    """

    grant: str
    since: datetime
    waiter: str


class Submit(Payload):
    """A call to submit: made at `at`, or, where it is still to come, kept for `grant` then."""

    at: datetime
    grant: str | None = None


class PlacesState(Payload):
    """Everything that is kept about places. `writer` marks a version, so that its writer knows it again.

    Until `paused_until` nobody is granted a place, because the service has said that it is full; `pause_was_asked` says
    that it named that moment itself.
    """

    places: Mapping[JobId, Place] = {}
    submits: tuple[Submit, ...] = ()
    paused_until: datetime | None = None
    pause_was_asked: bool = False
    writer: str = ""


def granted(
    state: PlacesState, waiters: Mapping[str, JobId], capacity: Capacity, now: datetime, new_grant: Callable[[], str]
) -> PlacesState:
    """Return the state with its free places given to the first of `waiters`, jobs by the record of their waiting.

    Who holds a place gets no second one.
    """
    places = dict(state.places)
    free = free_places(state, capacity, now)
    for waiter, job_id in waiters.items():
        if free and job_id not in places:
            places[job_id] = Place(grant=new_grant(), since=now, waiter=waiter)
            free -= 1
    return state.model_copy(update={"places": places})


def free_places(state: PlacesState, capacity: Capacity, now: datetime) -> int:
    """Return how many places can be given away now."""
    if state.paused_until is not None and now < state.paused_until:
        return 0
    return max(0, capacity.renders - len(state.places))


def released(state: PlacesState, job_id: JobId, grant: str | None) -> PlacesState:
    """Return the state without the job's place, with `grant` only if it is of that grant.

    A pause that nobody asked for ends with it: what the service was full of may have been this very render.
    """
    place = state.places.get(job_id)
    if place is None or grant not in (None, place.grant):
        return state
    places = {job: held for job, held in state.places.items() if job != job_id}
    submits = tuple(submit for submit in state.submits if submit.grant != place.grant)
    changes: dict[str, object] = {"places": places, "submits": submits}
    if not state.pause_was_asked:
        changes["paused_until"] = None
    return state.model_copy(update=changes)


def paused(state: PlacesState, until: datetime, *, asked: bool) -> PlacesState:
    """Return the state with nothing to be granted until then, or until a later moment that stands already."""
    if state.paused_until is not None and state.paused_until >= until:
        return state
    return state.model_copy(update={"paused_until": until, "pause_was_asked": asked})


def submitting(state: PlacesState, grant: str, capacity: Capacity, now: datetime) -> tuple[PlacesState, datetime]:
    """Return the state with a moment for the holder of `grant` to submit, and that moment; `now` means: do it.

    Moments go to those who ask in turn, as early as no window holds more than its number of submissions.
    """
    most = capacity.submits_per_minute
    if most is None:
        return state, now
    counted = [submit for submit in state.submits if submit.at > now - MINUTE]
    kept = next((submit.at for submit in counted if submit.grant == grant), None)
    others = sorted(submit.at for submit in counted if submit.grant != grant)
    # Whose turn it is lets nobody reserved for later go first; who asks anew stands behind all of them.
    before = [at for at in others if at <= now] if kept is not None else others
    at = max(now, kept) if kept is not None else now
    if len(before) >= most:
        at = max(at, before[-most] + MINUTE)
    mine = Submit(at=at, grant=None if at <= now else grant)
    rest = tuple(submit for submit in counted if submit.grant != grant)
    return state.model_copy(update={"submits": (*rest, mine)}), at
