import pytest

from shared.telemetry.trace_ids import SpanIds, parse_traceparent, root_of

JOB_ID = "01jyg74z6ee6e9y23ceq2fmwc4"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_trace_of_a_job_is_the_same_in_every_process_and_release() -> None:
    """A job that was taken in before a deployment ends in the trace in which it began."""
    ids = root_of(JOB_ID)

    assert f"{ids.trace:032x}" == "c239aa692415af9a8771132d5286f09a"
    assert f"{ids.span:016x}" == "97a65f856a9b52a3"


def test_jobs_have_traces_of_their_own() -> None:
    """Ids that follow each other lead to traces that have nothing in common."""
    jobs = [f"01jyg74z6ee6e9y23ceq2f{number:04d}" for number in range(1000)]

    assert len({root_of(job).trace for job in jobs}) == len({root_of(job).span for job in jobs}) == 1000


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"00-{TRACE}-{SPAN}-01", id="sampled"),
        pytest.param(f"00-{TRACE}-{SPAN}-00", id="not sampled"),
        pytest.param(f"01-{TRACE}-{SPAN}-01-more", id="of a later version"),
    ],
)
def test_caller_is_understood(text: str) -> None:
    """By the W3C's form."""
    assert parse_traceparent(text) == SpanIds(int(TRACE, 16), int(SPAN, 16))


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "00",
        f"{TRACE}-{SPAN}",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f" 00-{TRACE}-{SPAN}-01",
    ],
    ids=ascii,
)
def test_what_is_no_caller_is_none(text: str | None) -> None:
    """Nonsense in a header is no reason for anything."""
    assert parse_traceparent(text) is None
