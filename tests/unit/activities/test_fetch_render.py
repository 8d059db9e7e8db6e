"""`fetch_render`: the whole file in our storage, or nothing new there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from activities import fetch_render as module
from activities.fetch_render import fetch_render
from devtools.fakes.fake_provider import BROKEN_OFF, BreaksOff, FakeVideoProvider
from shared.errors import (
    AppError,
    InvalidUpstreamVideo,
    ProviderJobLost,
    ProviderThrottled,
    ProviderUnavailable,
    StorageUnavailable,
)
from shared.jobs.ids import JobId, video_blob
from shared.jobs.models import FetchRenderInput, FetchRenderResult
from shared.providers.base import RenderedFile
from tests.support.activities import SPEC, World
from tests.support.builders import JOB_ID

NAME = video_blob(JobId(JOB_ID))


@pytest.fixture
async def world() -> World:
    """Return one in which the job's render is finished."""
    world = World()
    upstream_id = await world.provider.submit(SPEC)
    await world.provider.look(upstream_id)
    world.provider.calls.clear()
    return world


async def fetch(world: World) -> FetchRenderResult:
    """Run the activity."""
    return await fetch_render(FetchRenderInput(job_id=JobId(JOB_ID), upstream_id="video_1"), world.services)


async def stored(world: World) -> bytes | None:
    """Return what lies in our storage."""
    video = await world.store.find_video(NAME)
    return None if video is None else await world.store.read_range(NAME, video, 0, video.size)


async def put(world: World, content: bytes, *, verified: bool) -> None:
    """Let an earlier run have stored something."""

    async def once() -> AsyncIterator[bytes]:
        yield content

    await world.store.write_video(NAME, once())
    video = await world.store.find_video(NAME)
    if verified and video is not None:
        await world.store.mark_verified(NAME, video, {})


async def test_the_renders_bytes_are_stored_and_counted(world: World) -> None:
    """Whole and unchanged."""
    assert await fetch(world) == FetchRenderResult(size=len(world.provider.file))
    assert await stored(world) == world.provider.file


async def test_a_second_run_stores_the_same_bytes_again(world: World) -> None:
    """As long as nobody has verified them."""
    await fetch(world)

    assert await fetch(world) == FetchRenderResult(size=len(world.provider.file))
    assert await stored(world) == world.provider.file
    assert world.provider.calls == ["fetch", "fetch"]


async def test_a_verified_video_is_left_alone(world: World) -> None:
    """It may be in the middle of a download, and the service may no longer have it."""
    await put(world, b"verified", verified=True)

    assert await fetch(world) == FetchRenderResult(size=8)
    assert await stored(world) == b"verified"
    assert world.provider.calls == []


@pytest.mark.parametrize(
    "error",
    [
        ProviderJobLost("gone"),
        ProviderThrottled("slow", retry_after_seconds=3),
        ProviderUnavailable("down"),
        InvalidUpstreamVideo("HTML"),
    ],
    ids=repr,
)
async def test_a_refused_fetch_leaves_what_was_there(world: World, error: AppError) -> None:
    """The service's error passes through."""
    await put(world, b"earlier", verified=False)
    world.provider.script("fetch", error)

    with pytest.raises(AppError) as raised:
        await fetch(world)

    assert raised.value is error
    assert await stored(world) == b"earlier"


async def test_a_transfer_that_breaks_off_leaves_nothing(world: World) -> None:
    """Half a file is never stored; the next run brings all of it."""
    world.provider.script("fetch", BROKEN_OFF)

    with pytest.raises(ProviderUnavailable):
        await fetch(world)

    assert await stored(world) is None
    await fetch(world)
    assert await stored(world) == world.provider.file


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("nth", [1, 2])
async def test_storage_in_trouble_is_reported_and_the_next_run_mends_it(
    world: World, nth: int, *, after_effect: bool
) -> None:
    """At either of its two calls, before or after the effect."""
    world.store.fail_call(nth, after_effect=after_effect)

    with pytest.raises(StorageUnavailable):
        await fetch(world)
    await fetch(world)

    assert await stored(world) == world.provider.file


async def test_a_transfer_without_end_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the host would end the whole worker because of it."""
    monkeypatch.setattr(module, "FETCH_SECONDS", 0.05)

    async def endless() -> AsyncIterator[bytes]:
        yield b"a beginning"
        await asyncio.Event().wait()

    class Endless(FakeVideoProvider):
        @asynccontextmanager
        async def fetch(self, upstream_id: str) -> AsyncIterator[RenderedFile]:  # noqa: ARG002 - as in the port
            yield RenderedFile(endless(), None)

    world.provider = Endless()

    with pytest.raises(ProviderUnavailable, match="took longer"):
        await fetch(world)


async def test_an_error_of_the_app_itself_is_not_taken_for_one_of_the_service(world: World) -> None:
    """A bug stays visible as one."""
    world.provider.script("fetch", BreaksOff(3, RuntimeError("bug")))

    with pytest.raises(RuntimeError):
        await fetch(world)
