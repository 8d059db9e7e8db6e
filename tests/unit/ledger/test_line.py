"""The line and the places in storage: who gets one, who is woken, and what a crash or a race leaves behind."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devtools.fakes.fake_instances import COMPLETED, WAITING
from shared.errors import TooEarly
from shared.jobs.ids import CAPACITY, JobId, waiting_blob
from shared.jobs.models import RequestPlaceInput
from shared.ledger.line import Line
from shared.names import PLACE_GRANTED
from shared.wiring import Limits
from tests.support.activities import START, Killed, World
from tests.support.interleaving import SlowStore, StoreThatLets

JOBS = [JobId(f"01jyg74z6ee6e9y23ceq2f{number:04d}") for number in range(40)]
A, B, C, D = JOBS[:4]


def town(renders: int = 1, **limits: int) -> World:
    return World(limits=Limits(renders=renders, **limits))


async def waiting_in(world: World, *jobs: JobId) -> None:
    for job in jobs:
        world.instances.sights[job] = WAITING
        await world.services.line.join(job)


async def grant_of(world: World, job: JobId) -> str | None:
    return (await world.services.line.request(RequestPlaceInput(job_id=job))).grant


async def holders(world: World) -> list[JobId]:
    return list((await world.services.line.places()).places)


async def test_who_asks_while_a_place_is_free_gets_it() -> None:
    """The job is out of the line, and asked again it is told the same grant."""
    world = town()
    await waiting_in(world, A)

    grant = await grant_of(world, A)

    assert grant is not None
    assert await grant_of(world, A) == grant
    assert world.store.names() == [CAPACITY]
    assert world.instances.signals == []


async def test_who_asks_while_no_place_is_free_costs_one_read() -> None:
    """However long the line is."""
    world = town()
    await waiting_in(world, *JOBS)
    await grant_of(world, A)
    world.store.calls.clear()

    assert await grant_of(world, JOBS[30]) is None
    assert [call.name for call in world.store.calls] == [CAPACITY]


async def test_a_free_place_goes_to_the_first_in_line_whoever_asks() -> None:
    """B asks first, and A, which came before, gets the place and is told."""
    world = town()
    await waiting_in(world, B, A)

    assert await grant_of(world, B) is None

    assert await holders(world) == [A]
    assert world.instances.signals == [(A, PLACE_GRANTED)]


async def test_a_place_that_is_freed_goes_to_the_next_in_line_who_is_told_once() -> None:
    """In one change, so that it cannot be lost in between."""
    world = town()
    await waiting_in(world, A, B, C)
    grant = await grant_of(world, A)
    assert grant

    await world.services.line.release(A, grant)
    await world.services.line.release(A, grant)

    assert await holders(world) == [B]
    assert world.instances.signals == [(B, PLACE_GRANTED)]
    assert waiting_blob(C) in world.store.names()
    assert waiting_blob(B) not in world.store.names()


async def test_a_job_that_has_ended_meanwhile_is_passed_over() -> None:
    """It still stood in line; its place goes on to the one behind it."""
    world = town()
    await waiting_in(world, A, B, C)
    grant = await grant_of(world, A)
    world.instances.sights[B] = COMPLETED

    await world.services.line.release(A, grant or "")

    assert await holders(world) == [C]
    assert world.instances.signals == [(C, PLACE_GRANTED)]


async def test_a_job_that_cannot_be_told_keeps_its_place() -> None:
    """The sweep will tell it."""
    world = town()
    await waiting_in(world, A, B)
    grant = await grant_of(world, A)
    world.instances.away = True

    await world.services.line.release(A, grant or "")

    assert await holders(world) == [B]


async def test_a_job_that_leaves_lets_go_of_its_place_and_its_turn_in_line() -> None:
    """Whichever it has."""
    world = town()
    await waiting_in(world, A, B, C)
    await grant_of(world, A)

    await world.services.line.leave(B)
    await world.services.line.leave(A)

    assert await holders(world) == [C]
    assert world.store.names() == [CAPACITY]


async def test_somebody_who_read_that_a_job_waits_is_overtaken_by_its_leaving() -> None:
    """The job leaves between another's look at the line and its change: no place for a job that is gone."""
    world = town()
    await waiting_in(world, A)
    slow = StoreThatLets(world.store, "replace_version", world.services.line.leave(A))
    line = Line(slow, world.services.capacity, world.clock, world.instances)

    await line.serve()

    assert await holders(world) == []


async def test_a_job_that_joins_while_the_last_place_is_being_freed_is_not_overlooked() -> None:
    """B reads that no place is free after the line was found empty and before A frees one: nobody would wake it."""
    world = town()
    await waiting_in(world, A)
    grant = await grant_of(world, A) or ""
    told: list[str | None] = []

    async def join_and_ask() -> None:
        await waiting_in(world, B)
        told.append(await grant_of(world, B))

    slow = StoreThatLets(world.store, "replace_version", join_and_ask())
    await Line(slow, world.services.capacity, world.clock, world.instances).release(A, grant)

    assert told == [None]
    assert await holders(world) == [B]
    assert world.instances.signals == [(B, PLACE_GRANTED)]


