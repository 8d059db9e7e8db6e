"""Free the place of a render that is over, for the next job in line. A second run finds it free."""

from shared.jobs.models import ReleasePlaceInput, ReleasePlaceResult
from shared.wiring import Services


async def release_place(payload: ReleasePlaceInput, services: Services) -> ReleasePlaceResult:
    """Free the place of that grant; raise `StorageUnavailable`."""
    await services.line.release(payload.job_id, payload.grant)
    return ReleasePlaceResult()
