"""Arithmetic of waiting: pure functions, no clock and no sleeping.

Numbers that steer a job come from its `FlowSettings`; the constants here are properties of the design.
"""

from datetime import datetime, timedelta

from shared.errors import TOO_EARLY, FailureCode
from shared.jobs.models import Failure, FlowSettings, JobEnd

POLL_GROWTH = 1.6
"""Looks after 5, 13, 26, 46, 79, 132, 207 s and then every 75 s: a 10-minute render is found at the 13th."""

RETRY_GROWTH = 2.0

FEW_TRIES = 5
"""How often in a row a failure that we do not understand is tried again; five tries take half a minute."""

LOST_TRIES = 6
"""A job or file that is not there is looked for this often, for a minute: gateways answer 404 while they restart."""

LONGEST_ASKED_SECONDS = 86_400
"""A service that asks for a longer pause than a day does not mean it, and a date could not hold it."""

DOUBT_GRACE = timedelta(minutes=2)
"""How much longer a submission in doubt may be looked into: whether money was spent is worth knowing."""

LONGEST_WAIT = timedelta(days=5)
"""A timer of more than 6 days cannot be raced against an event (measured on Durable extension 3.14.1): who waits for
longer looks again then."""

RELEASE_SECONDS = 60
CANCEL_SECONDS = 120
CLOSE_SECONDS = 600
"""How long a story tries to tidy up before it leaves that to the sweep. Its place first: others wait for it."""

WAITS_PER_EXECUTION = 25
"""A look and its timer write 8 history events; 25 of them and the rest stay under 250 events per execution."""

_SERVICE_HAS_ENDED: tuple[FailureCode, ...] = ("content_policy", "upstream_failed", "upstream_lost")
"""Ends of which the service itself has said that there is no render any more."""


def poll_delay(flow: FlowSettings, waits: int) -> timedelta:
    """Return how long to wait before the next look, after `waits` waits."""
    return _growing(flow.poll_first_seconds, POLL_GROWTH, waits, flow.poll_longest_seconds)


def retry_delay(flow: FlowSettings, tries: int, failure: Failure) -> timedelta:
    """Return how long to wait after the `tries`-th failure in a row (1 is the first).

    What the other side asked for (`Retry-After`) is honoured, also where it is longer than our own longest wait; up to
    a day, since a number beyond what a date can hold must not break the story. Whose turn to submit has not come waits
    for just that.
    """
    if failure.reason == TOO_EARLY and failure.retry_after_seconds is not None:
        return timedelta(seconds=failure.retry_after_seconds)
    own = _growing(flow.retry_first_seconds, RETRY_GROWTH, tries - 1, flow.retry_longest_seconds)
    asked = timedelta(seconds=min(failure.retry_after_seconds or 0, LONGEST_ASKED_SECONDS))
    return max(own, asked)


def may_retry(failure: Failure, tries: int) -> bool:
    """Say whether the `tries`-th failure in a row leaves another try, the deadline aside."""
    if not failure.retryable:
        return False
    limit = {"unexpected": FEW_TRIES, "provider_job_lost": LOST_TRIES}.get(failure.reason)
    return limit is None or tries < limit


def last_moment(deadline: datetime, failure: Failure) -> datetime:
    """Return when a stage that failed like this must end."""
    return deadline + DOUBT_GRACE if failure.reason == "provider_ambiguous" else deadline


def next_wake(now: datetime, delay: timedelta, deadline: datetime) -> datetime | None:
    """Return when to go on: after `delay`, at the latest at the deadline; None where the deadline has passed."""
    return min(now + delay, deadline) if now < deadline else None


def render_may_go_on(end: JobEnd) -> bool:
    """Say whether the service may go on with a render that nobody will fetch, after a job that ended like this."""
    if end.code == "cancelled":
        return True
    if end.code is None or end.code in _SERVICE_HAS_ENDED or "rendered" in end.times:
        return False
    return end.code == "internal" or "submitted" in end.times


def _growing(first: float, growth: float, steps: int, longest: float) -> timedelta:
    # The exponent is bounded, since growth to the power of a large count overflows a float long before it matters.
    return timedelta(seconds=min(longest, first * growth ** min(steps, 64)))
