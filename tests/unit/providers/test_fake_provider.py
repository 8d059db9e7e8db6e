"""What the fake does beyond the port: it lets only so many renders run, and remembers how many did."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from devtools.fakes.fake_provider import ANSWER_LOST, FakeRender, FakeVideoProvider
from shared.errors import ProviderAmbiguous, ProviderThrottled
from shared.jobs.models import RenderSpec

SPEC = RenderSpec(prompt="a calm lake", seconds=5, width=1280, height=720)


async def finish(provider: FakeVideoProvider, render: FakeRender) -> None:
    """Look as often as it needs."""
    for _ in range(provider.looks_needed):
        await provider.look(render.upstream_id)


async def fail(_provider: FakeVideoProvider, render: FakeRender) -> None:
    """Let it fail."""
    render.failure = "upstream_failed"


async def lose(_provider: FakeVideoProvider, render: FakeRender) -> None:
    """Let the service forget it."""
    render.lost = True


async def cancel(provider: FakeVideoProvider, render: FakeRender) -> None:
    """Through the port."""
    await provider.cancel(render.upstream_id)


async def test_a_full_fake_takes_no_more() -> None:
    """It says so, and nothing is accepted."""
    provider = FakeVideoProvider(most_running=2)
    for _ in range(2):
        await provider.submit(SPEC)

    with pytest.raises(ProviderThrottled, match="too many running"):
        await provider.submit(SPEC)

    assert len(provider.renders) == 2
    assert provider.calls == ["submit"] * 3


@pytest.mark.parametrize("end", [finish, fail, lose, cancel])
async def test_a_render_that_ends_gives_its_place_away(
    end: Callable[[FakeVideoProvider, FakeRender], Awaitable[None]],
) -> None:
    """However it ends."""
    provider = FakeVideoProvider(most_running=1, looks_needed=2)
    await provider.submit(SPEC)
    await provider.look("video_1")
    with pytest.raises(ProviderThrottled):
        await provider.submit(SPEC)

    await end(provider, provider.renders[0])

    assert await provider.submit(SPEC) == "video_2"
    assert provider.peak_running == 1


async def test_the_peak_stays_where_it_was_highest() -> None:
    """Also with renders that nobody was told of, and without a limit."""
    provider = FakeVideoProvider()
    provider.script("submit", ANSWER_LOST)
    with pytest.raises(ProviderAmbiguous):
        await provider.submit(SPEC)
    provider.add_render(SPEC, datetime(2026, 1, 1, tzinfo=UTC))
    await provider.submit(SPEC)

    for render in provider.renders:
        await provider.cancel(render.upstream_id)
    await provider.submit(SPEC)

    assert provider.peak_running == 3


async def test_a_scripted_error_comes_before_a_full_house() -> None:
    """And costs no place."""
    provider = FakeVideoProvider(most_running=1)
    await provider.submit(SPEC)
    provider.script("submit", ProviderThrottled("scripted"))

    with pytest.raises(ProviderThrottled, match="scripted"):
        await provider.submit(SPEC)
