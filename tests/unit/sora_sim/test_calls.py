import re
import time
from contextlib import closing
from pathlib import Path

from devtools.sora_sim.calls import CallLog
from devtools.sora_sim.database import open_database
from tests.unit.sora_sim.conftest import Simulated, simulated


async def test_every_call_to_the_api_is_on_record_and_no_other(simulator: Simulated) -> None:
    """Time, method, path, status and job, in order of arrival; control calls leave no trace."""
    job = await simulator.create()
    await simulator.http.get(f"/v1/videos/{job['id']}")
    await simulator.http.get("/v1/videos/video_none?x=1")
    await simulator.http.get("/nowhere")
    await simulator.http.get("/_sim/jobs")

    calls = await simulator.calls()

    assert [(call["method"], call["path"], call["status"], call["job"]) for call in calls] == [
        ("POST", "/v1/videos", 200, job["id"]),
        ("GET", f"/v1/videos/{job['id']}", 200, job["id"]),
        ("GET", "/v1/videos/video_none", 404, None),
        ("GET", "/nowhere", 404, None),
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", call["time"]) for call in calls)


async def test_refused_calls_are_on_record_without_a_job(simulator: Simulated) -> None:
    """A create that was not accepted is not a paid render."""
    await simulator.http.post("/v1/videos", json={})

    assert [(call["status"], call["job"]) for call in await simulator.calls()] == [(400, None)]


async def test_the_record_outlives_a_restart(tmp_path: Path) -> None:
    """It is what paid renders are counted by."""
    async with simulated(tmp_path) as simulator:
        before = await simulator.create()
    async with simulated(tmp_path) as simulator:
        after = await simulator.create()
        calls = await simulator.calls()

    assert [call["job"] for call in calls] == [before["id"], after["id"]]


def test_only_the_newest_calls_are_kept(tmp_path: Path) -> None:
    """The record is bounded."""
    with closing(open_database(tmp_path / "calls.db")) as database:
        calls = CallLog(database, time.time, keep=3)
        for number in range(5):
            calls.begin("GET", f"/v1/videos/{number}")
        kept = calls.everything()

    assert [call["path"] for call in kept] == ["/v1/videos/2", "/v1/videos/3", "/v1/videos/4"]
