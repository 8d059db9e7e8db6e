"""A durable backend that answers wrongly or not at all: callers get their sentence in time, and no job is lost.

The local host is told to fail on the port of the SDK's own client. Whatever it does, the caller's five seconds suffice.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from devtools.stack import Stack
from devtools.stack_settings import ACCOUNT_KEY, SIMULATOR_KEY
from tests.scenarios.conftest import QUICK
from tests.support.caller import Caller, renders_of
from tests.support.stack import machine

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]

ANSWERS = [500, 503, "empty", "drop", "hang"]
NOT_READ = (500, b'{"detail":"Service is temporarily unavailable"}')
NOT_ACCEPTED = (500, b'{"detail":"Azure OpenAI service is currently unavailable"}')
NOT_FOUND = (404, b'{"detail":"Job not found"}')
ALWAYS = 20
"""More often than anybody tries within one request."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose durable backend can be told to fail."""
    state = tmp_path_factory.mktemp("failing")
    with Stack(state, render_seconds=0.3, overrides=QUICK, caller=machine(), faults=True) as running:
        yield running


@pytest.fixture(scope="module")
def finished(stack: Stack) -> str:
    """A job that has been completed."""
    caller = Caller(stack.app)
    with caller.http:
        job_id = caller.submit("Done before the trouble")
        assert caller.wait(job_id)["status"] == "completed"
    return job_id


@contextmanager
def told(stack: Stack, **faults: dict[str, Any]) -> Iterator[None]:
    """Let the backend fail within this block."""
    httpx.put(f"{stack.app}/admin/local/faults", json=faults).raise_for_status()
    try:
        yield
    finally:
        httpx.delete(f"{stack.app}/admin/local/faults").raise_for_status()


def order(caller: Caller, prompt: str) -> httpx.Response:
    """Ask for a small video."""
    return caller.http.post("/api/generate", json={"prompt": prompt, "duration": 1, "width": 256, "height": 256})


def seen(response: httpx.Response) -> tuple[int, bytes]:
    """What a caller gets, to the byte."""
    return response.status_code, response.content


def instances(stack: Stack) -> set[str]:
    """Every orchestration that there is; the app's own port tells the truth."""
    answer = httpx.get(f"{stack.app}/runtime/webhooks/durabletask/instances?top=1000")
    return {instance["instanceId"] for instance in answer.json()}


class Log:
    """What the app has logged since this was made."""

    def __init__(self, stack: Stack) -> None:
        self._path = Path(stack.folder.path, "logs", "app.log")
        self._start = self._path.stat().st_size

    def text(self) -> str:
        """All of it."""
        with self._path.open("rb") as log:
            log.seek(self._start)
            return log.read().decode()

    def refused(self) -> str:
        """The one job that was not accepted."""
        (job_id,) = re.findall(r"ERROR sora_video: \[(\w{26})\] job not accepted: ", self.text())
        return str(job_id)


def test_app_is_not_ready_while_its_backend_does_not_answer(stack: Stack, caller: Caller) -> None:
    """No wrong answer of the backend counts as one."""
    with told(stack, status_reads={"answer": 500, "times": ALWAYS}):
        during = caller.http.get("/api/ready")

    assert during.status_code == 503
    assert during.json()["checks"] == {"settings": "ok", "storage": "ok", "backend": "failing"}
    assert caller.http.get("/api/health").status_code == 200


@pytest.mark.parametrize("answer", ANSWERS)
def test_job_that_cannot_be_read_is_not_reported_as_unknown(
    stack: Stack, caller: Caller, finished: str, answer: object
) -> None:
    """The sentence for an unavailable service, the job's id in the log, and the truth once the backend tells it."""
    log = Log(stack)

    with told(stack, status_reads={"answer": answer, "times": ALWAYS}):
        during = caller.http.get(f"/api/status/{finished}")
    afterwards = caller.status(finished)

    assert seen(during) == NOT_READ
    assert f"[{finished}] status cannot be read" in log.text()
    assert afterwards["status"] == "completed"


