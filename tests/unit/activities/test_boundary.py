"""The wall around activities: everything leaves it as plain JSON, and nothing secret leaves it at all."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from activities import boundary
from devtools.fakes.fake_instances import FakeInstances
from shared.errors import (
    AppError,
    ConfigurationError,
    InvalidUpstreamVideo,
    ProviderAmbiguous,
    ProviderJobLost,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
    StorageUnavailable,
)
from shared.jobs.ids import JobId, submission_blob
from shared.logs import LOGGER_NAME
from shared.wiring import use_services
from tests.support.activities import World, submission
from tests.support.builders import JOB_ID

SECRET = "sk-the-secret-of-this-test"
PROMPT = 'a prompt that nobody else may read: "quoted", it\'s\nlong'


async def run_activity(name: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Run an activity as the host does, with a durable client."""
    return await boundary.run_activity(name, payload, FakeInstances())


def payload(**changes: Any) -> dict[str, Any]:
    """Return the JSON that the story sends to `submit_render`."""
    sent = submission().model_dump(mode="json")
    return {**sent, "spec": {**sent["spec"], "prompt": PROMPT}, **changes}


@pytest.fixture
def world() -> Iterator[World]:
    """Return a world that the process's services are made of."""
    world = World()
    with use_services(replace(world.services, secrets=(SECRET,))):
        yield world


@pytest.fixture(autouse=True)
def all_lines(caplog: pytest.LogCaptureFixture) -> None:
    """Let every line be seen, the low ones as well."""
    caplog.set_level(logging.DEBUG, LOGGER_NAME)


async def test_a_result_leaves_as_its_value(world: World) -> None:
    """Plain JSON, ready for durable history."""
    outcome = await run_activity("submit_render", payload())

    assert outcome == {"value": {"upstream_id": "video_1"}}
    assert json.loads(json.dumps(outcome)) == outcome
    assert len(world.provider.renders) == 1


EXPECTED: list[tuple[AppError, dict[str, Any]]] = [
    (
        ProviderRejected("content_policy", "x"),
        {"code": "content_policy", "reason": "provider_rejected", "retryable": False, "retry_after_seconds": None},
    ),
    (
        ProviderThrottled("x", retry_after_seconds=7),
        {"code": "rate_limited", "reason": "provider_throttled", "retryable": True, "retry_after_seconds": 7},
    ),
    (
        ProviderUnavailable("x", retry_after_seconds=1.5),
        {
            "code": "upstream_unavailable",
            "reason": "provider_unavailable",
            "retryable": True,
            "retry_after_seconds": 1.5,
        },
    ),
    (
        ProviderAmbiguous("submission_unknown", "x"),
        {"code": "submission_unknown", "reason": "provider_ambiguous", "retryable": True, "retry_after_seconds": None},
    ),
    (
        ProviderJobLost("x"),
        {"code": "upstream_lost", "reason": "provider_job_lost", "retryable": True, "retry_after_seconds": None},
    ),
    (
        InvalidUpstreamVideo("x"),
        {
            "code": "invalid_upstream_video",
            "reason": "invalid_upstream_video",
            "retryable": False,
            "retry_after_seconds": None,
        },
    ),
    (
        StorageUnavailable("x"),
        {"code": "internal", "reason": "storage_unavailable", "retryable": True, "retry_after_seconds": None},
    ),
    (
        ConfigurationError("x"),
        {"code": "upstream_auth", "reason": "configuration", "retryable": True, "retry_after_seconds": None},
    ),
]


@pytest.mark.parametrize(("error", "failure"), EXPECTED, ids=[type(error).__name__ for error, _ in EXPECTED])
async def test_an_expected_failure_leaves_as_data(world: World, error: AppError, failure: dict[str, Any]) -> None:
    """Exactly these fields, and never the error's own text."""
    world.provider.script("submit", error)

    outcome = await run_activity("submit_render", payload())

    assert outcome == {"failure": failure}
    assert json.loads(json.dumps(outcome)) == outcome


