"""Tables of what servers really answer, and how it is read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.errors import FailureCode
from shared.providers import wire

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)

PHASES: dict[wire.RenderPhase, list[Any]] = {
    "running": [
        *("queued", "pending", "submitted", "not_start", "preparing", "unknown", "notstarted", "created", "starting"),
        *("processing", "in_progress", "running", "generating", "preprocessing", "postprocessing", "paused", ""),
        *(None, 7, ["completed"], {"state": "failed"}),
    ],
    "rendered": ["completed", "complete", "success", "succeeded", "finished", "Completed", "SUCCESS"],
    "failed": ["failed", "failure", "fail", "error", "cancelled", "canceled", "FAILED"],
    "lost": ["expired", "deleted", "Expired"],
}


@pytest.mark.parametrize(("expected", "word"), [(phase, word) for phase, words in PHASES.items() for word in words])
def test_status_words_of_all_known_servers_are_sorted(expected: wire.RenderPhase, word: object) -> None:
    """In whatever case; what nobody knows is running."""
    assert wire.phase({"status": word}) == expected


def test_a_job_without_a_status_is_running() -> None:
    """Its deadline ends it."""
    assert wire.phase({}) == "running"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"id": 1}', {"id": 1}),
        ('{"id": "\\ud800"}', {"id": "\ud800"}),
        (b'\xef\xbb\xbf{"id": 1}', {"id": 1}),
        (b"[]", {}),
        (b"null", {}),
        (b'"text"', {}),
        (b"", {}),
        (b"<html>", {}),
        (b'{"id": ', {}),
        (b"\xff\xff", {}),
        (b"[" * 100_000, {}),
        (b'{"n": ' + b"9" * 5000 + b"}", {}),
    ],
)
def test_only_a_json_object_is_read_as_one(body: bytes | str, expected: dict[str, object]) -> None:
    """Anything else is an empty object, never an exception."""
    assert wire.json_object(body) == expected


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        ({"status": "failed", "id": "video_1"}, True),
        ({"status": "failed", "object": "video"}, True),
        ({"status": "cancelled", "id": "video_1"}, True),
        ({"status": "failed"}, False),
        ({"status": 500, "id": "request_1"}, False),
        ({"status": "error", "id": "request_1", "message": "overloaded"}, False),
        ({"status": "completed", "id": "video_1"}, False),
        ({"error": {"message": "no"}}, False),
        ({}, False),
    ],
)
def test_a_failed_job_is_told_from_an_error(job: dict[str, object], *, expected: bool) -> None:
    """Both may be the body of an HTTP 500, and a gateway gives its own errors ids, too."""
    assert wire.is_failed_job(job, "video_1") is expected


CODES: list[tuple[dict[str, Any], FailureCode]] = [
    ({"error": {"code": "moderation_blocked", "message": "blocked"}}, "content_policy"),
    ({"error": {"code": "content_filter", "message": None}}, "content_policy"),
    ({"error": {"code": "CONTENT_POLICY_VIOLATION"}}, "content_policy"),
    ({"error": {"code": None, "message": "Refused by the content policy"}}, "content_policy"),
    ({"error": {"code": None, "message": "x", "type": "content_safety_violation"}}, "content_policy"),
    ({"error": "blocked by moderation"}, "content_policy"),
    ({"error": ["content_filter"]}, "content_policy"),
    ({"error": None, "failure_reason": "input_moderation"}, "content_policy"),
    ({"failure_reason": "output_moderation"}, "content_policy"),
    ({"failure_reason": "internal_error"}, "upstream_failed"),
    ({"failure_reason": None}, "upstream_failed"),
    ({"error": {"code": "server_error", "message": "sorry"}}, "upstream_failed"),
    ({"error": {"code": 500, "message": "CUDA out of memory"}}, "upstream_failed"),
    ({"error": {"code": 0}}, "upstream_failed"),
    ({"error": {"message": "no code"}}, "upstream_failed"),
    ({"error": "Video generation failed"}, "upstream_failed"),
    ({"error": ""}, "upstream_failed"),
    ({"error": None}, "upstream_failed"),
    ({"error": 500}, "upstream_failed"),
    ({}, "upstream_failed"),
    ({"error": None, "prompt": "content policy, moderation and content_filter explained"}, "upstream_failed"),
]


@pytest.mark.parametrize(("job", "expected"), CODES)
def test_the_reason_of_a_failed_job_is_read_in_every_form(job: dict[str, Any], expected: FailureCode) -> None:
    """`error` may be an object, a string, a list, a number or null, its code a word, a number or null."""
    assert wire.failure_code({"status": "failed", **job}) == expected


@pytest.mark.parametrize("depth", [100, 500, 900, 980, 2000, 9000])
def test_an_error_nested_without_measure_does_no_harm(depth: int) -> None:
    """What can be read can be searched."""
    job = wire.json_object(b'{"status": "failed", "error": ' + b"[" * depth + b"]" * depth + b"}")

    assert wire.failure_code(job) == "upstream_failed"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (0, 0),
        (42, 42),
        (42.9, 42),
        (100, 100),
        (101, 100),
        (-3, 0),
        (10**400, 100),
        (float("inf"), 100),
        (float("-inf"), 0),
        (float("nan"), None),
        (None, None),
        ("42", None),
        ([42], None),
    ],
)
def test_progress_is_a_percentage_or_nothing(told: object, expected: int | None) -> None:
    """Within 0 to 100, whatever number is told."""
    assert wire.progress({"progress": told}) == expected


MOMENT = datetime(2025, 10, 16, 15, 16, 36, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (1760627796, MOMENT),
        (1760627796.5, MOMENT + timedelta(seconds=0.5)),
        ("2025-10-16T15:16:36Z", MOMENT),
        ("2025-10-16T17:16:36+02:00", MOMENT),
        ("2025-10-16T15:16:36", MOMENT),
        ("2025-10-16 15:16:36.5", MOMENT + timedelta(seconds=0.5)),
        (1760627796000, None),
        (10**400, None),
        (float("nan"), None),
        (float("inf"), None),
        ("yesterday", None),
        ("", None),
        (None, None),
        ({}, None),
    ],
)
def test_the_time_of_creation_is_read_in_every_form(told: object, expected: datetime | None) -> None:
    """Unix seconds, or ISO 8601 with or without a zone; anything else is no time."""
    assert wire.created_at({"created_at": told}) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0),
        ("17", 17),
        (" 17 ", 17),
        ("1.5", 1.5),
        ("9" * 400, 86_400),
        ("100000", 86_400),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30),
        ("Thu, 01 Jan 2026 12:00:30 -0000", 30),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 86_400),
        ("Fri, 31 Dec 99999 00:00:00 GMT", None),
        ("-5", None),
        ("+5", None),
        ("1e3", None),
        ("٣", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_bounded(value: str, expected: float | None) -> None:
    """Seconds or a date; never negative, never longer than a day, never an exception."""
    assert wire.retry_after_seconds({"retry-after": value}, NOW) == expected


def test_without_retry_after_there_is_no_wait() -> None:
    """The story has its own."""
    assert wire.retry_after_seconds({}, NOW) is None
