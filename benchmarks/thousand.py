"""A thousand jobs at once against a video service that renders two at a time, over real HTTP.

    python -m benchmarks.thousand [--jobs 1000] [--render-seconds 0.05]

Starts the local stack with two places, and a simulator that refuses a third unfinished job. Submits all jobs, each with
a key and as often as it takes, waits until they have ended, and prints how long that took, how long callers waited, and
what was asked of storage and of the video service. Exits with 1 unless every job is completed, each was rendered once,
no more than two at a time, and they were begun in order of arrival to within the number of places.
"""

import argparse
import asyncio
import re
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

import aiohttp

from benchmarks.load import Figures, resident_mb
from devtools.stack import Stack
from devtools.stack_process import Part
from devtools.stack_settings import ACCOUNT

PLACES: Final = 2
CALLERS: Final = 20
"""They submit at the same time; more of them would measure how a machine of two cores shares them out."""

IN_ORDER: Final = 10
"""The first jobs are submitted one by one: while nobody waits, who of several at once is first is nobody's promise."""

LONGEST_SECONDS_A_JOB: Final = 5.0
SETTINGS: Final = {
    "MAX_CONCURRENT_RENDERS": str(PLACES),
    "POLL_FIRST_SECONDS": "0.2",
    "POLL_LONGEST_SECONDS": "1",
}

_REQUEST: Final = re.compile(rf'"(\w+) /{ACCOUNT}/[^/?" ]+/?([^/?." ]*)')
_NOT_ACCEPTED: Final = re.compile(r"job not accepted: (\w+)")


class GuardedStack(Stack):
    """A stack whose simulator refuses what it has no place for, and whose storage notes its requests in its log."""

    def _parts(self) -> list[list[Part]]:
        return [[_guarded(part) for part in wave] for wave in super()._parts()]


def _guarded(part: Part) -> Part:
    if part.name == "simulator":
        return replace(part, command=[*part.command, "--max-jobs", str(PLACES)])
    if part.name == "blob":
        return replace(part, command=[word for word in part.command if word != "--silent"])
    return part


@dataclass
class Run:
    """What was seen."""

    figures: Figures = field(default_factory=Figures)
    arrived: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    submit_seconds: float = 0.0
    seconds: float = 0.0
    begun: list[str] = field(default_factory=list)
    stats: dict[str, int] = field(default_factory=dict)
    upstream: Counter[str] = field(default_factory=Counter)
    storage: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    asked_again: Counter[str] = field(default_factory=Counter)
    memory: list[float] = field(default_factory=list)


async def measure(jobs: int, render_seconds: float) -> Run:
    """Submit, wait, and gather what there is to know."""
    run = Run()
    with TemporaryDirectory() as folder:
        with GuardedStack(Path(folder), render_seconds=render_seconds, overrides=SETTINGS) as stack:
            timeout = aiohttp.ClientTimeout(total=30)
            async with aiohttp.ClientSession(timeout=timeout) as session:
                await _run(stack, session, jobs, run)
        logs = {part: (Path(folder) / "logs" / f"{part}.log").read_text(errors="replace") for part in ("blob", "app")}
        run.storage = Counter(f"{method} {what or '(list)'}" for method, what in _REQUEST.findall(logs["blob"]))
        run.asked_again = Counter(_NOT_ACCEPTED.findall(logs["app"]))
    return run


