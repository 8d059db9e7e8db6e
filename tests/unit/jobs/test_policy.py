from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import FailureCode
from shared.jobs.lifecycle import Step
from shared.jobs.models import Failure, FlowSettings, JobEnd
from shared.jobs.policy import last_moment, may_retry, next_wake, poll_delay, render_may_go_on, retry_delay
from shared.settings import Settings
from tests.support.builders import FLOW

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def flow(**changes: Any) -> FlowSettings:
    return FlowSettings.model_validate({**FLOW, **changes})


def failure(reason: str = "provider_unavailable", *, retryable: bool = True, after: float | None = None) -> Failure:
    return Failure(code="internal", reason=reason, retryable=retryable, retry_after_seconds=after)


def test_flow_of_these_tests_is_the_default_one() -> None:
    """The figures below are those of an app without settings of its own."""
    defaults = {name: field.default for name, field in Settings.model_fields.items()}

    assert {name: defaults[name] for name in FLOW} == FLOW


def test_looks_come_quick_at_first_and_slower_later() -> None:
    """The waits grow by the same factor up to the longest."""
    waits = [round(poll_delay(flow(), waits).total_seconds(), 1) for waits in range(8)]

    assert waits == [5.0, 8.0, 12.8, 20.5, 32.8, 52.4, 75.0, 75.0]


def test_ten_minute_render_takes_about_a_dozen_looks() -> None:
    """Twelve looks find the render running, the next finds it finished, at most 75 s late."""
    elapsed, looks = timedelta(), 0
    while elapsed < timedelta(minutes=10):
        elapsed += poll_delay(flow(), looks)
        looks += 1

    assert looks == 13
    assert elapsed - timedelta(minutes=10) <= timedelta(seconds=75)


def test_wait_never_overflows() -> None:
    """A job that has waited for ages still waits the longest wait."""
    assert poll_delay(flow(), 10**6) == timedelta(seconds=75)
    assert retry_delay(flow(), 10**6, failure()) == timedelta(seconds=60)


def test_longest_wait_below_the_first_holds_from_the_start() -> None:
    """The cap is a cap also where it is set lower than the first wait."""
    assert poll_delay(flow(poll_longest_seconds=1), 0) == timedelta(seconds=1)


def test_retries_back_off_to_their_longest() -> None:
    """Each failure in a row doubles the wait, up to the longest."""
    waits = [retry_delay(flow(), tries, failure()).total_seconds() for tries in range(1, 8)]

    assert waits == [2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        pytest.param(None, 4, id="nothing asked"),
        pytest.param(0.0, 4, id="no wait asked"),
        pytest.param(1.0, 4, id="less than our own"),
        pytest.param(7.5, 7.5, id="more than our own"),
        pytest.param(600.0, 600, id="more than our longest"),
        pytest.param(1e12, 86_400, id="thousands of years"),
        pytest.param(float("inf"), 86_400, id="for ever"),
    ],
)
def test_retry_after_is_honoured(asked: float | None, waited: float) -> None:
    """The other side knows best when to come back; our own wait is the least."""
    assert retry_delay(flow(), 2, failure(after=asked)) == timedelta(seconds=waited)


@pytest.mark.parametrize(
    ("reason", "tries"), [("unexpected", 5), ("provider_job_lost", 6)], ids=["not understood", "not there"]
)
def test_some_failures_are_tried_again_a_few_times_only(reason: str, tries: int) -> None:
    """What waiting will hardly mend is given up after a few tries."""
    assert may_retry(failure(reason), tries - 1)
    assert not may_retry(failure(reason), tries)


@pytest.mark.parametrize("reason", ["provider_unavailable", "provider_throttled", "storage_unavailable"])
def test_outages_are_tried_until_the_deadline(reason: str) -> None:
    """How long an outage may last is the deadline's to say."""
    assert may_retry(failure(reason), 10_000)


def test_refusal_is_never_tried_again() -> None:
    """Where another try cannot help, there is none."""
    assert not may_retry(failure("provider_rejected", retryable=False), 1)


def test_wake_comes_after_the_delay() -> None:
    """Well before the deadline, the delay decides."""
    assert next_wake(NOW, timedelta(seconds=5), NOW + timedelta(minutes=2)) == NOW + timedelta(seconds=5)


def test_last_wake_is_the_deadline_itself() -> None:
    """One more look right at the deadline, rather than none."""
    deadline = NOW + timedelta(seconds=3)

    assert next_wake(NOW, timedelta(seconds=5), deadline) == deadline


def test_doubt_about_a_submission_outlives_the_deadline_for_two_minutes() -> None:
    """Whether money was spent is worth a little more time; everything else ends when it should."""
    assert last_moment(NOW, failure("provider_ambiguous")) == NOW + timedelta(minutes=2)
    assert last_moment(NOW, failure("provider_unavailable")) == NOW


@pytest.mark.parametrize("late", [timedelta(), timedelta(seconds=1)])
def test_deadline_that_has_come_ends_the_waiting(late: timedelta) -> None:
    """At the deadline and behind it, there is nothing left to wait for."""
    assert next_wake(NOW + late, timedelta(seconds=5), NOW) is None


@settings(deadline=None)  # a busy machine is no failure; pytest's own limit holds
@given(
    first=st.floats(0.01, 100),
    longest=st.floats(0.01, 1000),
    waits=st.integers(0, 500),
    timeout=st.floats(1, 10_000),
)
def test_every_series_of_waits_reaches_its_deadline(first: float, longest: float, waits: int, timeout: float) -> None:
    """Whatever the settings, a wait is above zero, at most the longest, and never goes past the deadline."""
    delay = poll_delay(flow(poll_first_seconds=first, poll_longest_seconds=longest), waits)
    deadline = NOW + timedelta(seconds=timeout)

    wake = next_wake(NOW, delay, deadline)

    assert timedelta() < delay <= timedelta(seconds=longest)
    assert wake is not None
    assert NOW < wake <= deadline


@pytest.mark.parametrize(
    ("code", "steps", "goes_on"),
    [
        (None, ("submitted", "rendered", "stored"), False),
        ("cancelled", (), True),
        ("upstream_timeout", ("submitted",), True),
        ("upstream_failed", ("submitted",), False),
        ("content_policy", ("submitted",), False),
        ("upstream_lost", ("submitted",), False),
        ("upstream_auth", (), False),
        ("upstream_auth", ("submitted",), True),
        ("upstream_unavailable", ("submitted",), True),
        ("upstream_unavailable", ("submitted", "rendered"), False),
        ("internal", (), True),
        ("internal", ("submitted", "rendered"), False),
        ("rate_limited", (), False),
    ],
)
def test_a_render_that_nobody_will_fetch_is_stopped_where_it_may_go_on(
    code: FailureCode | None, steps: tuple[Step, ...], *, goes_on: bool
) -> None:
    """Not one that the service has ended itself, nor one that is finished: somebody may want to rescue that."""
    end = JobEnd(status="failed" if code else "completed", code=code, times=dict.fromkeys(steps, NOW))

    assert render_may_go_on(end) is goes_on