async def test_an_unexpected_exception_leaves_without_any_text(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The traceback is in the log, for those who can mend it."""
    world.provider.script("submit", RuntimeError("a bug at https://user:pass@upstream.example/v1"))

    outcome = await run_activity("submit_render", payload())

    assert outcome == {"failure": {"code": "internal", "reason": "unexpected", "retryable": True}}
    assert "Traceback" in caplog.text
    assert "RuntimeError: a bug" in caplog.text
    assert "submit_render.py" in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(f"bad {SECRET} and {PROMPT}"),
        RuntimeError({"key": SECRET, "prompt": PROMPT}),
        ProviderUnavailable(f"bad {SECRET} and {PROMPT}"),
        ProviderRejected("invalid_request", f"bad {SECRET} and {PROMPT!r}"),
    ],
    ids=["unexpected", "unexpected, as literals", "expected", "expected, as a literal"],
)
async def test_no_line_of_the_log_shows_a_secret_or_the_prompt(
    world: World, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """Whatever an exception quotes."""
    world.provider.script("submit", error)

    await run_activity("submit_render", payload())

    assert caplog.text
    assert SECRET not in caplog.text
    assert "nobody else may read" not in caplog.text


@pytest.mark.parametrize("error", [None, RuntimeError("bug"), ProviderJobLost("gone")], ids=repr)
async def test_every_line_names_the_job(
    world: World, caplog: pytest.LogCaptureFixture, error: Exception | None
) -> None:
    """In its text, and as a field of its own for queries."""
    world.provider.script("submit", error)

    await run_activity("submit_render", payload())

    assert len(caplog.records) >= 2
    for record in caplog.records:
        assert record.getMessage().startswith(f"[{JOB_ID}] ")
        assert vars(record)["job_id"] == JOB_ID


async def test_fields_that_a_newer_version_wrote_are_passed_over(world: World) -> None:
    """A running job may come from either side of a deployment."""
    outcome = await run_activity("submit_render", payload(invented="later"))

    assert outcome == {"value": {"upstream_id": "video_1"}}
    assert len(world.provider.renders) == 1


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"job_id": JOB_ID},
        payload(spec=None),
        payload(spec={"prompt": PROMPT}),
        payload(spec=[PROMPT]),
        payload(unknown_submission="guess"),
    ],
    ids=["empty", "only an id", "no spec", "half a spec", "a list", "an unknown rule"],
)
async def test_a_payload_that_makes_no_sense_is_an_internal_failure(
    world: World, caplog: pytest.LogCaptureFixture, broken: dict[str, Any]
) -> None:
    """Nothing is done, nothing is raised, and the prompt stays out of the log here, too."""
    outcome = await run_activity("submit_render", broken)

    assert outcome == {"failure": {"code": "internal", "reason": "unexpected", "retryable": True}}
    assert world.store.calls == []
    assert world.provider.calls == []
    assert "nobody else may read" not in caplog.text


async def test_an_activity_that_does_not_exist_is_an_internal_failure(world: World) -> None:
    """It cannot happen through the host, which knows the names; and would not break the story if it did."""
    outcome = await run_activity("no_such_activity", payload())

    assert outcome == {"failure": {"code": "internal", "reason": "unexpected", "retryable": True}}
    assert world.provider.calls == []


async def test_settings_that_do_not_work_are_the_operators_to_mend(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the setting; the story gets no more than a code."""
    monkeypatch.setenv("AzureWebJobsStorage", f"AccountKey={SECRET}")
    for name in ("OPENAI_BASE_URL", "OPENAI_MODEL", "AZURE_OPENAI_ENDPOINT", "VIDEO_PROVIDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)

    outcome = await run_activity("submit_render", payload())

    assert outcome["failure"]["code"] == "upstream_auth"
    assert outcome["failure"]["retryable"] is True
    assert "OPENAI_BASE_URL" in caplog.text
    assert SECRET not in caplog.text


async def test_a_run_that_failed_can_be_followed_by_one_that_works(world: World) -> None:
    """The wall keeps nothing."""
    world.provider.script("submit", RuntimeError("bug"))
    await run_activity("submit_render", payload())
    assert await world.store.read_record(submission_blob(JobId(JOB_ID)))

    world.later(70)

    assert await run_activity("submit_render", payload()) == {"value": {"upstream_id": "video_1"}}