async def _run(stack: Stack, session: aiohttp.ClientSession, jobs: int, run: Run) -> None:
    async def submit(number: int) -> None:
        prompt = f"job {number}"
        body = {"prompt": prompt, "duration": 1, "width": 256, "height": 256}
        key = {"Idempotency-Key": f"job-{number}"}
        status = 500
        while status == 500:
            began = perf_counter()
            async with session.post(f"{stack.app}/api/generate", json=body, headers=key) as response:
                status = response.status
                answer = await response.json()
            run.figures.add("generate", perf_counter() - began)
        ids[answer["job_id"]] = prompt

    async def look(job_id: str) -> None:
        began = perf_counter()
        async with session.get(f"{stack.app}/api/status/{job_id}", raise_for_status=True) as response:
            words[job_id] = (await response.json())["status"]
        run.figures.add("status", perf_counter() - began)

    ids: dict[str, str] = {}
    words: dict[str, str] = {}
    run.memory.append(resident_mb(stack.pids["app"]))
    began = perf_counter()
    for number in range(min(IN_ORDER, jobs)):
        await submit(number)
    await _crowd(submit, range(IN_ORDER, jobs))
    run.submit_seconds = perf_counter() - began
    run.memory.append(resident_mb(stack.pids["app"]))
    async with asyncio.timeout(60 + jobs * LONGEST_SECONDS_A_JOB):
        while (run.stats.get("jobs"), run.stats.get("unfinished")) != (jobs, 0):
            await asyncio.sleep(1)
            run.stats = await _json(session, f"{stack.simulator}/_sim/stats")
        while open_ids := [job_id for job_id in ids if words.get(job_id) not in ("completed", "failed")]:
            await _crowd(look, open_ids)
    run.seconds = perf_counter() - began
    run.memory.append(resident_mb(stack.pids["app"]))
    run.arrived = [ids[job_id] for job_id in sorted(ids)]
    run.statuses = Counter(words.values())
    run.begun = [job["prompt"] for job in await _json(session, f"{stack.simulator}/_sim/jobs")]
    for call in await _json(session, f"{stack.simulator}/_sim/calls"):
        run.upstream[f"{call['method']} {_kind(call['path'])}"] += 1
        run.refused += call["status"] == 429


async def _crowd(do: Callable[[Any], Awaitable[None]], those: Sequence[Any]) -> None:
    """Do it for each of those, some at a time."""
    left = iter(those)

    async def one_after_the_other() -> None:
        for each in left:
            await do(each)

    await asyncio.gather(*(one_after_the_other() for _ in range(CALLERS)))


async def _json(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url, raise_for_status=True) as response:
        return await response.json()


def _kind(path: str) -> str:
    return re.sub(r"video_\w+", "{id}", path)


def report(run: Run, jobs: int) -> bool:
    """Print what was seen, and say whether it was as it should be."""
    print(f"{jobs} jobs, {PLACES} places: all ended after {run.seconds:.0f} s, ", end="")
    print(f"{run.seconds / jobs:.2f} s for each; submitted within {run.submit_seconds:.0f} s")
    for kind in ("generate", "status"):
        row = "".join(f"{run.figures.percentile(kind, part):8.3f}" for part in (0.5, 0.95, 0.99))
        print(f"  seconds for {kind:<9} p50, p95, p99 {row}")
    before, waiting, after = run.memory
    print(f"  app's memory, MB: {before:.0f} at first, {waiting:.0f} with all jobs in line, {after:.0f} at the end")
    for where, counts in (("video service", run.upstream), ("storage", run.storage)):
        print(f"  requests to {where} for one job: {counts.total() / jobs:.2f}")
        for what, number in counts.most_common(20):
            print(f"    {number / jobs:8.2f}  {what}")
    return _is_right(run, jobs)


def _is_right(run: Run, jobs: int) -> bool:
    place_of = {prompt: place for place, prompt in enumerate(run.arrived)}
    furthest = max((abs(place_of.get(prompt, jobs) - place) for place, prompt in enumerate(run.begun)), default=jobs)
    wrong = {
        f"they ended as {dict(run.statuses)}": run.statuses != {"completed": jobs},
        f"{len(run.begun)} renders of {len(set(run.begun))} jobs": not len(run.begun) == len(set(run.begun)) == jobs,
        f"{run.stats.get('most_unfinished')} unfinished at once": run.stats.get("most_unfinished", jobs) > PLACES,
        f"one was begun {furthest} away from its turn": furthest >= PLACES,
    }
    for sentence, is_wrong in wrong.items():
        print(f"  {'WRONG: ' if is_wrong else ''}{sentence}")
    print(f"  the video service refused {run.refused} calls with 429")
    print(f"  callers were told to ask again {run.asked_again.total()} times: {dict(run.asked_again)}")
    return not any(wrong.values())


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.thousand", description="A thousand jobs at once.")
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--render-seconds", type=float, default=0.05, help="the simulator's time for one video")
    options = parser.parse_args()
    if options.jobs < 1 or options.render_seconds < 0:
        parser.error("there must be at least one job, and its render cannot take less than no time")
    return 0 if report(asyncio.run(measure(options.jobs, options.render_seconds)), options.jobs) else 1


if __name__ == "__main__":
    sys.exit(main())
