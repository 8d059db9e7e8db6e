"""Look at the job's render once. A second run looks again; nothing is changed by looking."""

from shared.jobs.models import CheckRenderInput, CheckRenderResult
from shared.wiring import Services


async def check_render(payload: CheckRenderInput, services: Services) -> CheckRenderResult:
    """Say whether the render is finished and how far it is; a failed or vanished one raises its `ProviderError`."""
    look = await services.provider.look(payload.upstream_id)
    return CheckRenderResult(rendered=look.rendered, progress=look.progress)
