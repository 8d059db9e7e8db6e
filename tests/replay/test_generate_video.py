"""The story of a job, told over whole histories on a clock that jumps."""

from datetime import timedelta

import pytest

from orchestrators.generate_video import generate_video
from shared.names import (
    CHECK_RENDER,
    CLOSE_JOB,
    FETCH_RENDER,
    RELEASE_PLACE,
    REQUEST_PLACE,
    SUBMIT_RENDER,
    VERIFY_VIDEO,
)
from tests.support.builders import failure, story_input, unavailable, value
from tests.support.drive import tell
from tests.support.scripted_story import GOOD, NEEDED, Script, told


def test_a_job_that_goes_well_gets_a_place_and_a_render_which_is_fetched_and_verified() -> None:
    """Each sentence of the story is one activity, in order, and the output says completed."""
    script = Script(check_render=[value(rendered=False, progress=40), value(rendered=True)])

    story = told(script)

    assert story.end == {"status": "completed"}
    assert story.activities() == [
        REQUEST_PLACE,
        SUBMIT_RENDER,
        CHECK_RENDER,
        CHECK_RENDER,
        RELEASE_PLACE,
        FETCH_RENDER,
        VERIFY_VIDEO,
        CLOSE_JOB,
    ]
    assert story.statuses() == ["queued", "processing", "completed"]


def test_activities_receive_what_was_asked_for() -> None:
    """The render is asked for with even sides; later steps work by job and upstream id."""
    script = Script()

    told(script, width=257, height=300, duration=7, video_retention_seconds=86_400)

    spec = {"prompt": "a calm lake", "seconds": 7, "width": 258, "height": 300}
    job = {"job_id": "01jyg74z6ee6e9y23ceq2fmwc4"}
    render = {**job, "upstream_id": "video_1"}
    submission = {
        **job,
        "spec": spec,
        "unknown_submission": "fail",
        "give_up_at": "2026-01-01T01:00:01Z",
        "grant": "g1",
    }
    assert script.payloads[:-1] == [
        (REQUEST_PLACE, job),
        (SUBMIT_RENDER, submission),
        (CHECK_RENDER, render),
        (RELEASE_PLACE, {**job, "grant": "g1"}),
        (FETCH_RENDER, render),
        (VERIFY_VIDEO, {**job, "spec": spec, "retention_seconds": 86_400.0}),
    ]


def test_the_end_is_closed_with_everything_that_is_known_about_it() -> None:
    """What stays on record when history is gone: the status, the time of each step, the calls to submit, the expiry."""
    script = Script(verify_video=[value(width=1280, height=720, seconds=5.0, expires_at="2026-02-01T00:00:00Z")])

    story = told(script, video_retention_seconds=86_400)

    closed = script.payloads[-1]
    times = {
        "placed": "2026-01-01T00:00:01Z",
        "submitted": "2026-01-01T00:00:02Z",
        "rendered": "2026-01-01T00:00:08Z",
        "stored": "2026-01-01T00:00:11Z",
        "ended": "2026-01-01T00:00:11Z",
    }
    end = {"status": "completed", "times": times, "submits": 1, "expires_at": "2026-02-01T00:00:00Z"}
    assert closed == (CLOSE_JOB, {"job_id": "01jyg74z6ee6e9y23ceq2fmwc4", "end": end, "in_line": False})
    assert story.output == {
        "status": "completed",
        "submits": 1,
        "times": {step: at.replace("Z", ".000Z") for step, at in times.items()},
        "expires_at": "2026-02-01T00:00:00.000Z",
    }


def test_a_ten_minute_render_needs_about_a_dozen_looks() -> None:
    """Looks are quick at first and slower later."""
    waiting = [value(rendered=False)] * 11
    script = Script(check_render=[*waiting, value(rendered=True)])

    story = told(script)

    assert timedelta(minutes=9) < story.elapsed < timedelta(minutes=11)
    assert story.end == {"status": "completed"}


def test_progress_is_shown_and_never_goes_back() -> None:
    """A service that reports 60 and then 30 percent does not make the job look worse."""
    script = Script(check_render=[value(rendered=False, progress=p) for p in (10, 60, 30)] + [value(rendered=True)])

    story = told(script)

    shown = [status["progress"] for status in story.shown if status.get("progress") is not None]
    assert shown == sorted(shown)
    assert set(shown) == {10, 60}


@pytest.mark.parametrize("code", ["content_policy", "invalid_request", "upstream_auth", "model_unavailable"])
def test_a_refused_submission_ends_the_job_at_once(code: str) -> None:
    """What another try will not change is not tried again, and the job never looked like processing."""
    story = told(Script(submit_render=[failure(code)]))

    assert story.end == {"status": "failed", "code": code}
    assert story.activities() == [REQUEST_PLACE, SUBMIT_RENDER, CLOSE_JOB]
    assert story.statuses() == ["queued", "failed"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("rate_limited", "too_early"),
        ("upstream_unavailable", "provider_unavailable"),
        ("internal", "storage_unavailable"),
    ],
)
def test_a_submission_that_never_succeeds_ends_at_its_deadline_with_its_last_reason(code: str, reason: str) -> None:
    """Every wait has a deadline; the code says what was wrong when it passed."""
    story = told(Script(submit_render=[failure(code, reason, retryable=True)]), submit_timeout_seconds=600)

    assert story.end == {"status": "failed", "code": code}
    assert timedelta(seconds=600) <= story.elapsed <= timedelta(seconds=610)
    assert story.statuses() == ["queued", "failed"]


