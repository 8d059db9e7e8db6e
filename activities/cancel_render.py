"""Have the video service stop a render that nobody wants any more. A second run changes nothing.

From then on nothing is submitted for this job, also where the message to submit it is delivered once more.
"""

from shared.jobs.models import CancelRenderInput, CancelRenderResult
from shared.wiring import Services


async def cancel_render(payload: CancelRenderInput, services: Services) -> CancelRenderResult:
    """Stop or remove the job's render, if there is one and the service can; raise `ProviderError`s, `StorageError`."""
    return CancelRenderResult(told=await services.submissions.stop(payload.job_id, payload.spec))
