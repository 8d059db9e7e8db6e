"""The story of a job that is cancelled, told over whole histories on a clock that jumps."""

from datetime import timedelta
from typing import Any

import pytest

from shared.names import (
    CANCEL_JOB,
    CANCEL_RENDER,
    CHECK_RENDER,
    CLOSE_JOB,
    FETCH_RENDER,
    SUBMIT_RENDER,
    VERIFY_VIDEO,
)
from tests.support.builders import failure, unavailable, value
from tests.support.scripted_story import Script, told

CANCELLED = {"status": "failed", "code": "cancelled"}
RENDERING = value(rendered=False, progress=40)


def test_a_waiting_job_is_cancelled_at_once() -> None:
    """It never gets to the service, and leaves the line."""
    script = Script(request_place=[value()])

    story = told(script, events=[(600, CANCEL_JOB)])

    assert story.end == CANCELLED
    assert story.elapsed < timedelta(seconds=605)
    assert SUBMIT_RENDER not in story.activities()
    assert script.sent(CLOSE_JOB)[0]["in_line"] is True


def test_a_job_that_renders_is_cancelled_between_two_looks() -> None:
    """It does not wait for the next look, and the service is told to stop."""
    script = Script(check_render=[RENDERING])

    story = told(script, events=[(1000, CANCEL_JOB)])

    assert story.end == CANCELLED
    assert story.elapsed < timedelta(seconds=1005)
    assert story.activities()[-2:] == [CANCEL_RENDER, CLOSE_JOB]
    assert story.statuses() == ["queued", "processing", "failed"]


# An activity takes a second: place 0-1, submit 1-2, first look 7-8, release 8-9, fetch 9-10, verify 10-11.
@pytest.mark.parametrize(
    ("second", "last"),
    [(0.5, "request_place"), (1.5, SUBMIT_RENDER), (7.5, CHECK_RENDER), (9.5, FETCH_RENDER)],
)
def test_a_job_that_is_cancelled_during_an_activity_ends_after_it(second: float, last: str) -> None:
    """The activity is not cut off; nothing else is begun but the tidying up."""
    story = told(Script(), events=[(second, CANCEL_JOB)])

    assert story.end == CANCELLED
    assert story.activities()[-3:] == [last, CANCEL_RENDER, CLOSE_JOB]


def test_a_job_whose_video_has_just_been_verified_is_completed() -> None:
    """There is nothing left to stop."""
    story = told(Script(), events=[(10.5, CANCEL_JOB)])

    assert story.end == {"status": "completed"}
    assert VERIFY_VIDEO in story.activities()
    assert CANCEL_RENDER not in story.activities()


def test_the_end_is_shown_before_anything_is_tidied_up() -> None:
    """Its owner reads `failed` while the service is still being told."""
    script = Script(check_render=[RENDERING], cancel_render=[unavailable()] * 3 + [value(told=True)])

    story = told(script, events=[(100, CANCEL_JOB)])

    shown = [(said["status"], said["stage"]) for said in story.shown]
    assert shown.count(("failed", "close")) > 5
    assert story.activities().count(CANCEL_RENDER) == 4
    assert story.end == CANCELLED


def test_a_second_cancellation_changes_nothing() -> None:
    """Callers repeat themselves, and so does the sweep."""
    script = Script(check_render=[RENDERING], cancel_render=[unavailable()] * 2 + [value(told=True)])

    story = told(script, events=[(100, CANCEL_JOB), (100.5, CANCEL_JOB), (101, CANCEL_JOB), (103, CANCEL_JOB)])

    assert story.end == CANCELLED


def test_a_job_that_is_cancelled_while_it_waits_to_try_again_does_not_try_again() -> None:
    """Whatever it was waiting for."""
    story = told(Script(submit_render=[unavailable(after=600)]), events=[(100, CANCEL_JOB)])

    assert story.end == CANCELLED
    assert story.activities().count(SUBMIT_RENDER) == 1
    assert story.elapsed < timedelta(seconds=105)


def test_a_cancellation_works_in_every_execution_of_a_long_story() -> None:
    """After a day and dozens of executions as well as in the first."""
    story = told(
        Script(check_render=[RENDERING]),
        events=[(80_000, CANCEL_JOB)],
        render_timeout_seconds=86_400,
    )

    assert story.generations > 20
    assert story.end == CANCELLED
    assert timedelta(seconds=80_000) < story.elapsed < timedelta(seconds=80_005)


@pytest.mark.parametrize("chore", [CANCEL_RENDER, CLOSE_JOB])
def test_what_cannot_be_tidied_up_does_not_keep_the_story_going(chore: str) -> None:
    """It is tried for minutes; then the sweep has to do it."""
    away: list[Any] = [failure("internal", "storage_unavailable", retryable=True)]
    script = Script(check_render=[RENDERING], **{chore: away})

    story = told(script, events=[(100, CANCEL_JOB)])

    assert story.end == CANCELLED
    assert story.elapsed < timedelta(minutes=15)
    assert story.activities().count(chore) > 5
    assert story.longest_execution <= 60


def test_a_render_that_took_too_long_is_stopped() -> None:
    """Nobody will fetch it, and it may cost, or keep others from rendering."""
    story = told(Script(check_render=[RENDERING]), render_timeout_seconds=1800)

    assert story.end == {"status": "failed", "code": "upstream_timeout"}
    assert story.activities()[-2:] == [CANCEL_RENDER, CLOSE_JOB]


@pytest.mark.parametrize("code", ["content_policy", "upstream_failed"])
def test_a_render_that_failed_by_itself_is_not_stopped(code: str) -> None:
    """There is nothing to stop."""
    assert CANCEL_RENDER not in told(Script(check_render=[failure(code)])).activities()
