"""A caller of the API, written as the contract's Python example is: httpx, five seconds of patience, no redirects."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

Value = TypeVar("Value")

UNFINISHED = ("queued", "processing")


def wait_until(check: Callable[[], Value | None], *, seconds: float, description: str) -> Value:
    """Return the first truthy answer of `check`; fail with `description` after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = check()
        if answer:
            return answer
        time.sleep(0.1)  # another process decides when this comes true
    raise AssertionError(f"not within {seconds:.0f} s: {description}")


class Caller:
    """Submits jobs, reads them and downloads their files; remembers every status that it saw, in order."""

    def __init__(self, app: str) -> None:
        self.app = app
        self.http = httpx.Client(base_url=app)
        self.seen: dict[str, list[str]] = {}

    def submit(self, prompt: str, **fields: Any) -> str:
        """Submit a small job and return its id."""
        body = {"prompt": prompt, "duration": 1, "width": 256, "height": 256, **fields}
        response = self.http.post("/api/generate", json=body)
        assert response.status_code == 200, response.text
        return str(response.json()["job_id"])

    def status(self, job_id: str) -> dict[str, Any]:
        """Read a job once."""
        response = self.http.get(f"/api/status/{job_id}")
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        words = self.seen.setdefault(job_id, [])
        if not words or words[-1] != answer["status"]:
            words.append(answer["status"])
        return answer

    def wait(self, job_id: str, seconds: float = 60) -> dict[str, Any]:
        """Poll a job until it has ended."""

        def ended() -> dict[str, Any] | None:
            answer = self.status(job_id)
            return None if answer["status"] in UNFINISHED else answer

        return wait_until(ended, seconds=seconds, description=f"job {job_id} ends; it went {self.seen.get(job_id)}")

    def download(self, job_id: str) -> httpx.Response:
        """Download a job's file."""
        return self.http.get(f"/api/download/gen_{job_id}")


def calls(simulator: str, method: str = "POST") -> list[dict[str, Any]]:
    """Return the calls of one method that the simulator has answered or swallowed."""
    answered: list[dict[str, Any]] = httpx.get(f"{simulator}/_sim/calls").json()
    return [call for call in answered if call["method"] == method]


def renders_of(simulator: str, prompt: str) -> list[dict[str, Any]]:
    """Return the renders that would have to be paid for a prompt."""
    jobs: list[dict[str, Any]] = httpx.get(f"{simulator}/_sim/jobs").json()
    return [job for job in jobs if job["prompt"] == prompt]
