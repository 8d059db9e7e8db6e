import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from devtools.sora_sim.jobs import NewVideo
from devtools.sora_sim.rendering import PlaceholderRenderer, RenderError
from tests.unit.sora_sim.conftest import VIDEO, Simulated, simulated


class GatedRenderer(PlaceholderRenderer):
    """Renders only while its gate is open, and counts what was abandoned."""

    def __init__(self) -> None:
        super().__init__(VIDEO)
        self.gate = asyncio.Event()
        self.abandoned = 0

    async def render(self, order: NewVideo, path: Path, report: Callable[[float], None]) -> None:
        report(0.5)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.abandoned += 1
            raise
        await super().render(order, path, report)


class BrokenRenderer(PlaceholderRenderer):
    """Cannot render one particular prompt."""

    async def render(self, order: NewVideo, path: Path, report: Callable[[float], None]) -> None:
        if order.prompt == "broken":
            raise RenderError("the encoder ended with exit code -11")
        if order.prompt == "very broken":
            raise ZeroDivisionError
        await super().render(order, path, report)


async def test_a_render_takes_the_time_it_was_told_to(tmp_path: Path) -> None:
    """However quick the renderer is, completion is not seen before the render seconds are over; progress shows time."""
    async with simulated(tmp_path, render_seconds=0.4) as simulator:
        began = time.monotonic()
        job = await simulator.create()
        seen = [await simulator.wait_for(job["id"], "in_progress")]
        while seen[-1]["status"] != "completed":
            seen.append(await simulator.look(job["id"]))
            await asyncio.sleep(0.01)

    assert time.monotonic() - began >= 0.4
    progress = [look["progress"] for look in seen]
    assert progress == sorted(progress)
    assert progress[-1] == 100
    assert any(20 <= percent <= 80 for percent in progress)
    assert seen[-1]["completed_at"] >= job["created_at"]


async def test_a_render_takes_as_long_as_the_renderer_needs(tmp_path: Path) -> None:
    """Progress waits for what is really encoded."""
    renderer = GatedRenderer()
    async with simulated(tmp_path, renderer) as simulator:
        job = await simulator.create()
        waiting = await simulator.wait_for(job["id"], "in_progress")
        renderer.gate.set()
        done = await simulator.wait_for(job["id"], "completed")

    assert waiting["progress"] <= 50
    assert done["progress"] == 100


async def test_more_jobs_than_may_run_stay_queued_in_order(tmp_path: Path) -> None:
    """Two render, the third waits until one of them is done."""
    renderer = GatedRenderer()
    async with simulated(tmp_path, renderer, max_running=2) as simulator:
        jobs = [await simulator.create(f"number {n}") for n in range(3)]
        await simulator.wait_for(jobs[1]["id"], "in_progress")
        statuses = [(await simulator.look(job["id"]))["status"] for job in jobs]
        renderer.gate.set()
        await simulator.wait_for(jobs[2]["id"], "completed")

    assert statuses == ["in_progress", "in_progress", "queued"]
    assert [order.prompt for order in renderer.orders] == ["number 0", "number 1", "number 2"]


async def test_jobs_beyond_the_limit_are_refused_as_azure_refuses_them(tmp_path: Path) -> None:
    """429 until one of the unfinished jobs ends."""
    renderer = GatedRenderer()
    async with simulated(tmp_path, renderer, max_jobs=1) as simulator:
        job = await simulator.create()
        refused = await simulator.http.post("/v1/videos", json={"prompt": "one too many"})
        renderer.gate.set()
        await simulator.wait_for(job["id"], "completed")
        accepted = await simulator.http.post("/v1/videos", json={"prompt": "now there is room"})

    assert refused.status_code == 429
    assert refused.json() == {
        "error": {
            "message": "Too many running tasks",
            "type": "video_generation_user_error",
            "param": None,
            "code": None,
        }
    }
    assert accepted.status_code == 200


async def test_a_crash_of_the_renderer_fails_that_job_only(tmp_path: Path) -> None:
    """The job says so in the API's words; the next one renders."""
    async with simulated(tmp_path, BrokenRenderer(VIDEO)) as simulator:
        jobs = [await simulator.create(prompt) for prompt in ("broken", "very broken")]
        failed = [await simulator.wait_for(job["id"], "failed") for job in jobs]
        await simulator.completed("sound")

    for job in failed:
        assert job["error"] == {"code": "server_error", "message": "The video could not be rendered."}
        assert job["completed_at"] is None


async def test_a_deleted_job_is_gone_and_gives_its_place_away(tmp_path: Path) -> None:
    """Its render is abandoned, it is 404, and the next job starts."""
    renderer = GatedRenderer()
    async with simulated(tmp_path, renderer, max_running=1) as simulator:
        first, second = await simulator.create(), await simulator.create()
        await simulator.wait_for(first["id"], "in_progress")

        answer = await simulator.http.delete(f"/v1/videos/{first['id']}")
        again = await simulator.http.delete(f"/v1/videos/{first['id']}")
        await simulator.wait_for(second["id"], "in_progress")

        assert answer.json() == {"id": first["id"], "object": "video.deleted", "deleted": True}
        assert again.status_code == 404
        assert (await simulator.http.get(f"/v1/videos/{first['id']}")).status_code == 404
        assert renderer.abandoned == 1
        assert [job["gone"] for job in await simulator.jobs()] == ["deleted", None]


async def test_deleting_a_finished_job_removes_its_file(tmp_path: Path, simulator: Simulated) -> None:
    """Nothing is kept of it but the record."""
    job = await simulator.completed()

    await simulator.http.delete(f"/v1/videos/{job['id']}")

    assert list((tmp_path / "videos").iterdir()) == []


async def test_a_restart_renders_what_was_unfinished_and_keeps_what_was_done(tmp_path: Path) -> None:
    """Jobs outlive the simulator; an interrupted render counts twice."""
    renderer = GatedRenderer()
    async with simulated(tmp_path, max_running=1) as simulator:
        done = await simulator.completed("done")
    async with simulated(tmp_path, renderer, max_running=1) as simulator:
        cut_off, queued = await simulator.create("cut off"), await simulator.create("queued")
        await simulator.wait_for(cut_off["id"], "in_progress")

    async with simulated(tmp_path, max_running=1) as simulator:
        await simulator.wait_for(queued["id"], "completed")
        finished = await simulator.wait_for(cut_off["id"], "completed")
        content = await simulator.http.get(f"/v1/videos/{done['id']}/content")
        renders = {job["prompt"]: job["renders"] for job in await simulator.jobs()}

    assert content.content == VIDEO
    assert finished["created_at"] == cut_off["created_at"]
    assert renders == {"done": 1, "cut off": 2, "queued": 1}


async def test_a_start_clears_what_killed_encoders_left(tmp_path: Path) -> None:
    """Unfinished files of an earlier life are removed."""
    leftover = tmp_path / "videos" / ".video_1.abc.part"
    leftover.parent.mkdir()
    leftover.write_bytes(b"half")

    async with simulated(tmp_path) as simulator:
        await simulator.completed()

    assert not leftover.exists()
