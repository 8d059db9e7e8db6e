"""The story of a job that has to wait for its place, told over whole histories on a clock that jumps."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.names import (
    CHECK_RENDER,
    CLOSE_JOB,
    PLACE_GRANTED,
    RELEASE_PLACE,
    REQUEST_PLACE,
    SUBMIT_RENDER,
    VERIFY_VIDEO,
)
from tests.support.builders import JOB_ID, failure, unavailable, value
from tests.support.drive import START, Told
from tests.support.scripted_story import GOOD, Script, told

NOT_YET = value()
PLACE = value(grant="g1")
FULL = failure("rate_limited", "provider_throttled", retryable=True)
LOST = failure("upstream_lost", "provider_job_lost", retryable=True)


def waits(story: Told) -> list[timedelta]:
    """Return when each timer that was set for an event is due, since the start."""
    return [one.fire_at - START for one in story.asked if one.fire_at is not None and PLACE_GRANTED in one.events]


def test_a_waiting_job_does_nothing_until_it_is_told_that_it_has_a_place() -> None:
    """One race of an event against the deadline, however long: it asks twice, and polls nobody."""
    script = Script(request_place=[NOT_YET, PLACE])

    story = told(script, events=[(50_000, PLACE_GRANTED)])

    assert story.end == {"status": "completed"}
    assert story.activities()[:3] == [REQUEST_PLACE, REQUEST_PLACE, SUBMIT_RENDER]
    assert waits(story) == [timedelta(days=5, seconds=1)]
    assert timedelta(seconds=50_000) < story.elapsed < timedelta(seconds=50_030)
    assert story.statuses() == ["queued", "processing", "completed"]


def test_a_place_that_is_granted_while_the_job_asks_for_one_is_noticed() -> None:
    """The event arrives before anybody waits for it."""
    story = told(Script(request_place=[NOT_YET, PLACE]), events=[(0.5, PLACE_GRANTED)])

    assert story.end == {"status": "completed"}
    assert story.elapsed < timedelta(seconds=30)


def test_an_event_that_is_not_true_any_more_does_no_harm() -> None:
    """A stale one wakes the job, which asks, and waits again in a new execution: an event is waited for once there."""
    script = Script(request_place=[NOT_YET, NOT_YET, NOT_YET, PLACE])

    story = told(script, events=[(100, PLACE_GRANTED), (200, PLACE_GRANTED)])

    assert story.end == {"status": "completed"}
    assert story.generations == 2
    assert script.sent(SUBMIT_RENDER)[0]["grant"] == "g1"
    assert timedelta(seconds=200) < story.elapsed < timedelta(seconds=230)


def test_events_that_come_twice_do_no_harm() -> None:
    """Whoever woke the job may have died before it could say so, and do it again."""
    events = [(100, PLACE_GRANTED), (100.2, PLACE_GRANTED), (104, PLACE_GRANTED)]

    story = told(Script(request_place=[NOT_YET, PLACE]), events=events)

    assert story.end == {"status": "completed"}
    assert story.activities().count(REQUEST_PLACE) == 2


def test_a_job_that_waits_too_long_ends_at_the_deadline_and_leaves_the_line() -> None:
    """Nobody ever frees a place; the job says that the service is at capacity."""
    script = Script(request_place=[NOT_YET])

    story = told(script, wait_timeout_seconds=7200)

    assert story.end == {"status": "failed", "code": "rate_limited"}
    assert timedelta(seconds=7200) <= story.elapsed <= timedelta(seconds=7210)
    assert script.sent(CLOSE_JOB)[0]["in_line"] is True
    assert SUBMIT_RENDER not in story.activities()


def test_a_place_that_comes_with_the_deadline_is_taken() -> None:
    """The event was lost; the job asks once more before it gives up."""
    story = told(Script(request_place=[NOT_YET, PLACE]), wait_timeout_seconds=7200)

    assert story.end == {"status": "completed"}


def test_a_wait_of_weeks_is_made_of_waits_of_days() -> None:
    """A timer of more than 6 days cannot be raced against an event."""
    three_weeks = 21 * 86_400

    story = told(
        Script(request_place=[NOT_YET]), wait_timeout_seconds=three_weeks, job_timeout_seconds=three_weeks + 86_400
    )

    assert story.end == {"status": "failed", "code": "rate_limited"}
    assert max(second - first for first, second in zip(waits(story), waits(story)[1:], strict=False)) < timedelta(
        days=5, seconds=10
    )
    assert timedelta(seconds=three_weeks) <= story.elapsed < timedelta(seconds=three_weeks + 60)


def test_a_job_that_the_service_has_no_room_for_goes_back_to_the_head_of_the_line() -> None:
    """Its place is given back, nobody gets one for as long as the service says, and it asks again then."""
    script = Script(
        submit_render=[failure("rate_limited", "provider_throttled", retryable=True, after=90), GOOD[SUBMIT_RENDER]],
        request_place=[PLACE, value(ask_again_at="2026-01-01T00:01:32Z"), value(grant="g2")],
    )

    story = told(script)

    assert story.end == {"status": "completed"}
    assert script.sent(REQUEST_PLACE)[1] == {
        "job_id": JOB_ID,
        "turn": 1,
        "give_back": "g1",
        "pause_seconds": 90.0,
        "pause_was_asked": True,
    }
    assert script.sent(REQUEST_PLACE)[2] == {"job_id": JOB_ID}
    assert [sent["grant"] for sent in script.sent(SUBMIT_RENDER)] == ["g1", "g2"]
    assert waits(story) == [timedelta(seconds=92)]
    assert story.statuses() == ["queued", "processing", "completed"]
    assert story.generations == 2


def test_a_service_that_does_not_say_how_long_it_is_full_is_left_alone_for_longer_each_time() -> None:
    """The pauses are our own, and say so: a render of ours that ends may end them early."""
    script = Script(submit_render=[FULL, FULL, FULL, GOOD[SUBMIT_RENDER]])

    story = told(script)

    asked = [sent for sent in script.sent(REQUEST_PLACE) if "give_back" in sent]
    assert [sent["pause_seconds"] for sent in asked] == [2.0, 4.0, 8.0]
    assert all("pause_was_asked" not in sent for sent in asked)
    assert [sent["turn"] for sent in asked] == [1, 2, 3]
    assert story.end == {"status": "completed"}


def test_going_back_to_the_line_does_not_lengthen_the_wait() -> None:
    """However often it gets a place: what is allowed is to wait so long in all."""
    script = Script(submit_render=[FULL], request_place=[PLACE])

    story = told(script, wait_timeout_seconds=600, retry_longest_seconds=60)

    assert story.end == {"status": "failed", "code": "rate_limited"}
    assert story.elapsed < timedelta(seconds=700)
    assert script.sent(CLOSE_JOB)[0]["in_line"] is True


def test_the_turn_to_submit_is_waited_for_exactly() -> None:
    """The service takes so many calls a minute: the job is told when its turn comes, and keeps its place."""
    early = failure("rate_limited", "too_early", retryable=True, after=37)
    script = Script(submit_render=[early, GOOD[SUBMIT_RENDER]])

    story = told(script)

    wait = next(one.fire_at for one in story.asked if one.fire_at is not None)
    assert wait - START == timedelta(seconds=2 + 37)
    assert story.end == {"status": "completed"}
    assert story.activities().count(REQUEST_PLACE) == 1


def test_a_place_is_freed_as_soon_as_the_render_is_over() -> None:
    """Fetching and checking need no place at the service."""
    story = told(Script())

    assert story.activities().index(RELEASE_PLACE) == story.activities().index(CHECK_RENDER) + 1


def test_a_place_that_cannot_be_freed_does_not_fail_the_job() -> None:
    """It is tried for a minute, and again when the job is closed."""
    script = Script(release_place=[failure("internal", "storage_unavailable", retryable=True)])

    story = told(script)

    assert story.end == {"status": "completed"}
    assert script.sent(CLOSE_JOB)[0]["in_line"] is True


def test_no_stage_outlasts_the_job() -> None:
    """The job as a whole has a deadline, which every stage's own gives way to."""
    story = told(Script(check_render=[value(rendered=False)]), render_timeout_seconds=86_400, job_timeout_seconds=3600)

    assert story.end == {"status": "failed", "code": "upstream_timeout"}
    assert timedelta(seconds=3600) <= story.elapsed <= timedelta(seconds=3610)


