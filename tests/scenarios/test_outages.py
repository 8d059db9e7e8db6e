"""Parts that are gone: the video service or blob storage unreachable, before and while a job runs."""

from collections.abc import Iterator

import httpx
import pytest

from devtools.stack import Stack
from tests.support.caller import Caller, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]


@pytest.fixture
def caller(impatient: Stack) -> Iterator[Caller]:
    """A caller of the stack whose parts are taken away."""
    caller = Caller(impatient.app)
    with caller.http:
        yield caller


def hold_content(stack: Stack, prompt: str) -> None:
    """Let the first fetch of a job's file wait for two seconds, so that what is done meanwhile comes before it."""
    fault = {"operation": "content", "kind": "delay", "seconds": 2, "prompt": prompt}
    httpx.post(f"{stack.simulator}/_sim/faults", json=fault).raise_for_status()


def test_a_job_ends_when_the_video_service_cannot_be_reached(impatient: Stack, caller: Caller) -> None:
    """Refused connections are waited out until the deadline for submitting."""
    impatient.end("simulator")
    try:
        job_id = caller.submit("Nobody listens")
        end = caller.wait(job_id)
    finally:
        impatient.restart("simulator")

    assert end["status"] == "failed"
    assert end["error"] == "Azure OpenAI service is currently unavailable"


def test_a_job_outlives_a_restart_of_the_video_service(impatient: Stack, caller: Caller) -> None:
    """An outage shorter than the deadline costs nothing but time."""
    impatient.end("simulator")
    try:
        job_id = caller.submit("Somebody will listen")
    finally:
        impatient.restart("simulator")

    assert caller.wait(job_id)["status"] == "completed"


def test_app_is_not_ready_while_storage_cannot_be_reached(impatient: Stack, caller: Caller) -> None:
    """Watchdogs read which part fails, and that the process is alive all the same; then that all is well again."""

    def readiness() -> tuple[int, object]:
        answer = caller.http.get("/api/ready")
        return answer.status_code, answer.json()

    impatient.end("blob")
    try:
        checks = {"settings": "ok", "storage": "failing", "backend": "ok"}
        not_ready = (503, {"status": "not ready", "checks": checks})
        wait_until(lambda: readiness() == not_ready, seconds=20, description="the app is not ready")
        alive = caller.http.get("/api/health")
    finally:
        impatient.restart("blob")

    assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
    wait_until(lambda: readiness() == (200, {"status": "ready"}), seconds=20, description="the app is ready again")


def test_nothing_is_accepted_while_storage_cannot_be_reached(impatient: Stack, caller: Caller) -> None:
    """The caller is told so in time, and a file that exists is unavailable rather than not found."""
    finished = caller.submit("Stored before the outage")
    caller.wait(finished)
    impatient.end("blob")
    try:
        refused = caller.http.post("/api/generate", json={"prompt": "No place to keep it"})
        file = caller.download(finished)
        status = caller.status(finished)
    finally:
        impatient.restart("blob")

    assert (refused.status_code, refused.json()) == (500, {"detail": "Azure OpenAI service is currently unavailable"})
    assert (file.status_code, file.json()) == (500, {"detail": "Service is temporarily unavailable"})
    assert status["status"] == "completed"
    assert caller.download(finished).status_code == 200


def test_a_job_fails_as_internal_when_storage_stays_away(impatient: Stack, caller: Caller) -> None:
    """The render is done but there is no place for it: the job ends at its deadline and says nothing of the inside."""
    hold_content(impatient, "Lost storage")
    job_id = caller.submit("Lost storage")
    wait_until(lambda: caller.status(job_id)["status"] == "processing", seconds=10, description="the job is accepted")
    impatient.end("blob")
    try:
        end = caller.wait(job_id)
    finally:
        impatient.restart("blob")

    assert (end["status"], end["error"]) == ("failed", "Internal error")


def test_a_job_outlives_a_short_outage_of_storage(impatient: Stack, caller: Caller) -> None:
    """Storage that comes back before the deadline receives the file."""
    hold_content(impatient, "Storage blinks")
    job_id = caller.submit("Storage blinks")
    wait_until(lambda: caller.status(job_id)["status"] == "processing", seconds=10, description="the job is accepted")
    impatient.end("blob")
    impatient.restart("blob")

    assert caller.wait(job_id)["status"] == "completed"
    assert caller.download(job_id).status_code == 200
