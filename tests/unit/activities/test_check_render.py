"""`check_render`: one look, passed on."""

import pytest

from activities.check_render import check_render
from shared.errors import ProviderError, ProviderJobLost, ProviderRejected, ProviderThrottled, ProviderUnavailable
from shared.jobs.ids import JobId
from shared.jobs.models import CheckRenderInput, CheckRenderResult
from tests.support.activities import SPEC, World
from tests.support.builders import JOB_ID

PAYLOAD = CheckRenderInput(job_id=JobId(JOB_ID), upstream_id="video_1")


async def test_a_look_says_how_far_the_render_is() -> None:
    """And when it is finished."""
    world = World()
    world.provider.looks_needed = 2
    await world.provider.submit(SPEC)

    assert await check_render(PAYLOAD, world.services) == CheckRenderResult(rendered=False, progress=50)
    assert await check_render(PAYLOAD, world.services) == CheckRenderResult(rendered=True, progress=100)


@pytest.mark.parametrize(
    "error",
    [
        ProviderRejected("content_policy", "blocked"),
        ProviderJobLost("gone"),
        ProviderThrottled("slow"),
        ProviderUnavailable("down"),
    ],
    ids=repr,
)
async def test_what_the_service_refuses_passes_through(error: ProviderError) -> None:
    """The story decides what follows from it."""
    world = World()
    world.provider.script("look", error)

    with pytest.raises(ProviderError) as raised:
        await check_render(PAYLOAD, world.services)

    assert raised.value is error


async def test_looking_changes_nothing_of_ours() -> None:
    """No record, no file."""
    world = World()
    await world.provider.submit(SPEC)

    await check_render(PAYLOAD, world.services)

    assert world.store.calls == []