@pytest.mark.parametrize("vanished", [CHECK_RENDER, "fetch_render"])
def test_a_render_that_the_service_forgot_is_asked_for_again_where_renders_are_free(vanished: str) -> None:
    """The job takes its place in line once more and stays `processing`; the lost render is named, so that it counts."""
    script = Script(**{vanished: [LOST] * 6 + [GOOD[vanished]]})

    story = told(script, unknown_submission="resubmit")

    assert story.end == {"status": "completed"}
    assert story.statuses() == ["queued", "processing", "completed"]
    assert [sent.get("lost_upstream_id") for sent in script.sent(SUBMIT_RENDER)] == [None, "video_1"]
    assert [sent.get("turn") for sent in script.sent(REQUEST_PLACE)] == [None, 1]


def test_a_render_that_the_service_forgot_fails_the_job_where_renders_cost() -> None:
    """The default: nobody pays a second time without having said so."""
    script = Script(check_render=[LOST])

    story = told(script)

    assert story.end == {"status": "failed", "code": "upstream_lost"}
    assert len(script.sent(SUBMIT_RENDER)) == 1


def test_the_times_of_the_steps_are_shown_while_the_job_runs() -> None:
    """For who wants to know where the time went; each step once, when it was first done."""
    script = Script(check_render=[value(rendered=False, progress=10), value(rendered=True)])

    story = told(script)

    seen: list[dict[str, Any]] = [shown["times"] for shown in story.shown]
    assert list(seen[-1]) == ["ended", "stored", "rendered", "submitted", "placed"]
    moments = [datetime.fromisoformat(at) for at in reversed(seen[-1].values())]
    assert moments == sorted(moments)
    assert {"placed", "submitted"} in [set(times) for times in seen]


def test_storage_that_is_away_while_the_job_asks_for_its_place_is_waited_for() -> None:
    """The place cannot be read for a while; the job asks until it can, or its deadline."""
    away = failure("internal", "storage_unavailable", retryable=True)

    assert told(Script(request_place=[away, away, PLACE])).end == {"status": "completed"}
    assert told(Script(request_place=[away]), wait_timeout_seconds=600).end == {"status": "failed", "code": "internal"}


def test_history_stays_short_however_often_the_upstream_is_full() -> None:
    """Each return to the line is an execution of its own."""
    story = told(Script(submit_render=[FULL] * 300 + [GOOD[SUBMIT_RENDER]], verify_video=[GOOD[VERIFY_VIDEO]]))

    assert story.end == {"status": "completed"}
    assert story.longest_execution < 20
    assert unavailable()["failure"]["retryable"]
