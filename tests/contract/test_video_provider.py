"""What every `VideoProvider` promises, held against the fake and against the real adapter on the simulator."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.errors import (
    FailureCode,
    ProviderAmbiguous,
    ProviderError,
    ProviderJobLost,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)
from shared.jobs.models import RenderSpec
from shared.providers.base import RenderLook
from tests.contract.upstreams import FILE, FakeUpstream, Upstream, simulated_upstream

SPEC = RenderSpec(prompt="a calm lake — «quoted»\nsecond line 🦆", seconds=5, width=1280, height=720)
ENDLESS = SPEC.model_copy(update={"prompt": "[sim:never-finishes]"})
"""What the simulator renders for ever; the fake's renders run until they are looked at."""

LOOKS = 200
BETWEEN_LOOKS_SECONDS = 0.02


@pytest.fixture(params=[pytest.param("fake", id="fake"), pytest.param("sim", id="sim", marks=pytest.mark.stack)])
async def upstream(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Upstream]:
    """Give each kind in turn."""
    if request.param == "fake":
        yield FakeUpstream()
        return
    async with simulated_upstream(tmp_path) as simulated:
        yield simulated


async def rendered(upstream: Upstream, upstream_id: str) -> RenderLook:
    """Look until the render is finished, at most for some seconds."""
    for _ in range(LOOKS):
        look = await upstream.provider.look(upstream_id)
        if look.rendered:
            return look
        await asyncio.sleep(BETWEEN_LOOKS_SECONDS)
    raise AssertionError(f"{upstream_id} was not rendered in time")


async def fetched(upstream: Upstream, upstream_id: str) -> bytes:
    """Fetch a file to its end."""
    async with upstream.provider.fetch(upstream_id) as file:
        content = b"".join([piece async for piece in file.chunks])
        assert file.size in (None, len(content))
        return content


def a_moment_ago() -> datetime:
    """Return a time before whatever the test does, in whole seconds as services count them."""
    return datetime.now(UTC).replace(microsecond=0)


async def test_a_render_is_submitted_looked_at_and_fetched(upstream: Upstream) -> None:
    """The whole way, with one render paid for."""
    upstream_id = await upstream.provider.submit(SPEC)

    look = await rendered(upstream, upstream_id)

    assert look.progress in (None, 100)
    assert await fetched(upstream, upstream_id) == FILE
    assert await upstream.accepted() == 1


async def test_each_submission_is_a_render_of_its_own(upstream: Upstream) -> None:
    """Equal orders are not merged: submit is not idempotent, and the app must not think so."""
    first = await upstream.provider.submit(SPEC)
    second = await upstream.provider.submit(SPEC)

    assert first != second
    assert await upstream.accepted() == 2


async def test_a_file_can_be_fetched_again(upstream: Upstream) -> None:
    """After a transfer that was broken off on our side, for instance."""
    upstream_id = await upstream.provider.submit(SPEC)
    await rendered(upstream, upstream_id)
    async with upstream.provider.fetch(upstream_id):
        pass

    assert await fetched(upstream, upstream_id) == FILE


async def test_a_render_is_found_by_what_was_ordered(upstream: Upstream) -> None:
    """And by nothing else."""
    since = a_moment_ago()
    upstream_id = await upstream.provider.submit(SPEC)
    await upstream.provider.submit(SPEC.model_copy(update={"prompt": "another lake"}))
    await upstream.provider.submit(SPEC.model_copy(update={"seconds": 8}))
    await upstream.provider.submit(SPEC.model_copy(update={"width": 720, "height": 1280}))

    [candidate] = await upstream.provider.find(SPEC, since)

    assert candidate.upstream_id == upstream_id
    assert since <= candidate.created_at <= datetime.now(UTC)


async def test_twins_are_both_found(upstream: Upstream) -> None:
    """It is for the caller to tell them apart."""
    since = a_moment_ago()
    ids = {await upstream.provider.submit(SPEC), await upstream.provider.submit(SPEC)}

    assert {candidate.upstream_id for candidate in await upstream.provider.find(SPEC, since)} == ids


async def test_renders_from_before_are_not_found(upstream: Upstream) -> None:
    """Only those made since the time in question."""
    await upstream.provider.submit(SPEC)

    assert await upstream.provider.find(SPEC, datetime.now(UTC) + timedelta(minutes=1)) == []