def test_a_submission_in_doubt_is_looked_into_for_two_minutes_after_the_deadline() -> None:
    """Whether money was spent is worth a little more time; then the job says that nobody knows."""
    doubt = failure("submission_unknown", "provider_ambiguous", retryable=True, after=10)

    story = told(Script(submit_render=[doubt]), submit_timeout_seconds=600)

    assert story.end == {"status": "failed", "code": "submission_unknown"}
    assert timedelta(seconds=720) <= story.elapsed <= timedelta(seconds=730)


def test_a_render_that_never_finishes_times_out() -> None:
    """The render deadline ends a job whose upstream is silent about its fate."""
    story = told(Script(check_render=[value(rendered=False)]), render_timeout_seconds=1800)

    assert story.end == {"status": "failed", "code": "upstream_timeout"}
    assert timedelta(seconds=1800) <= story.elapsed <= timedelta(seconds=1810)


def test_an_upstream_that_cannot_be_looked_at_for_a_while_costs_nothing() -> None:
    """The render is paid for: looks are repeated until the upstream is back."""
    script = Script(check_render=[unavailable()] * 20 + [value(rendered=True)])

    story = told(script)

    assert story.end == {"status": "completed"}


def test_a_render_that_the_upstream_forgot_is_looked_for_for_a_minute() -> None:
    """A job that is not found may be a gateway that restarts; the sixth time it is lost."""
    lost = failure("upstream_lost", "provider_job_lost", retryable=True)

    story = told(Script(check_render=[lost]))

    assert story.end == {"status": "failed", "code": "upstream_lost"}
    assert story.activities().count(CHECK_RENDER) == 6
    assert timedelta(seconds=60) <= story.elapsed <= timedelta(seconds=80)


def test_a_failed_render_ends_the_job_with_its_code() -> None:
    """The upstream's verdict is final."""
    story = told(Script(check_render=[failure("content_policy")]))

    assert story.end == {"status": "failed", "code": "content_policy"}


def test_a_broken_transfer_is_repeated_without_a_new_render() -> None:
    """Only the fetch is tried again."""
    script = Script(fetch_render=[unavailable(), unavailable(), value(size=10)])

    story = told(script)

    assert story.end == {"status": "completed"}
    assert story.activities().count(SUBMIT_RENDER) == 1
    assert story.activities().count(FETCH_RENDER) == 3


def test_a_file_that_does_not_open_is_fetched_once_more() -> None:
    """A copy may have been broken on its way."""
    script = Script(verify_video=[failure("invalid_upstream_video", "invalid_upstream_video"), GOOD[VERIFY_VIDEO]])

    story = told(script)

    assert story.end == {"status": "completed"}
    assert story.activities()[-5:] == [FETCH_RENDER, VERIFY_VIDEO, FETCH_RENDER, VERIFY_VIDEO, CLOSE_JOB]


@pytest.mark.parametrize("broken", [FETCH_RENDER, VERIFY_VIDEO])
def test_a_video_that_is_invalid_twice_fails_the_job(broken: str) -> None:
    """Broken at its source, whichever step notices."""
    story = told(Script(**{broken: [failure("invalid_upstream_video", "invalid_upstream_video")]}))

    assert story.end == {"status": "failed", "code": "invalid_upstream_video"}
    assert story.activities().count(FETCH_RENDER) == 2


@pytest.mark.parametrize("name", NEEDED)
def test_an_activity_that_breaks_is_tried_five_times_and_then_the_job_fails(name: str) -> None:
    """Unexpected errors are not retried for ever, whichever activity has them."""
    story = told(Script(**{name: [failure("internal", "unexpected", retryable=True)]}))

    assert story.end == {"status": "failed", "code": "internal"}
    assert story.activities().count(name) == 5


@pytest.mark.parametrize("name", [*NEEDED, RELEASE_PLACE, CLOSE_JOB])
def test_an_activity_that_the_host_gave_up_on_counts_as_broken(name: str) -> None:
    """The SDK raises a bare exception with a traceback; none of its text reaches the output."""
    story = told(Script(**{name: [RuntimeError("Traceback: /home/site/wwwroot/x.py"), GOOD[name]]}))

    assert story.end == {"status": "completed"}


def test_history_stays_short_however_long_a_render_takes() -> None:
    """A day of waiting is spread over executions of bounded length, and is no new submission."""
    story = told(Script(check_render=[value(rendered=False)]), render_timeout_seconds=86_400)

    assert story.generations > 20
    assert story.longest_execution <= 60
    assert story.activities().count(SUBMIT_RENDER) == 1
    assert story.end == {"status": "failed", "code": "upstream_timeout"}


def test_what_a_caller_sees_never_goes_back_over_generations() -> None:
    """Processing stays processing when the story continues as new."""
    script = Script(check_render=[value(rendered=False)] * 200 + [value(rendered=True)])

    story = told(script, render_timeout_seconds=86_400)

    assert story.generations > 3
    assert story.statuses() == ["queued", "processing", "completed"]


def test_an_input_that_cannot_be_read_fails_the_job_without_raising() -> None:
    """Raised, the error would put a traceback into durable history."""
    broken = {**story_input(), "flow": {}}

    story = tell(generate_video, broken, Script())

    assert story.end == {"status": "failed", "code": "internal"}


def test_the_input_of_an_older_or_newer_version_is_understood() -> None:
    """Unknown fields are left alone, so that a rollback can tell on what a newer version began."""
    newer = {**story_input(), "shiny": True}

    story = tell(generate_video, newer, Script())

    assert story.end == {"status": "completed"}
