"""What jobs that wait cost, and whether a long line costs more than a short one.

    python -m benchmarks.waiting [--jobs 100 300 1000]

Runs the whole app in this process, on a clock that skips, with storage and video service in memory and two places. For
each length of the line: all jobs are submitted at once; then nothing is rendered for an hour; then everything is, and
quickly. Prints calls to storage, episodes of stories, memory and time, each for one job. Exits with 1 where calls or
episodes for one job grow by more than a tenth from the shortest line to the longest.

Memory is what `tracemalloc` says that has come to stay since before the first job, for each job that waits: on one hand
what code of the app and its libraries has made (that includes the names of blobs, which the store in memory holds), on
the other what the fakes and the host have made, which stand for storage here. The durable state is in SQLite, on disk.
Resident memory would show the allocator's habits instead.
"""

import argparse
import asyncio
import gc
import json
import logging
import sys
import tracemalloc
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

from devtools.fakes.fake_provider import FakeVideoProvider
from devtools.fakes.in_memory_store import InMemoryStore
from shared.jobs.ids import CAPACITY, WAITING
from shared.logs import LOGGER_NAME
from shared.wiring import Limits
from tests.support.whole_app import WholeApp, whole_app

PLACES: Final = 2
NEVER: Final = 10**9
GROWTH_LIMIT: Final = 1.1
AT_ONCE: Final = 20
FLOW: Final[Mapping[str, Any]] = {"render_timeout_seconds": 6 * 3600}
"""The hour in which nothing is rendered is not to end the jobs that hold the places."""

STAND_INS: Final = ("*/devtools/*", "*/tests/*", "*/benchmarks/*", tracemalloc.__file__)

LOOKED_AT: Final = 4
"""Minutes after which the sweep has looked at each job for the first time."""


@dataclass
class Figures:
    """What a line of `jobs` jobs has cost."""

    jobs: int
    submitted: Counter[str] = field(default_factory=Counter)
    idle: Counter[str] = field(default_factory=Counter)
    rendered: Counter[str] = field(default_factory=Counter)
    idle_episodes: int = 0
    holders_episodes: int = 0
    episodes: int = 0
    app_bytes: int = 0
    stand_in_bytes: int = 0
    submit_seconds: float = 0.0
    render_seconds: float = 0.0

    @property
    def calls(self) -> float:
        """Calls to storage for one job, from its acceptance to its end, without the idle hour."""
        return (self.submitted + self.rendered).total() / self.jobs


class Meter:
    """Counts the episodes of stories, and the calls to storage since it was asked last."""

    def __init__(self) -> None:
        self.episodes: Counter[str] = Counter()

    def heard(self, trigger: str, _answer: str) -> None:
        """Count an episode."""
        self.episodes[json.loads(trigger)["instanceId"]] += 1

    def calls(self, store: InMemoryStore) -> Counter[str]:
        """Return the calls since the last time, by method."""
        counted = Counter(call.method for call in store.calls)
        store.calls.clear()
        return counted


async def measure(jobs: int) -> Figures:
    """Have so many jobs wait, then have them all rendered."""
    figures, meter = Figures(jobs), Meter()
    with TemporaryDirectory() as folder:
        async with whole_app(Path(folder), limits=Limits(renders=PLACES), on_episode=meter.heard, **FLOW) as app:
            store, service = app.store, app.provider
            if not isinstance(store, InMemoryStore) or not isinstance(service, FakeVideoProvider):
                raise TypeError("the whole app runs on other fakes now")
            service.looks_needed = NEVER
            before = _snapshot()
            began = perf_counter()
            ids = await _submit(app, jobs)
            figures.submit_seconds = perf_counter() - began
            figures.submitted = meter.calls(store)
            await _idle(app, store, meter, figures)
            _memory(before, figures)
            service.looks_needed = 1
            began = perf_counter()
            await _render(app, store)
            figures.render_seconds = perf_counter() - began
            figures.rendered = meter.calls(store)
            figures.episodes = meter.episodes.total() - figures.holders_episodes
            words = Counter([await app.status(job_id) for job_id in ids])
    if words != {"completed": jobs} or len(service.renders) != jobs or service.peak_running > PLACES:
        raise RuntimeError(f"{words}, {len(service.renders)} renders, {service.peak_running} at once")
    return figures


