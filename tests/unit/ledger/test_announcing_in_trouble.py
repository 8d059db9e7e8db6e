"""Telling the world of a job while processes die, receivers hang and settings cannot be used."""

import contextlib
from dataclasses import replace
from datetime import timedelta

import pytest

from devtools.fakes.fake_sink import FakeEventSink
from devtools.fakes.in_memory_store import StoreCall
from shared.errors import StorageUnavailable
from shared.events.base import Event
from shared.jobs.ids import JobId, job_blob
from shared.jobs.lifecycle import JobSight, JobView
from shared.ledger import announcements
from tests.support.activities import START, Killed, World
from tests.support.sweeping import sweep
from tests.unit.ledger.test_announcements import FAILED, accepted, close, get_submitted, outbox, sink, world

__all__ = ["sink", "world"]  # fixtures


def ended_by_hand(world: World, job_id: JobId) -> None:
    world.instances.sights[job_id] = JobSight(JobView("failed", "cancelled"), told=True)
    world.later(60)


@pytest.mark.parametrize("trouble", [Killed(), StorageUnavailable("away")])
async def test_an_end_that_the_sweep_put_on_record_is_told_although_it_died(
    world: World, sink: FakeEventSink, trouble: BaseException
) -> None:
    """The next sweep finds the end on record, and tells of it before it strikes out the appointment."""
    rehearsal = World(sinks={"queue": FakeEventSink()})
    job_id = await accepted(rehearsal)
    ended_by_hand(rehearsal, job_id)
    before = len(rehearsal.store.calls)
    await sweep(rehearsal)
    calls = rehearsal.store.calls[before:]
    on_record = calls.index(StoreCall("replace_version", job_blob(job_id))) + 1
    job_id = await accepted(world)
    ended_by_hand(world, job_id)

    world.store.fail_call(on_record + 1, error=trouble)
    with contextlib.suppress(Killed):
        await sweep(world)
    assert sink.types == []
    for _ in range(3):
        world.later(60)
        await sweep(world)

    assert sink.types == ["queued", "failed"]


async def test_a_receiver_whose_settings_are_unusable_costs_no_job(world: World, sink: FakeEventSink) -> None:
    """Whatever its SDK makes of them."""

    def break_down(_: Event) -> None:
        raise RuntimeError("not expected by anybody")

    sink.before = break_down
    job_id = await accepted(world)

    await get_submitted(world, job_id)
    await close(world, job_id)

    assert sink.events == []
    assert outbox(world) != []


async def test_a_receiver_that_hangs_is_waited_for_once(
    world: World, sink: FakeEventSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other jobs do not wait for it as long as it was just away; when that is over, it is told everything."""
    monkeypatch.setattr(announcements, "SLOW_SECONDS", 0.0)
    sink.away = True
    first, second = await accepted(world), await accepted(world)
    await get_submitted(world, first)
    await get_submitted(world, second)
    assert sink.tries == 1

    sink.away = False
    world.kept["away"].clear()
    world.later(60)
    await sweep(world)

    assert sink.firsts(first) == sink.firsts(second) == ["queued"]


async def test_what_there_is_to_tell_is_kept_as_long_as_it_may_have_to_be_told(world: World) -> None:
    """The sender's name for it, and what was asked for, are in the events."""
    services = world.services
    closing = replace(services.closing, history_retention=timedelta(days=1))

    assert closing.traces_due(FAILED) == START + timedelta(minutes=3) + announcements.GIVEN_UP_AFTER
