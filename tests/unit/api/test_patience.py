"""Every answer about a job comes before the contract's Python client gives up, whatever hangs behind it."""

from shared.api import download, jobs, status
from shared.jobs import client as job_client
from shared.ledger import acceptance

PATIENCE_SECONDS = 5.0


def test_reads_have_less_time_than_their_caller() -> None:
    """A status, a job in full, a cancellation, and the first byte of a file."""
    deadlines = (
        status.DEADLINE_SECONDS,
        jobs.DEADLINE_SECONDS,
        download.OPEN_DEADLINE_SECONDS,
        job_client.READ_DEADLINE_SECONDS,
    )

    assert max(deadlines) < PATIENCE_SECONDS - 0.5  # the rest is for imports in a process that has just begun


def test_accepting_has_less_time_than_its_caller() -> None:
    """All that it can take, one after the other: records, a start, looks whether it arrived, and taking it all back."""
    steps = (
        acceptance.RECORD_DEADLINE_SECONDS,
        job_client.START_DEADLINE_SECONDS,
        job_client.READ_AGAIN_DEADLINE_SECONDS,
        acceptance.WITHDRAW_DEADLINE_SECONDS,
    )

    assert sum(steps) < PATIENCE_SECONDS - 0.5  # as above


def test_cancelled_job_is_watched_for_a_part_of_that_time() -> None:
    """Its answer must not become a failure because its story takes its time to end."""
    assert jobs.NOTICE_SECONDS < jobs.DEADLINE_SECONDS / 2