async def test_a_job_that_the_service_had_no_room_for_stands_at_the_head_again() -> None:
    """Nobody gets a place until the pause is over; then it is first, before those who came after it."""
    world = town(renders=2)
    await waiting_in(world, A, B, C)
    grant = await grant_of(world, A)
    back = RequestPlaceInput(job_id=A, turn=1, give_back=grant, pause_seconds=30, pause_was_asked=True)

    answer = await world.services.line.request(back)
    again = await world.services.line.request(back)
    meanwhile = await grant_of(world, C)
    world.later(30)
    await grant_of(world, C)

    assert answer.grant is None
    assert answer.ask_again_at == again.ask_again_at == START + timedelta(seconds=30)
    assert meanwhile is None
    assert await holders(world) == [B, A]


async def test_a_message_to_give_a_place_back_does_not_take_a_later_one() -> None:
    """Delivered again when the job has got its next place, it changes nothing."""
    world = town()
    await waiting_in(world, A)
    grant = await grant_of(world, A)
    back = RequestPlaceInput(job_id=A, turn=1, give_back=grant, pause_seconds=2)
    await world.services.line.request(back)
    world.later(2)
    second = await grant_of(world, A)

    answer = await world.services.line.request(back)

    assert second not in (None, grant)
    assert answer.grant == second
    assert waiting_blob(A, 1) not in world.store.names()


async def test_a_render_that_ends_lets_the_head_of_the_line_in_during_a_pause_of_our_own() -> None:
    """The service was full of that render, perhaps."""
    world = town(renders=2)
    await waiting_in(world, A, B)
    first, second = await grant_of(world, A), await grant_of(world, B)
    await world.services.line.request(RequestPlaceInput(job_id=B, turn=1, give_back=second, pause_seconds=30))

    await world.services.line.release(A, first or "")

    assert await holders(world) == [B]
    assert world.instances.signals[-1] == (B, PLACE_GRANTED)


async def test_a_late_hand_over_does_not_take_the_job_out_of_its_next_turn_in_line() -> None:
    """Somebody stalls before taking the job out of the line; meanwhile it gave its place back and waits again."""
    world = town()
    await waiting_in(world, A)

    async def give_back() -> None:
        place = (await world.services.line.places()).places[A]
        asked = RequestPlaceInput(job_id=A, turn=1, give_back=place.grant, pause_seconds=30, pause_was_asked=True)
        await world.services.line.request(asked)

    slow = StoreThatLets(world.store, "delete_record", give_back())
    await Line(slow, world.services.capacity, world.clock, world.instances).serve()

    assert waiting_blob(A, 1) in world.store.names()


@pytest.mark.parametrize("nth", range(1, 7))
@pytest.mark.parametrize("after_effect", [False, True])
async def test_whoever_dies_while_handing_a_place_over_loses_nobody(nth: int, *, after_effect: bool) -> None:
    """Killed at any call: with the message delivered again and a sweep, B has the place, A has none, C waits."""
    world = town()
    await waiting_in(world, A, B, C)
    grant = await grant_of(world, A) or ""
    world.store.fail_call(nth, after_effect=after_effect, error=Killed())
    try:
        await world.services.line.release(A, grant)
    except Killed:
        await world.services.line.release(A, grant)
    await world.services.line.serve()

    assert await holders(world) == [B]
    assert waiting_blob(C) in world.store.names()
    place = (await world.services.line.places()).places[B]
    await world.services.line.release(B, place.grant)
    assert await holders(world) == [C]
    assert world.store.names() == [CAPACITY]


@settings(deadline=None, max_examples=60)
@given(pauses=st.lists(st.integers(0, 7), min_size=1, max_size=60), renders=st.integers(1, 3))
def test_everybody_in_line_gets_a_turn_without_being_asked_to_look_again(pauses: list[int], renders: int) -> None:
    """Any interleaving of 12 jobs that join, ask, render and leave: nobody is overlooked, no place is given twice."""
    asyncio.run(_a_day_at_the_counter(pauses, renders))


async def _a_day_at_the_counter(pauses: list[int], renders: int) -> None:
    world = town(renders)
    slow = SlowStore(world.store, pauses)
    woken = {job: asyncio.Event() for job in JOBS[:12]}
    inside: set[JobId] = set()
    most = 0

    class Waking:
        async def signal(self, job_id: JobId, event: str) -> bool:
            assert event == PLACE_GRANTED
            woken[job_id].set()
            return True

    line = Line(slow, world.services.capacity, world.clock, Waking())  # type: ignore[arg-type]  # nothing else is asked of it

    async def live(job: JobId) -> None:
        nonlocal most
        await line.join(job)
        grant = (await line.request(RequestPlaceInput(job_id=job))).grant
        if grant is None:
            await woken[job].wait()
            grant = (await line.request(RequestPlaceInput(job_id=job))).grant
        assert grant is not None
        inside.add(job)
        most = max(most, len(inside))
        await asyncio.sleep(0)
        inside.remove(job)
        await line.release(job, grant)

    async with asyncio.timeout(20):
        await asyncio.gather(*(live(job) for job in woken))

    assert most <= renders
    assert await holders(world) == []
    assert world.store.names() == [CAPACITY]


async def test_a_turn_to_submit_is_named_and_kept() -> None:
    """The second call in a minute has to wait for it to be over."""
    world = town(renders=2, submits_per_minute=1)
    await waiting_in(world, A, B)
    first, second = await grant_of(world, A) or "", await grant_of(world, B) or ""

    await world.services.line.take_turn(A, first)
    with pytest.raises(TooEarly) as early:
        await world.services.line.take_turn(B, second)
    world.later(early.value.retry_after_seconds or 0)
    await world.services.line.take_turn(B, second)

    assert early.value.retry_after_seconds == 61
