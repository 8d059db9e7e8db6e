"""How many jobs there are at a time, as the service sees it, and the most that there ever were."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.unit.sora_sim.conftest import Simulated, simulated

ENDLESS = "[sim:never-finishes]"


async def rendering(simulator: Simulated, number: int) -> list[str]:
    """So many endless renders, all under way."""
    jobs = [(await simulator.create(ENDLESS))["id"] for _ in range(number)]
    for job in jobs:
        await simulator.wait_for(job, "in_progress")
    return jobs


async def test_a_new_simulator_has_nothing(simulator: Simulated) -> None:
    """All numbers are there from the beginning."""
    assert await simulator.stats() == {
        "jobs": 0,
        "unfinished": 0,
        "most_unfinished": 0,
        "rendering": 0,
        "most_rendering": 0,
    }


async def test_marks_stay_where_the_numbers_were_highest(tmp_path: Path) -> None:
    """Deleted and finished jobs count no more, but were there."""
    async with simulated(tmp_path, max_running=2) as simulator:
        jobs = await rendering(simulator, 2)
        jobs.append((await simulator.create(ENDLESS))["id"])
        at_most = await simulator.stats()
        for job in jobs:
            await simulator.http.delete(f"/v1/videos/{job}")
        await simulator.completed()
        afterwards = await simulator.stats()

    assert at_most == {"jobs": 3, "unfinished": 3, "most_unfinished": 3, "rendering": 2, "most_rendering": 2}
    assert afterwards == {"jobs": 4, "unfinished": 0, "most_unfinished": 3, "rendering": 0, "most_rendering": 2}


async def test_jobs_one_after_the_other_are_never_two(simulator: Simulated) -> None:
    """A failed job, a forgotten one and a completed one have given their places away."""
    failed = await simulator.create("[sim:fail]")
    await simulator.wait_for(failed["id"], "failed")
    (forgotten,) = await rendering(simulator, 1)
    await simulator.arm(operation="retrieve", kind="forget")
    await simulator.http.get(f"/v1/videos/{forgotten}")
    await simulator.completed()

    stats = await simulator.stats()

    assert (stats["jobs"], stats["most_unfinished"], stats["most_rendering"]) == (3, 1, 1)


async def test_marks_outlive_restarts(tmp_path: Path) -> None:
    """They are kept with the jobs."""
    async with simulated(tmp_path) as simulator:
        jobs = await rendering(simulator, 2)
        for job in jobs:
            await simulator.http.delete(f"/v1/videos/{job}")
    async with simulated(tmp_path) as simulator:
        await simulator.completed()
        stats = await simulator.stats()

    assert (stats["most_unfinished"], stats["most_rendering"]) == (2, 2)


async def test_a_restart_with_work_under_way_counts_nothing_twice(tmp_path: Path) -> None:
    """What was cut off goes on, as the same job in the same place."""
    async with simulated(tmp_path) as simulator:
        jobs = await rendering(simulator, 2)
    async with simulated(tmp_path) as simulator:
        await simulator.http.delete(f"/v1/videos/{jobs[0]}")
        await simulator.completed("behind them in the line")
        stats, (_, cut_off, _) = await simulator.stats(), await simulator.jobs()

    assert cut_off["renders"] == 2
    assert stats == {"jobs": 3, "unfinished": 1, "most_unfinished": 2, "rendering": 1, "most_rendering": 2}


async def test_the_state_of_an_earlier_version_is_taken_over(tmp_path: Path) -> None:
    """Its jobs did not say when they started, and nobody had counted; from now on both is known."""
    async with simulated(tmp_path, max_running=1) as simulator:
        done = await simulator.completed()
        await rendering(simulator, 1)
        await simulator.create(ENDLESS)
    with closing(sqlite3.connect(tmp_path / "simulator.db", isolation_level=None)) as database:
        database.executescript("DROP TRIGGER job_added; DROP TRIGGER job_started; DROP VIEW crowd;")
        database.executescript("DROP TABLE high_water; ALTER TABLE job DROP COLUMN started_at;")

    async with simulated(tmp_path, max_running=2) as simulator:
        first, *unfinished = await simulator.jobs()
        for job in unfinished:
            await simulator.wait_for(job["id"], "in_progress")
        stats, lines = await simulator.stats(), await simulator.jobs()

    assert (first["id"], first["started_at"]) == (done["id"], None)
    assert stats == {"jobs": 3, "unfinished": 2, "most_unfinished": 2, "rendering": 2, "most_rendering": 2}
    assert all(line["started_at"] for line in lines[1:])