async def _submit(app: WholeApp, jobs: int) -> list[str]:
    """Have all jobs accepted, some at a time, and let their stories begin to wait."""
    ids: list[str] = []
    for first in range(0, jobs, AT_ONCE):
        some = range(first, min(first + AT_ONCE, jobs))
        ids += await asyncio.gather(*(app.submit(f"job {number}") for number in some))
        await app.settle()
    return ids


async def _idle(app: WholeApp, store: InMemoryStore, meter: Meter, figures: Figures) -> None:
    """Let an hour pass in which nothing can be done, once the first look at each job has been taken."""
    await app.pass_time(minutes=LOOKED_AT)
    figures.submitted += meter.calls(store)
    before = meter.episodes.copy()
    await app.pass_time(hours=1)
    figures.idle = meter.calls(store)
    told = meter.episodes - before
    holders = (store.record(CAPACITY) or {}).get("places")
    figures.holders_episodes = sum(told[job] for job in told if isinstance(holders, dict) and job in holders)
    figures.idle_episodes = told.total() - figures.holders_episodes


def _snapshot() -> tracemalloc.Snapshot:
    gc.collect()
    if not tracemalloc.is_tracing():
        tracemalloc.start()
    return tracemalloc.take_snapshot()


def _memory(before: tracemalloc.Snapshot, figures: Figures) -> None:
    grown = _snapshot().compare_to(before, "filename")
    tracemalloc.stop()
    for each in grown:
        if any(fnmatch(each.traceback[0].filename, pattern) for pattern in STAND_INS):
            figures.stand_in_bytes += each.size_diff
        else:
            figures.app_bytes += each.size_diff


async def _render(app: WholeApp, store: InMemoryStore) -> None:
    """Let time pass until nobody waits, renders, or is still to be closed."""
    while any(name.startswith(WAITING) for name in store.names()) or (store.record(CAPACITY) or {}).get("places"):
        await app.pass_time(minutes=1)
    await app.pass_time(minutes=1)


def report(all_figures: list[Figures]) -> bool:
    """Print what was measured, and say whether a long line costs no more for each job than a short one."""
    for figures in all_figures:
        jobs, waiting = figures.jobs, figures.jobs - PLACES
        calls = figures.submitted + figures.rendered
        print(f"\n{jobs} jobs at once, {PLACES} places")
        print(f"  calls to storage for one job   {figures.calls:8.2f}")
        for method, number in sorted(calls.items()):
            print(f"    {method:<28} {number / jobs:8.2f}")
        print(f"  calls in an idle hour          {figures.idle.total():8d}    {dict(figures.idle)}")
        print(f"    for one that waits           {figures.idle.total() / waiting:8.2f}")
        print(f"  episodes for one job           {figures.episodes / jobs:8.2f}")
        print(f"    of all that wait, in an hour {figures.idle_episodes:8d}")
        print(f"  memory for one that waits      {figures.app_bytes / waiting:8.0f} bytes in the app and its libraries")
        print(
            f"                                 {figures.stand_in_bytes / waiting:8.0f} bytes in what stands for storage"
        )
        print(f"  seconds                        {figures.submit_seconds:8.1f} to submit (traced, so twice as long)")
        print(f"                                 {figures.render_seconds:8.1f} to render")
    first, last = all_figures[0], all_figures[-1]
    calls_ratio = last.calls / first.calls
    episodes_ratio = (last.episodes / last.jobs) / (first.episodes / first.jobs)
    print(f"\nfrom {first.jobs} to {last.jobs} jobs: calls for one job x {calls_ratio:.3f}, ", end="")
    print(f"episodes for one job x {episodes_ratio:.3f}")
    constant = max(calls_ratio, episodes_ratio) <= GROWTH_LIMIT
    idle = all(figures.idle_episodes == 0 for figures in all_figures)
    if not constant:
        print(f"GROWN: by more than a factor of {GROWTH_LIMIT}")
    if not idle:
        print("NOT IDLE: stories of jobs that wait were told")
    return constant and idle


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.waiting", description="The cost of waiting jobs.")
    parser.add_argument("--jobs", type=int, nargs="+", default=[100, 300, 1000], help="lengths of the line")
    options = parser.parse_args()
    if min(options.jobs) <= PLACES:
        parser.error(f"a line is longer than {PLACES} jobs")
    logging.getLogger(LOGGER_NAME).setLevel(logging.ERROR)
    asyncio.run(measure(PLACES + 1))  # loads everything
    return 0 if report([asyncio.run(measure(jobs)) for jobs in sorted(options.jobs)]) else 1


if __name__ == "__main__":
    sys.exit(main())
