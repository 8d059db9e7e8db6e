"""The local host is killed at random moments while orchestrations of every kind are in flight, and started again.

Nothing that was accepted may be lost, every instance must end as its story says, and no message may count twice.
"""

import asyncio
import os
import random
from collections import Counter
from pathlib import Path
from time import monotonic
from typing import Final

import httpx

from devtools.host.state_folder import JOURNAL_NAME
from tests.host.host_process import HostProcess
from tests.soak.report import Report, counts
from tests.soak_host.client import Client, GaveUpError
from tests.soak_host.histories import problems
from tests.soak_host.stories import Story, any_story

APP: Final = Path(__file__).parent / "app"
STARTS_EACH_SECOND: Final = 5.0
SHORTEST_LIFE_SECONDS, LONGEST_LIFE_SECONDS = 0.05, 3.0
"""How long a host lives from the moment that it is ready until it is killed."""

STEP_SECONDS: Final = 0.5
AFTERWARDS_SECONDS: Final = 90.0
"""For what is unfinished when the last kill is over."""


def chaos(folder: Path, seed: int, seconds: float) -> Report:
    """Run it in a folder; what is wrong is in the report."""
    marks = folder / "counts"
    marks.mkdir(parents=True)
    os.environ["SOAK_COUNTS"] = str(marks)
    host = HostProcess(folder, app=APP)
    with host:
        report, failures = asyncio.run(_trial(host, seed, seconds))
        host.stop()
    report.problems += problems(folder / "app" / JOURNAL_NAME, failures)
    if report.problems:
        report.logs = f"   the host's log: {host.log}"
    return report


async def _trial(host: HostProcess, seed: int, seconds: float) -> tuple[Report, dict[str, int]]:
    chance = random.Random(seed)  # noqa: S311
    began = monotonic()
    report, kinds, failures = Report(), Counter[str](), dict[str, int]()
    no_keeping = httpx.Limits(max_keepalive_connections=0)
    async with (
        httpx.AsyncClient(base_url=host.http.base_url, timeout=10, limits=no_keeping, trust_env=False) as http,
        asyncio.TaskGroup() as group,
    ):
        client = Client(http, began + seconds + AFTERWARDS_SECONDS)
        killing = group.create_task(_kill(host, random.Random(seed + 1), began + seconds))  # noqa: S311
        number = 0
        while monotonic() < began + seconds:
            story, instance_id = any_story(chance), f"{seed}-{number}"
            kinds[story.name] += 1
            failures[instance_id] = story.failures
            group.create_task(_live(client, story, instance_id, chance.random(), report))
            number += 1
            await asyncio.sleep(chance.expovariate(STARTS_EACH_SECOND))
    report.row("instances", f"{number}: {counts(kinds)}")
    report.row("kills of the host", str(killing.result()))
    report.row("requests repeated", str(client.repeated))
    report.row("all ended after", f"{monotonic() - began:.0f} s")
    return report, failures


async def _kill(host: HostProcess, chance: random.Random, until: float) -> int:
    kills = 0
    while True:
        await asyncio.sleep(chance.uniform(SHORTEST_LIFE_SECONDS, LONGEST_LIFE_SECONDS))
        if monotonic() >= until:
            return kills
        host.kill()
        await asyncio.to_thread(host.start)
        kills += 1


async def _live(client: Client, story: Story, instance_id: str, pause: float, report: Report) -> None:
    """Be the client of one instance from its start to its end."""
    try:
        await client.start(story.name, instance_id, story.value)
        for operation, value in story.steps:
            await asyncio.sleep(pause * STEP_SECONDS)
            await client.tell(instance_id, operation, value)
        end = await client.end_of(instance_id)
    except GaveUpError as error:
        report.problems.append(str(error))
        return
    if end not in story.ends:
        report.problems.append(f"{instance_id} ({story.name} of {story.value}) ended as {end}, not {story.ends}")
