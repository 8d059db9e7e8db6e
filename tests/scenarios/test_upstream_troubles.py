"""Whatever the video service does, the job ends, with the sentence that says why, or with the right file."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from devtools.stack import Stack
from tests.support.caller import Caller, renders_of

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

NOT_CONFIGURED = "The video service is not configured correctly"
UNAVAILABLE = "Azure OpenAI service is currently unavailable"
INVALID = "The video service returned an invalid video"

TROUBLES: dict[str, str | None] = {
    "[sim:policy-at-create]": "Content policy violation detected",
    "[sim:moderation]": "Content policy violation detected",
    "[sim:bad-request]": "The video service rejected the request",
    "[sim:unauthorized]": NOT_CONFIGURED,
    "[sim:no-deployment]": NOT_CONFIGURED,
    "[sim:rate-limit]": "The video service is at capacity",
    "[sim:rate-limit-once]": None,
    "[sim:too-many-tasks-once]": None,
    "[sim:server-error]": UNAVAILABLE,
    "[sim:server-error-once]": None,
    "[sim:gateway-html]": UNAVAILABLE,
    "[sim:slow-answer]": None,
    "[sim:hang]": UNAVAILABLE,
    "[sim:withhold-answer]": None,
    "[sim:close-before]": UNAVAILABLE,
    "[sim:close-after]": None,
    "[sim:fail]": "Video generation failed",
    "[sim:never-finishes]": "Video generation timed out",
    "[sim:unknown-status]": "Video generation timed out",
    "[sim:odd-status]": None,
    "[sim:look-fails-thrice]": None,
    "[sim:look-hangs-once]": None,
    "[sim:forgotten]": "The generated video is no longer available",
    "[sim:expired]": "The generated video is no longer available",
    "[sim:content-error-once]": None,
    "[sim:truncated-once]": None,
    "[sim:truncated]": UNAVAILABLE,
    "[sim:content-json]": INVALID,
    "[sim:content-html]": INVALID,
    "[sim:content-noise]": INVALID,
    "[sim:content-half]": INVALID,
    "[sim:wrong-size]": INVALID,
    "[sim:too-long]": INVALID,
}
"""What the simulator is told to do, and the sentence that the job ends with; None where it completes all the same."""

ONE_RENDER = [word for word, sentence in TROUBLES.items() if sentence is None or sentence == INVALID]


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
def test_a_trouble_ends_in_its_sentence(ends: dict[str, dict[str, Any]], word: str) -> None:
    """The caller reads the fixed sentence and nothing of what the service said."""
    end = dict(ends[word])
    job_id = end.pop("job_id")
    sentence = TROUBLES[word]

    if sentence is None:
        assert end == {"status": "completed", "video_url": f"/api/download/gen_{job_id}"}
    else:
        assert end == {"status": "failed", "error": sentence}


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
