"""Readers who go round the jobs and read one after the other, by both routes: mostly those that have not ended.

A few readers with a pause, not one for each job: the machine is to be busy with renders and restarts.
"""

import asyncio
from random import Random
from typing import Final

from tests.soak.run import Run
from tests.soak.verdict import ENDS

READERS: Final = 2
PAUSE_SECONDS: Final = 0.1
SHARE_OF_ENDED: Final = 0.2


async def read_on(run: Run, chance: Random) -> None:
    """Read until cancelled."""
    while True:
        await asyncio.sleep(PAUSE_SECONDS)
        jobs = run.ended if run.ended and (not run.alive or chance.random() < SHARE_OF_ENDED) else run.alive
        if not jobs:
            continue
        job_id = jobs.popleft()  # nobody else reads it meanwhile
        try:
            route = chance.choice(("status", "jobs"))
            sighting = await run.ask("GET", f"/api/{route}/{job_id}", job_id)
        except BaseException:
            jobs.append(job_id)
            raise
        has_ended = jobs is run.ended or (sighting is not None and sighting.word in ENDS)
        (run.ended if has_ended else run.alive).append(job_id)
