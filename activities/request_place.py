"""Ask for a place at the video service, or give one back that it had no room for.

A second run gives the same answer: the place that the job holds, or none while it waits in line. The first activity of
a story, so it also tells the world that there is a new job.
"""

from shared.errors import ProviderRejected
from shared.events.job_events import QUEUED
from shared.jobs.models import RequestPlaceInput, RequestPlaceResult
from shared.wiring import Services


async def request_place(payload: RequestPlaceInput, services: Services) -> RequestPlaceResult:
    """Return the job's place, none while it waits.

    Raises `ProviderRejected` (`cancelled`) for a job that was withdrawn and started all the same: it does not stand in
    line, so it would wait for nothing. `StorageUnavailable`.
    """
    place = await services.line.request(payload)
    # One that has a place would be refused later; but then the world would have been told of it.
    is_in_doubt = place.grant is None or services.sinks
    if is_in_doubt and await services.submissions.is_withdrawn(payload.job_id):
        raise ProviderRejected("cancelled", "withdrawn, because its caller was told that it had not been accepted")
    await services.announcements.tell(payload.job_id, QUEUED)
    return place