@pytest.mark.parametrize("answer", ANSWERS)
def test_start_that_fails_before_it_is_stored_is_refused(stack: Stack, caller: Caller, answer: object) -> None:
    """Nothing runs, nothing is paid, and the log says which job it was without its prompt or a secret."""
    log, before = Log(stack), instances(stack)

    with told(stack, starts={"answer": answer, "when": "before_enqueue", "times": ALWAYS}):
        refused = order(caller, f"Never stored, {answer}")

    job_id = log.refused()
    assert seen(refused) == NOT_ACCEPTED
    assert seen(caller.http.get(f"/api/status/{job_id}")) == NOT_FOUND
    assert instances(stack) == before
    assert renders_of(stack.simulator, f"Never stored, {answer}") == []
    assert [secret for secret in (ACCOUNT_KEY, SIMULATOR_KEY, "Never stored") if secret in log.text()] == []


@pytest.mark.parametrize("answer", ANSWERS)
def test_start_that_fails_after_it_is_stored_is_accepted_and_runs_once(
    stack: Stack, caller: Caller, answer: object
) -> None:
    """Told "not accepted", its caller would order and pay again."""
    before = instances(stack)

    with told(stack, starts={"answer": answer, "when": "after_enqueue", "times": ALWAYS}):
        accepted = order(caller, f"Stored all the same, {answer}")
    end = caller.wait(accepted.json()["job_id"])

    assert (accepted.status_code, accepted.json()["status"]) == (200, "queued")
    assert end["status"] == "completed"
    assert instances(stack) == before | {accepted.json()["job_id"]}
    assert len(renders_of(stack.simulator, f"Stored all the same, {answer}")) == 1


def test_start_is_accepted_though_the_first_look_for_it_fails_too(stack: Stack, caller: Caller) -> None:
    """One hiccup after the other."""
    start = {"answer": 500, "when": "after_enqueue"}

    with told(stack, starts=start, status_reads={"answer": 500}):
        accepted = order(caller, "Seen at the second look")

    assert accepted.status_code == 200
    assert caller.wait(accepted.json()["job_id"])["status"] == "completed"


def test_start_of_which_the_backend_cannot_tell_is_accepted_where_its_story_is_at_work(
    stack: Stack, caller: Caller
) -> None:
    """The story's own record in storage says so; it is one orchestration and one render."""
    before = instances(stack)
    start = {"answer": "drop", "when": "after_enqueue"}

    with told(stack, starts=start, status_reads={"answer": "hang", "times": ALWAYS}):
        accepted = order(caller, "Storage can tell")
    job_id = accepted.json()["job_id"]

    assert accepted.status_code == 200
    assert caller.wait(job_id)["status"] == "completed"
    assert instances(stack) == before | {job_id}
    assert len(renders_of(stack.simulator, "Storage can tell")) == 1


def test_start_that_arrives_after_its_caller_was_refused_costs_nothing(
    stack: Stack, caller: Caller, finished: str
) -> None:
    """The caller may have ordered again by then; the late job ends, and no render of it was asked for."""
    log, backend = Log(stack), f"{stack.app}/runtime/webhooks/durabletask"
    with told(stack, starts={"answer": 500, "when": "before_enqueue"}):
        refused = order(caller, "Too late")
    job_id = log.refused()
    story = json.loads(httpx.get(f"{backend}/instances/{finished}?showInput=true").json()["input"])

    late = json.dumps({**story, "job_id": job_id, "request": {**story["request"], "prompt": "Too late"}})
    httpx.post(f"{backend}/orchestrators/generate_video/{job_id}", json=late).raise_for_status()

    assert seen(refused) == NOT_ACCEPTED
    assert caller.wait(job_id) == {"job_id": job_id, "status": "failed", "error": "Job was cancelled"}
    assert renders_of(stack.simulator, "Too late") == []
