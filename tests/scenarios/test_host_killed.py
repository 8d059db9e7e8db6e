"""The host is killed at bad moments; every accepted job ends all the same, and no render is paid twice."""

from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.scenarios.conftest import QUICK
from tests.support.caller import Caller, renders_of, wait_until
from tests.support.stack import running_stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


def test_ten_jobs_survive_five_kills_of_the_host(tmp_path: Path) -> None:
    """Killed while submitting, rendering and storing: ten files, ten renders, and no status ever goes back."""
    with running_stack(tmp_path, render_seconds=2, env=QUICK) as stack:
        caller = Caller(stack.app)
        jobs = [caller.submit(f"Job number {number}") for number in range(10)]

        for kill in range(5):
            # Each kill waits for a little more to be done, so that they fall into different stages: ten jobs make
            # thirty calls at least, however seldom a slow machine lets them look.
            wait_until(
                lambda kill=kill: len(httpx.get(f"{stack.simulator}/_sim/calls").json()) > 6 * kill,  # type: ignore[misc]
                seconds=30,
                description=f"work goes on after kill {kill}",
            )
            stack.kill("app")
            stack.restart("app")
        ends = [caller.wait(job_id, seconds=120)["status"] for job_id in jobs]
        files = [caller.download(job_id).status_code for job_id in jobs]
        renders = Counter(len(renders_of(stack.simulator, f"Job number {number}")) for number in range(10))
        caller.http.close()

    assert ends == ["completed"] * 10
    assert files == [200] * 10
    assert renders == {1: 10}
    for words in caller.seen.values():
        assert words == sorted(words, key=["queued", "processing", "completed"].index)


def test_a_stack_that_was_stopped_goes_on_with_unfinished_jobs(tmp_path: Path) -> None:
    """Everything ends and starts again on the same state: the job is completed, its render paid once."""
    with running_stack(tmp_path, render_seconds=3, env=QUICK) as stack:
        caller = Caller(stack.app)
        job_id = caller.submit("To be continued")
        wait_until(lambda: caller.status(job_id)["status"] == "processing", seconds=20, description="it is accepted")
        caller.http.close()

    with running_stack(tmp_path, render_seconds=3, env=QUICK) as stack:
        caller = Caller(stack.app)
        end = caller.wait(job_id)
        caller.http.close()
        renders = renders_of(stack.simulator, "To be continued")

    assert end["status"] == "completed"
    assert len(renders) == 1