async def test_where_nothing_was_ordered_nothing_is_found(upstream: Upstream) -> None:
    """An empty list is an answer."""
    assert await upstream.provider.find(SPEC, a_moment_ago()) == []


async def test_a_submission_whose_answer_is_lost_is_in_doubt_and_can_be_found(upstream: Upstream) -> None:
    """It was accepted once, and is one render."""
    since = a_moment_ago()
    await upstream.lose_the_answer()

    with pytest.raises(ProviderAmbiguous):
        await upstream.provider.submit(SPEC)

    [candidate] = await upstream.provider.find(SPEC, since)
    await rendered(upstream, candidate.upstream_id)
    assert await upstream.accepted() == 1


async def test_content_refused_at_submit_is_rejected_and_not_accepted(upstream: Upstream) -> None:
    """Nothing is paid for."""
    await upstream.refuse_content_at_submit()

    await assert_refused(upstream, ProviderRejected, "content_policy")

    assert await upstream.accepted() == 0


async def test_a_full_service_says_how_long_to_wait_and_accepts_nothing(upstream: Upstream) -> None:
    """The next try is a first one."""
    await upstream.have_no_place(7)

    error = await assert_refused(upstream, ProviderThrottled, "rate_limited")

    assert error.retry_after_seconds == 7
    assert await upstream.accepted() == 0
    assert await upstream.provider.submit(SPEC)


async def test_content_refused_while_rendering_ends_the_render(upstream: Upstream) -> None:
    """A look says so, with the code."""
    await upstream.refuse_content_while_rendering()
    upstream_id = await upstream.provider.submit(SPEC)

    with pytest.raises(ProviderRejected) as raised:
        await rendered(upstream, upstream_id)

    assert raised.value.code == "content_policy"


async def test_a_forgotten_render_is_lost_to_look_fetch_and_find(upstream: Upstream) -> None:
    """As after a restart of a server that keeps its jobs in memory."""
    since = a_moment_ago()
    upstream_id = await upstream.provider.submit(SPEC)
    await rendered(upstream, upstream_id)
    await upstream.forget(upstream_id)

    with pytest.raises(ProviderJobLost):
        await upstream.provider.look(upstream_id)
    with pytest.raises(ProviderJobLost):
        await fetched(upstream, upstream_id)
    assert await upstream.provider.find(SPEC, since) == []


@pytest.mark.parametrize("upstream_id", ["video_that_never_was", "a/b+c==", "..", "v" * 512])
async def test_an_unknown_render_is_lost(upstream: Upstream, upstream_id: str) -> None:
    """Whatever its id looks like."""
    with pytest.raises(ProviderJobLost):
        await upstream.provider.look(upstream_id)
    with pytest.raises(ProviderJobLost):
        await fetched(upstream, upstream_id)


async def test_a_transfer_that_breaks_off_is_a_passing_trouble(upstream: Upstream) -> None:
    """The file is whole the next time."""
    upstream_id = await upstream.provider.submit(SPEC)
    await rendered(upstream, upstream_id)
    await upstream.break_off_the_file()

    with pytest.raises(ProviderUnavailable):
        await fetched(upstream, upstream_id)

    assert await fetched(upstream, upstream_id) == FILE


async def test_a_search_that_fails_is_a_passing_trouble(upstream: Upstream) -> None:
    """Not knowing is not the same as nothing being there."""
    since = a_moment_ago()
    upstream_id = await upstream.provider.submit(SPEC)
    await upstream.be_unable_to_list()

    with pytest.raises(ProviderUnavailable):
        await upstream.provider.find(SPEC, since)

    [candidate] = await upstream.provider.find(SPEC, since)
    assert candidate.upstream_id == upstream_id


async def assert_gone(upstream: Upstream, upstream_id: str, since: datetime) -> None:
    """Hold a render against what a removed one must be, to each question."""
    with pytest.raises(ProviderJobLost):
        await upstream.provider.look(upstream_id)
    with pytest.raises(ProviderJobLost):
        await fetched(upstream, upstream_id)
    assert upstream_id not in {candidate.upstream_id for candidate in await upstream.provider.find(SPEC, since)}


