"""Put a job's end on record, and let go of everything that it may still hold. A second run changes nothing."""

from shared.jobs.models import CloseJobInput, CloseJobResult
from shared.wiring import Services


async def close_job(payload: CloseJobInput, services: Services) -> CloseJobResult:
    """Close the job; raise `StorageUnavailable`."""
    await services.closing.close(payload.job_id, payload.end, in_line=payload.in_line)
    return CloseJobResult()
