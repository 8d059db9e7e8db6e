"""Whatever the video service does, the job ends, with the sentence that says why, or with the right file."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from devtools.stack import Stack
from tests.support.caller import Caller, renders_of

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

SENTENCES = {
    "content_policy": "Content policy violation detected",
    "invalid_request": "The video service rejected the request",
    "rate_limited": "The video service is at capacity",
    "upstream_unavailable": "Azure OpenAI service is currently unavailable",
    "upstream_auth": "The video service is not configured correctly",
    "model_unavailable": "The video service is not configured correctly",
    "upstream_failed": "Video generation failed",
    "upstream_lost": "The generated video is no longer available",
    "upstream_timeout": "Video generation timed out",
    "invalid_upstream_video": "The video service returned an invalid video",
}
"""The contract's words, written out: they are what callers depend on."""

TROUBLES: dict[str, str | None] = {
    "[sim:policy-at-create]": "content_policy",
    "[sim:moderation]": "content_policy",
    "[sim:bad-request]": "invalid_request",
    "[sim:unauthorized]": "upstream_auth",
    "[sim:no-deployment]": "model_unavailable",
    "[sim:rate-limit]": "rate_limited",
    "[sim:rate-limit-once]": None,
    "[sim:too-many-tasks-once]": None,
    "[sim:server-error]": "upstream_unavailable",
    "[sim:server-error-once]": None,
    "[sim:gateway-html]": "upstream_unavailable",
    "[sim:slow-answer]": None,
    "[sim:hang]": "upstream_unavailable",
    "[sim:withhold-answer]": None,
    "[sim:close-before]": "upstream_unavailable",
    "[sim:close-after]": None,
    "[sim:fail]": "upstream_failed",
    "[sim:never-finishes]": "upstream_timeout",
    "[sim:unknown-status]": "upstream_timeout",
    "[sim:odd-status]": None,
    "[sim:look-fails-thrice]": None,
    "[sim:look-hangs-once]": None,
    "[sim:forgotten]": "upstream_lost",
    "[sim:expired]": "upstream_lost",
    "[sim:content-error-once]": None,
    "[sim:truncated-once]": None,
    "[sim:truncated]": "upstream_unavailable",
    "[sim:content-json]": "invalid_upstream_video",
    "[sim:content-html]": "invalid_upstream_video",
    "[sim:content-noise]": "invalid_upstream_video",
    "[sim:content-half]": "invalid_upstream_video",
    "[sim:wrong-size]": "invalid_upstream_video",
    "[sim:too-long]": "invalid_upstream_video",
}
"""What the simulator is told to do, and the code that the job ends with; None where it completes all the same."""

ONE_RENDER = [word for word, code in TROUBLES.items() if code in (None, "invalid_upstream_video")]


@pytest.fixture(scope="module")
def ends(impatient: Stack) -> dict[str, dict[str, Any]]:
    """All troubles at once, each in a job of its own; the way in which each job ended."""
    with httpx.Client() as http:
        caller = Caller(impatient.app)
        caller.http = http
        http.base_url = httpx.URL(impatient.app)
        jobs = {word: caller.submit(f"A small trouble {word}") for word in TROUBLES}
        with ThreadPoolExecutor(8) as pool:
            waits = {word: pool.submit(caller.wait, job_id, 120) for word, job_id in jobs.items()}
            return {word: wait.result() for word, wait in waits.items()}


@pytest.mark.parametrize("word", list(TROUBLES))
def test_a_trouble_ends_in_its_code_and_sentence(impatient: Stack, ends: dict[str, dict[str, Any]], word: str) -> None:
    """The caller reads the fixed sentence and nothing of what the service said; the story's output holds the code."""
    end = dict(ends[word])
    job_id = end.pop("job_id")
    code = TROUBLES[word]

    output = httpx.get(f"{impatient.app}/runtime/webhooks/durabletask/instances/{job_id}").json()["output"]

    if code is None:
        assert end == {"status": "completed", "video_url": f"/api/download/gen_{job_id}"}
        assert (output["status"], output.get("code")) == ("completed", None)
    else:
        assert end == {"status": "failed", "error": SENTENCES[code]}
        assert {name: output[name] for name in ("status", "code")} == {"status": "failed", "code": code}


@pytest.mark.parametrize("word", ONE_RENDER)
@pytest.mark.usefixtures("ends")
def test_a_trouble_costs_one_render(impatient: Stack, word: str) -> None:
    """An answer that is withheld, late or lost never makes the app pay twice."""
    assert len(renders_of(impatient.simulator, f"A small trouble {word}")) == 1


def test_a_failed_jobs_file_is_not_found(impatient: Stack, ends: dict[str, dict[str, Any]]) -> None:
    """Also where bytes were fetched: only a verified video can be downloaded."""
    for word in ("[sim:fail]", "[sim:wrong-size]", "[sim:content-half]"):
        response = httpx.get(f"{impatient.app}/api/download/gen_{ends[word]['job_id']}")

        assert (response.status_code, response.json()) == (404, {"detail": "File not found"})