async def test_a_render_under_way_is_cancelled(upstream: Upstream) -> None:
    """It is gone, it was paid for, and no other render is touched."""
    since = a_moment_ago()
    upstream_id, other = await upstream.provider.submit(ENDLESS), await upstream.provider.submit(SPEC)

    await upstream.provider.cancel(upstream_id)

    await assert_gone(upstream, upstream_id, since)
    assert await upstream.provider.find(ENDLESS, since) == []
    assert await rendered(upstream, other)
    assert await upstream.accepted() == 2


async def test_a_finished_render_is_removed_by_cancelling_it(upstream: Upstream) -> None:
    """Its file goes with it."""
    since = a_moment_ago()
    upstream_id = await upstream.provider.submit(SPEC)
    await rendered(upstream, upstream_id)

    await upstream.provider.cancel(upstream_id)

    await assert_gone(upstream, upstream_id, since)


async def test_a_render_can_be_cancelled_again(upstream: Upstream) -> None:
    """It is gone already, which is what was asked for."""
    upstream_id = await upstream.provider.submit(SPEC)
    await upstream.provider.cancel(upstream_id)

    await upstream.provider.cancel(upstream_id)

    assert await upstream.accepted() == 1


async def test_a_forgotten_render_can_be_cancelled(upstream: Upstream) -> None:
    """A service that lost it has nothing left to stop."""
    since = a_moment_ago()
    upstream_id = await upstream.provider.submit(SPEC)
    await upstream.forget(upstream_id)
    with pytest.raises(ProviderJobLost):
        await upstream.provider.look(upstream_id)

    await upstream.provider.cancel(upstream_id)

    await assert_gone(upstream, upstream_id, since)


@pytest.mark.parametrize("upstream_id", ["video_that_never_was", "a/b+c==", "..", "v" * 512])
async def test_cancelling_an_unknown_render_changes_nothing(upstream: Upstream, upstream_id: str) -> None:
    """Whatever its id looks like."""
    other = await upstream.provider.submit(SPEC)

    await upstream.provider.cancel(upstream_id)

    assert await rendered(upstream, other)


async def test_a_cancellation_that_fails_is_a_passing_trouble(upstream: Upstream) -> None:
    """The render is still there, and goes when it is cancelled again."""
    since = a_moment_ago()
    upstream_id = await upstream.provider.submit(SPEC)
    await upstream.be_unable_to_cancel()

    with pytest.raises(ProviderUnavailable):
        await upstream.provider.cancel(upstream_id)

    assert await upstream.provider.look(upstream_id)
    await upstream.provider.cancel(upstream_id)
    await assert_gone(upstream, upstream_id, since)


async def test_a_cancellation_that_comes_too_soon_says_how_long_to_wait(upstream: Upstream) -> None:
    """The render is still there."""
    upstream_id = await upstream.provider.submit(SPEC)
    await upstream.have_no_time_to_cancel(7)

    with pytest.raises(ProviderThrottled) as raised:
        await upstream.provider.cancel(upstream_id)

    assert raised.value.retry_after_seconds == 7
    assert await upstream.provider.look(upstream_id)


async def test_a_service_that_cannot_cancel_says_so_and_renders_on(upstream: Upstream) -> None:
    """There is no use in asking again."""
    upstream_id = await upstream.provider.submit(SPEC)
    await upstream.refuse_to_cancel()

    with pytest.raises(ProviderRejected) as raised:
        await upstream.provider.cancel(upstream_id)

    assert raised.value.code == "upstream_failed"
    assert await rendered(upstream, upstream_id)


async def test_a_cancellation_whose_answer_is_lost_can_be_asked_for_again(upstream: Upstream) -> None:
    """It was done, and is not done twice."""
    since = a_moment_ago()
    upstream_id = await upstream.provider.submit(SPEC)
    await upstream.lose_the_answer_to_cancel()

    with pytest.raises(ProviderUnavailable):
        await upstream.provider.cancel(upstream_id)

    await upstream.provider.cancel(upstream_id)
    await assert_gone(upstream, upstream_id, since)


async def assert_refused(upstream: Upstream, kind: type[ProviderError], code: FailureCode) -> ProviderError:
    """Submit, and return the error after holding it against what it must be."""
    with pytest.raises(ProviderError) as raised:
        await upstream.provider.submit(SPEC)
    assert (type(raised.value), raised.value.code) == (kind, code)
    return raised.value
