"""A simulator in this process, without HTTP and without encoding, and a client that knows its words."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from devtools.sora_sim.app import create_app
from devtools.sora_sim.rendering import PlaceholderRenderer, Renderer
from devtools.sora_sim.settings import SimulatorSettings

DEADLINE_SECONDS = 10
VIDEO = b"0123456789" * 100


@dataclass
class Simulated:
    """The client's side of one running simulator."""

    http: httpx.AsyncClient

    async def create(self, prompt: str = "a lighthouse", **fields: object) -> dict[str, Any]:
        """Order a video that is accepted."""
        response = await self.http.post("/v1/videos", json={"prompt": prompt, "seconds": 1, "size": "64x64", **fields})
        response.raise_for_status()
        return dict(response.json())

    async def look(self, job_id: str) -> dict[str, Any]:
        """The job as the API shows it."""
        response = await self.http.get(f"/v1/videos/{job_id}")
        response.raise_for_status()
        return dict(response.json())

    async def wait_for(self, job_id: str, status: str) -> dict[str, Any]:
        """The job once it has this status."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while (job := await self.look(job_id))["status"] != status:
            assert time.monotonic() < deadline, f"{job_id} is still {job['status']}, not {status}"
            await asyncio.sleep(0.005)
        return job

    async def completed(self, prompt: str = "a lighthouse", **fields: object) -> dict[str, Any]:
        """A video that is ready."""
        return await self.wait_for((await self.create(prompt, **fields))["id"], "completed")

    async def arm(self, **fault: object) -> None:
        """Arm one fault."""
        (await self.http.post("/_sim/faults", json=fault)).raise_for_status()

    async def calls(self) -> list[dict[str, Any]]:
        """What is on record."""
        return list((await self.http.get("/_sim/calls")).json())

    async def jobs(self) -> list[dict[str, Any]]:
        """All jobs, with what only the simulator knows."""
        return list((await self.http.get("/_sim/jobs")).json())

    async def stats(self) -> dict[str, int]:
        """How many jobs there are and were."""
        return dict((await self.http.get("/_sim/stats")).json())


Start = Callable[..., Awaitable[Simulated]]


@asynccontextmanager
async def simulated(state: Path, renderer: Renderer | None = None, **settings: Any) -> AsyncIterator[Simulated]:
    """Run a simulator on this state folder."""
    values = {"render_seconds": 0.0, **settings}
    app = create_app(SimulatorSettings(state=state, **values), renderer or PlaceholderRenderer(VIDEO))
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": "Bearer anything"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://simulator", headers=headers) as http,
    ):
        yield Simulated(http)


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulated]:
    """A simulator that renders in no time."""
    async with simulated(tmp_path) as running:
        yield running
