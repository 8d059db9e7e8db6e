"""A simulator that is given a clock tells time by it, and by no other."""

from datetime import timedelta
from pathlib import Path

from tests.unit.sora_sim.conftest import VIDEO, simulated

BEGIN = 4_000_000_000.25
"""In the year 2096: no accident of the real clock."""


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.seconds = BEGIN

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self.seconds


async def test_every_moment_in_the_life_of_a_job_is_the_clocks(tmp_path: Path) -> None:
    """Created, started, completed and expiring; whole seconds in the API, fractions in the control routes."""
    clock = Clock()
    async with simulated(tmp_path, now=clock, max_running=1) as simulator:
        first = await simulator.create("[sim:never-finishes]")
        await simulator.wait_for(first["id"], "in_progress")
        clock.seconds += 10
        job = await simulator.create()
        clock.seconds += 5
        await simulator.http.delete(f"/v1/videos/{first['id']}")
        completed = await simulator.wait_for(job["id"], "completed")
        lines = await simulator.jobs()

    moments = [(line["created_at"], line["started_at"], line["completed_at"]) for line in lines]
    assert moments == [(BEGIN, BEGIN, None), (BEGIN + 10, BEGIN + 15, BEGIN + 15)]
    assert (completed["created_at"], completed["completed_at"]) == (int(BEGIN) + 10, int(BEGIN) + 15)
    assert completed["expires_at"] == int(BEGIN) + 10 + 86_400


async def test_a_job_that_waits_has_not_started(tmp_path: Path) -> None:
    """Null until its rendering begins."""
    async with simulated(tmp_path, max_running=1) as simulator:
        first = await simulator.create("[sim:never-finishes]")
        await simulator.wait_for(first["id"], "in_progress")
        await simulator.create()
        waiting = (await simulator.jobs())[1]

    assert (waiting["started_at"], waiting["completed_at"]) == (None, None)


async def test_a_render_that_begins_again_started_when_it_first_did(tmp_path: Path) -> None:
    """A restart cut it off; its second beginning is not its start."""
    clock = Clock()
    async with simulated(tmp_path, now=clock) as simulator:
        job = await simulator.create("[sim:never-finishes]")
        await simulator.wait_for(job["id"], "in_progress")
    clock.seconds += 60
    async with simulated(tmp_path, now=clock) as simulator:
        await simulator.completed("behind it in the line")
        line, _ = await simulator.jobs()

    assert (line["renders"], line["started_at"]) == (2, BEGIN)


async def test_a_video_expires_by_the_clock(tmp_path: Path) -> None:
    """To the second; a restart after that removes its file."""
    clock = Clock()
    async with simulated(tmp_path, now=clock, retention=timedelta(hours=1)) as simulator:
        job = await simulator.completed()
        content = f"/v1/videos/{job['id']}/content"
        clock.seconds += 3599
        before = await simulator.http.get(content)
        clock.seconds += 1
        after = await simulator.http.get(content)
    async with simulated(tmp_path, now=clock) as simulator:
        await simulator.completed("another")
        files = {path.stem for path in (tmp_path / "videos").iterdir()}

    assert (before.status_code, before.content) == (200, VIDEO)
    assert (after.status_code, after.json()["error"]["code"]) == (404, "video_expired")
    assert job["id"] not in files


async def test_a_fault_lets_a_video_expire_at_the_clocks_time(tmp_path: Path) -> None:
    """Which is when it happens."""
    clock = Clock()
    async with simulated(tmp_path, now=clock) as simulator:
        job = await simulator.completed()
        clock.seconds += 7
        await simulator.arm(operation="retrieve", kind="expire")

        assert (await simulator.look(job["id"]))["expires_at"] == int(BEGIN) + 7


async def test_calls_are_on_record_with_the_clocks_time(tmp_path: Path) -> None:
    """To the millisecond, in UTC."""
    clock = Clock()
    async with simulated(tmp_path, now=clock) as simulator:
        await simulator.http.get("/v1/videos")
        clock.seconds += 60
        await simulator.http.get("/v1/videos")

        times = [call["time"] for call in await simulator.calls()]

    assert times == ["2096-10-02T07:06:40.250Z", "2096-10-02T07:07:40.250Z"]
