"""`verify_video`: only a file that plays, and is what was asked for, gets its mark."""

from collections.abc import AsyncIterator

import pytest

from activities.verify_video import verify_video
from shared.errors import InvalidUpstreamVideo, StorageUnavailable
from shared.jobs.ids import JobId, video_blob
from shared.jobs.models import RenderSpec, VerifyVideoInput, VerifyVideoResult, VideoRequest
from shared.jobs.plan import render_spec
from tests.support.activities import World
from tests.support.builders import JOB_ID
from tests.support.videos import video_file

NAME = video_blob(JobId(JOB_ID))
SPEC = RenderSpec(prompt="a calm lake", seconds=1, width=64, height=48)


@pytest.fixture
def world() -> World:
    """Return a fresh one."""
    return World()


async def put(world: World, content: bytes) -> None:
    """Store a file as the fetched render."""

    async def once() -> AsyncIterator[bytes]:
        yield content

    await world.store.write_video(NAME, once())


async def verify(world: World, spec: RenderSpec = SPEC) -> VerifyVideoResult:
    """Run the activity."""
    return await verify_video(VerifyVideoInput(job_id=JobId(JOB_ID), spec=spec), world.services)


async def is_verified(world: World) -> bool:
    """Say whether the file can be downloaded."""
    video = await world.store.find_video(NAME)
    return video is not None and video.verified


async def test_a_file_that_is_what_was_asked_for_is_marked(world: World) -> None:
    """Its measures are kept beside it."""
    await put(world, video_file(24))

    assert await verify(world) == VerifyVideoResult(width=64, height=48, seconds=1.0)
    assert await is_verified(world)
    assert world.store.metadata(NAME) == {"verified": "1", "width": "64", "height": "48", "seconds": "1.000"}


@pytest.mark.parametrize("frames", [23, 24, 25])
async def test_one_frame_more_or_less_is_accepted(world: World, frames: int) -> None:
    """On both sides."""
    await put(world, video_file(frames))

    await verify(world)

    assert await is_verified(world)


@pytest.mark.parametrize("frames", [1, 12, 22, 26, 48])
async def test_more_than_one_frame_too_few_or_too_many_is_refused(world: World, frames: int) -> None:
    """On both sides."""
    await put(world, video_file(frames))

    with pytest.raises(InvalidUpstreamVideo):
        await verify(world)

    assert not await is_verified(world)


@pytest.mark.parametrize("frames", [97, 98, 102, 103])
async def test_the_tolerance_is_one_frame_of_the_file_itself(world: World, frames: int) -> None:
    """At 100 frames a second two frames are little, and still one too many."""
    await put(world, video_file(frames, rate=100))

    with pytest.raises(InvalidUpstreamVideo):
        await verify(world)


@pytest.mark.parametrize(("width", "height"), [(48, 64), (62, 48), (64, 50), (128, 96)])
async def test_another_size_is_refused(world: World, width: int, height: int) -> None:
    """To the pixel, and not turned."""
    await put(world, video_file(24, width=width, height=height))

    with pytest.raises(InvalidUpstreamVideo):
        await verify(world)

    assert not await is_verified(world)


async def test_odd_sides_are_delivered_as_the_next_even_ones(world: World) -> None:
    """No player shows odd ones: a request for 257x299 is met by 258x300."""
    await put(world, video_file(24, width=258, height=300))
    request = VideoRequest(prompt="a calm lake", duration=1, width=257, height=299)

    await verify(world, render_spec(request))

    assert await is_verified(world)


@pytest.mark.parametrize("content", [b"", b'{"error": "no"}', b"noise" * 5000], ids=["empty", "JSON", "noise"])
async def test_what_is_no_video_is_refused(world: World, content: bytes) -> None:
    """Whatever it was sent as."""
    await put(world, content)

    with pytest.raises(InvalidUpstreamVideo):
        await verify(world)

    assert not await is_verified(world)


async def test_a_missing_file_is_refused(world: World) -> None:
    """There is nothing to play; the story may fetch again."""
    with pytest.raises(InvalidUpstreamVideo):
        await verify(world)


async def test_a_second_run_comes_to_the_same_result_and_leaves_the_file_as_it_is(world: World) -> None:
    """The etag stays: a download that was begun can be resumed."""
    await put(world, video_file(24))
    first = await verify(world)
    marked = await world.store.find_video(NAME)

    assert await verify(world) == first
    assert await world.store.find_video(NAME) == marked


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
async def test_trouble_at_any_storage_call_is_reported_and_the_next_run_mends_it(*, after_effect: bool) -> None:
    """Finding, reading and marking; before or after the effect."""
    calm = World()
    await put(calm, video_file(24))
    before = len(calm.store.calls)
    await verify(calm)
    calls = len(calm.store.calls) - before
    assert calls >= 3

    for nth in range(1, calls + 1):
        world = World()
        await put(world, video_file(24))
        world.store.fail_call(nth, after_effect=after_effect)
        with pytest.raises(StorageUnavailable):
            await verify(world)
        await verify(world)
        assert await is_verified(world)
