"""`submit_render` in doubt: what it takes for evidence, how long it waits for it, and how often it pays without."""

import contextlib

import pytest

from activities.submit_render import MOST_ORDERS, submit_render
from shared.errors import ProviderAmbiguous, ProviderRejected, StorageUnavailable
from shared.jobs.ids import claim_blob
from shared.ledger.submissions import SETTLE_SECONDS
from tests.support.activities import SPEC, START, Killed, World, in_doubt, submission


@pytest.fixture
async def world() -> World:
    """Return one in which a submission has been in doubt for long enough."""
    return await in_doubt()


async def test_a_match_that_does_not_show_its_prompt_is_not_adopted(world: World) -> None:
    """It may be anybody's of that size and length: a caller must never receive another caller's video."""
    render = world.provider.add_render(SPEC, START)
    world.provider.tells_prompts = False

    with pytest.raises(ProviderRejected) as raised:
        await submit_render(submission(), world.services)

    assert raised.value.code == "submission_unknown"
    assert await world.store.read_record(claim_blob(render.upstream_id)) is None


async def test_the_wait_counts_from_the_doubt_not_from_the_intent() -> None:
    """A call that timed out after a minute may still be landing."""
    world = World()

    async def time_out(_spec: object) -> str:
        world.later(60)
        raise ProviderAmbiguous("submission_unknown", "no answer within a minute")

    world.provider.submit = time_out  # type: ignore[assignment,method-assign] # a call that takes its time
    with pytest.raises(ProviderAmbiguous):
        await submit_render(submission(), world.services)

    with pytest.raises(ProviderAmbiguous) as raised:
        await submit_render(submission(), world.services)

    assert raised.value.retry_after_seconds == pytest.approx(SETTLE_SECONDS)
    assert "find" not in world.provider.calls


async def test_a_call_that_may_still_be_under_way_is_waited_for() -> None:
    """A run that was delivered twice must not overtake the first, whose doubt is not on record."""
    world = World()
    world.provider.script("submit", Killed())
    with pytest.raises(Killed):
        await submit_render(submission(), world.services)
    world.later(SETTLE_SECONDS + 1)

    with pytest.raises(ProviderAmbiguous):
        await submit_render(submission(), world.services)
    world.later(world.services.submit_seconds)

    assert (await submit_render(submission(), world.services)).upstream_id == "video_1"
    assert len(world.provider.renders) == 1


async def test_an_accepted_order_without_a_readable_id_is_never_sent_again() -> None:
    """It is being rendered and paid for; only which one it is remains to be found."""
    world = World()
    world.provider.script("submit", ProviderAmbiguous("submission_unknown", "HTTP 200 without an id", accepted=True))

    for _ in range(6):
        with pytest.raises(ProviderAmbiguous):
            await submit_render(submission(), world.services)
        world.later(60)

    assert world.provider.calls.count("submit") == 1


async def test_orders_that_leave_no_trace_end_after_a_few(world: World) -> None:
    """The service's list may be wrong, and each of them may cost money."""
    world.provider.script("submit", *[ProviderAmbiguous("upstream_unavailable", "HTTP 500")] * 20)

    async def until_it_gives_up() -> None:
        for _ in range(40):
            with contextlib.suppress(ProviderAmbiguous):
                await submit_render(submission(), world.services)
            world.later(30)

    with pytest.raises(ProviderRejected) as raised:
        await until_it_gives_up()

    assert raised.value.code == "upstream_unavailable"
    assert world.provider.calls.count("submit") == MOST_ORDERS - 1  # the first was the one in doubt


async def test_an_order_that_was_accepted_but_not_claimed_is_never_sent_again() -> None:
    """Storage blinked after the answer, and the service's list is slow: that much is known, and must stay known."""
    world = World()
    world.store.fail_call(2, after_effect=False, error=StorageUnavailable("down"))
    with pytest.raises(ProviderAmbiguous):
        await submit_render(submission(), world.services)
    world.provider.renders[0].lost = True
    world.later(world.services.submit_seconds + SETTLE_SECONDS)

    with pytest.raises(ProviderAmbiguous):
        await submit_render(submission(), world.services)

    assert world.provider.calls.count("submit") == 1


async def test_a_doubt_that_cannot_be_recorded_is_still_a_doubt() -> None:
    """Storage in trouble must not make it look as if nothing had been sent."""
    world = World()
    world.provider.script("submit", ProviderAmbiguous("submission_unknown", "no answer"))
    world.store.fail_call(2, after_effect=False, error=StorageUnavailable("down"))

    with pytest.raises(ProviderAmbiguous):
        await submit_render(submission(), world.services)


async def test_a_refusal_is_not_hidden_by_storage_in_trouble() -> None:
    """The service has spoken: the job ends with its reason, whether or not the intent can be taken back."""
    world = World()
    refusal = ProviderRejected("content_policy", "no")
    world.provider.script("submit", refusal)
    world.store.fail_call(2, after_effect=False, error=StorageUnavailable("down"))

    with pytest.raises(ProviderRejected) as raised:
        await submit_render(submission(), world.services)

    assert raised.value is refusal
