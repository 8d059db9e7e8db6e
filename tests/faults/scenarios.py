"""The stories that the matrix disturbs: two jobs against one place, and what brings the app to one more of its calls.

Each says how its jobs end where nothing else goes wrong, and which functions are studied in it: all of their runs, or
the first that makes a certain call.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.jobs.ids import JobId, cancellation_blob
from shared.names import ACTIVITIES, CANCEL_RENDER, CLOSE_JOB, RELEASE_PLACE, REQUEST_PLACE, SUBMIT_RENDER
from tests.faults.vocabulary import Effect, Kind, Strike, When
from tests.faults.world import World

FIRST: Final = "the first film"
SECOND: Final = "the second film"

Script = Callable[[World], Awaitable[None]]


@dataclass(frozen=True)
class Scenario:
    """A story; `studied` are functions and the call by which the run of each that is studied is known, or `ANY`.

    `ends` says how each job ends: `completed`, a failure's code, or `gone` for one that nobody was told of and that has
    left no trace.
    """

    script: Script
    studied: Mapping[str, str]
    ends: Mapping[str, str] = field(default_factory=lambda: {FIRST: "completed", SECOND: "completed"})
    submits_per_minute: int | None = None


async def _plain(world: World) -> None:
    await world.have(FIRST)
    await world.have(SECOND)


async def _without_a_key(world: World) -> None:
    await world.ask_for(FIRST)
    await world.have(SECOND)


async def _start_refused(world: World) -> None:
    world.tap.aim("generate", Effect("start_new", "story"), Strike(Kind.REFUSED, When.BEFORE))
    await _plain(world)


async def _asked_again(world: World) -> None:
    await world.have(FIRST)
    await world.have(FIRST)
    await world.have(SECOND)


async def _full(world: World) -> None:
    world.upstream.be_full_once()
    await _plain(world)


async def _answer_lost(world: World) -> None:
    world.upstream.lose_an_answer()
    await _plain(world)


async def _nothing_came(world: World) -> None:
    world.upstream.lose_a_submission()
    await _plain(world)


async def _cancel_in_line(world: World) -> None:
    world.upstream.take_long(FIRST)
    await _plain(world)
    await world.have_cancelled(SECOND)
    await world.pass_time(minutes=2)  # for the sweep to make up for an event that was lost
    world.upstream.hurry()


async def _cancel(world: World) -> None:
    world.upstream.take_long(FIRST)
    await _plain(world)
    await world.have_cancelled(FIRST)


async def _cancel_in_doubt(world: World) -> None:
    world.upstream.take_long(FIRST)
    world.upstream.lose_an_answer()
    await _plain(world)
    await world.have_cancelled(FIRST)


async def _reminded(world: World) -> None:
    world.tap.aim("cancel", Effect("raise_event", "story"), Strike(Kind.LOST, When.BEFORE))
    await _both_known_for_long(world)
    await world.have_cancelled(FIRST)
    await world.pass_time(minutes=3)


async def _woken_late(world: World) -> None:
    world.tap.aim(RELEASE_PLACE, Effect("raise_event", "story"), Strike(Kind.LOST, When.BEFORE))
    await _both_known_for_long(world)
    world.upstream.hurry()


async def _accepter_died(world: World) -> None:
    world.tap.aim("generate", Effect("start_new", "story"), Strike(Kind.KILLED, When.BEFORE))
    await world.ask_for(FIRST, key="a-key-that-is-lost")
    await _and_the_second_after_a_minute(world)


async def _nobodys(world: World) -> None:
    world.tap.aim("generate", Effect("start_new", "story"), Strike(Kind.KILLED, When.BEFORE))
    await world.ask_for(FIRST)
    await _and_the_second_after_a_minute(world)


async def _half_accepted(world: World) -> None:
    world.tap.aim("generate", Effect("replace_version", "keys"), Strike(Kind.KILLED, When.AFTER))
    await world.ask_for(FIRST, key="a-key-that-is-lost")
    await _and_the_second_after_a_minute(world)


async def _ended_by_an_operator(world: World) -> None:
    await _both_known_for_long(world)
    world.host.engine.terminate(world.jobs[FIRST], "an operator has had enough")
    await world.pass_time(minutes=2)


async def _stuck(world: World) -> None:
    world.upstream.take_long(SECOND)
    await world.have(SECOND)
    await world.have(FIRST)
    world.host.engine.suspend(world.jobs[FIRST], "an operator looks into it, and forgets about it")
    world.upstream.hurry()
    await world.pass_time(minutes=5)
    for _ in range(3):  # it is looked at once a day, and given up an hour after the second
        await world.jump_to_next_chore(FIRST)
        await world.pass_time(minutes=2)


async def _both_known_for_long(world: World) -> None:
    """Have one rendering and one in line, whose first appointments have been kept."""
    world.upstream.take_long(FIRST)
    await _plain(world)
    await world.pass_time(minutes=4)


async def _and_the_second_after_a_minute(world: World) -> None:
    """So that no sweep has an appointment with both of them."""
    await world.pass_time(minutes=1)
    await world.have(SECOND)
    await world.pass_time(minutes=4)


async def _cancelled_too_late(world: World) -> None:
    await _plain(world)
    await world.pass_time(minutes=5)
    await world.until_ended(*world.jobs.values())
    cancelled = JobId(world.jobs[FIRST])
    await world.store_behind.create_record(cancellation_blob(cancelled), {"job_id": cancelled})
    await world.pass_time(minutes=2)


async def _history_is_old(world: World) -> None:
    await world.have(FIRST)
    await _and_the_second_after_a_minute(world)
    await world.until_ended(*world.jobs.values())
    await world.jump_to_next_chore(FIRST)
    await world.pass_time(minutes=3)


async def _file_is_old(world: World) -> None:
    await _history_is_old(world)
    await world.jump_to_next_chore(FIRST)
    await world.pass_time(minutes=3)


CANCELLED: Final = {FIRST: "cancelled", SECOND: "completed"}
GONE: Final = {FIRST: "gone", SECOND: "completed"}

ANY: Final = ""
"""All runs of a function, together."""

SCENARIOS: Final[Mapping[str, Scenario]] = {
    "plain": Scenario(
        _plain, {**dict.fromkeys((*(name for name in ACTIVITIES if name != CANCEL_RENDER), "generate", "sweep"), ANY)}
    ),
    "without a key": Scenario(_without_a_key, {"generate": "create_record(jobs)"}),
    "start refused": Scenario(_start_refused, {"generate": "create_record(submissions)"}),
    "asked again": Scenario(_asked_again, {"generate": "get_status(story)"}),
    "full": Scenario(_full, {REQUEST_PLACE: "create_record(waiting)", SUBMIT_RENDER: "delete_record(submissions)"}),
    "paced": Scenario(_plain, {SUBMIT_RENDER: "replace_version(capacity)"}, submits_per_minute=1),
    "answer lost": Scenario(_answer_lost, {SUBMIT_RENDER: "submit(upstream)"}),
    "doubt": Scenario(_answer_lost, {SUBMIT_RENDER: "find(upstream)"}),
    "again": Scenario(_nothing_came, {SUBMIT_RENDER: "create_record(resubmissions)"}),
    "cancel in line": Scenario(
        _cancel_in_line,
        {
            "cancel": "raise_event(story)",
            CANCEL_RENDER: "create_record(submissions)",
            CLOSE_JOB: "list_names(waiting)",
        },
        {FIRST: "completed", SECOND: "cancelled"},
    ),
    "cancel": Scenario(
        _cancel,
        {"cancel": "raise_event(story)", CANCEL_RENDER: "cancel(upstream)", CLOSE_JOB: "list_names(waiting)"},
        CANCELLED,
    ),
    "cancel in doubt": Scenario(_cancel_in_doubt, {CANCEL_RENDER: "find(upstream)"}, CANCELLED),
    "reminded": Scenario(_reminded, {"sweep": "raise_event(story)"}, CANCELLED),
    "woken late": Scenario(_woken_late, {"sweep": "raise_event(story)"}),
    "accepter died": Scenario(_accepter_died, {"sweep": "start_new(story)"}),
    "nobody's": Scenario(_nobodys, {"sweep": "delete_record(jobs)"}, GONE),
    "half accepted": Scenario(_half_accepted, {"sweep": "delete_record(keys)"}, GONE),
    "operator": Scenario(_ended_by_an_operator, {"sweep": "cancel(upstream)"}, CANCELLED),
    "stuck": Scenario(_stuck, {"sweep": "terminate(story)"}, {FIRST: "internal", SECOND: "completed"}),
    "cancelled too late": Scenario(_cancelled_too_late, {"sweep": "delete_record(cancellations)"}),
    "appointment": Scenario(_history_is_old, {"sweep": "delete_record(watch)"}),
    "old history": Scenario(_history_is_old, {"sweep": "purge_instance_history(story)"}),
    "old file": Scenario(_file_is_old, {"sweep": "delete_video(videos)"}),
}
