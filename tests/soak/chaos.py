"""Chaos: 200 jobs, while three of ten calls to the video service go wrong, and host and service are killed at random.

The jobs arrive in the first half of the time. Then trouble ends, and everything must come to rest: most of it at once,
what a kill has left to the sweep within a minute or two, and a job whose acceptance was cut off when the sweep first
looks for it, a minute after.
"""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Final

from devtools.stack import Stack
from tests.soak import plan
from tests.soak.aftermath import collect, wait_until_all_has_ended, wait_until_nothing_is_left
from tests.soak.callers import live
from tests.soak.evidence import Evidence
from tests.soak.readers import READERS, read_on
from tests.soak.report import Report, counts, spread, tell
from tests.soak.run import PLACES, RENDER_SECONDS, SETTINGS, Run
from tests.soak.trouble_maker import TroubleMaker
from tests.soak.verdict import no_status_went_back, verdict
from tests.support.stack import running_stack

ORDERS: Final = 200
LONGEST_REST_SECONDS: Final = 240.0
"""After the trouble: the sweep looks at a job that was never started a minute after it was accepted, or got a
place, and comes once a minute."""

COLLECTING_SECONDS: Final = 120.0
NEWS_SECONDS: Final = 20.0

OPERATIONS: Final = ("create", "retrieve", "content", "list", "delete")


def chaos(folder: Path, seed: int, seconds: float) -> Report:
    """Run it, on a stack of its own; what is wrong is in the report."""
    with running_stack(folder, render_seconds=RENDER_SECONDS, env=SETTINGS) as stack:
        return asyncio.run(_chaos(stack, seed, seconds))


async def _chaos(stack: Stack, seed: int, seconds: float) -> Report:
    orders = plan.orders(seed, ORDERS, seconds / 2)
    async with asyncio.timeout(seconds + LONGEST_REST_SECONDS + COLLECTING_SECONDS), Run(stack) as run:
        async with asyncio.TaskGroup() as group:
            background = [
                *(group.create_task(read_on(run, plan.dice(seed, f"reader {n}"))) for n in range(READERS)),
                group.create_task(_tell_news(run)),
            ]
            trouble = TroubleMaker(run, plan.dice(seed, "errors"))
            work = group.create_task(trouble.work(plan.kills(seed, seconds), seconds))
            callers = [group.create_task(live(run, order)) for order in orders]
            await work
            healthy = run.now
            last_moment = healthy + LONGEST_REST_SECONDS
            await asyncio.wait(callers, timeout=max(0.0, last_moment - run.now))
            await wait_until_all_has_ended(run, last_moment)
            for task in (*background, *callers):
                task.cancel()
        ended = run.now
        await wait_until_nothing_is_left(run, last_moment)
        at_rest = run.now
        await collect(run)
        report = _report(run.evidence, orders)
        rest = f"jobs {ended - healthy:.0f} s after the trouble, everything {at_rest - healthy:.0f} s after it"
        report.row("came to an end", rest)
        report.row("took", f"{run.now:.0f} s")
    report.problems = verdict(run.evidence, places=PLACES)
    if report.problems:
        report.logs = stack.supervisor.tails()
    return report


async def _tell_news(run: Run) -> None:
    while True:
        await asyncio.sleep(NEWS_SECONDS)
        jobs, kills = len(run.evidence.sightings), sum(run.evidence.kills.values())
        tell(f"   {run.now:4.0f} s: {jobs} jobs, {len(run.ended)} ended, {kills} kills")


def _report(evidence: Evidence, orders: list[plan.Order]) -> Report:
    report = Report()
    keyed, repeats = sum(order.key is not None for order in orders), sum(len(order.repeats) for order in orders)
    asked = Counter[str](request.outcome for request in evidence.requests)
    report.row("orders", f"{len(orders)}, {keyed} of them with a key and repeated {repeats} times")
    report.row("requests", counts(asked, ("accepted", "refused", "unanswered")))
    ends = Counter(f"{told['status']} {told['code'] or ''}".strip() for told in evidence.details.values())
    report.row("jobs", f"{len(evidence.jobs)}: {counts(ends, ('completed', 'failed cancelled'))}")
    report.row("renders", _renders(evidence))
    report.row(
        "files", f"{sum(not problem for problem in evidence.files.values())} opened, of the right size and length"
    )
    reads, went_back = sum(map(len, evidence.sightings.values())), len(list(no_status_went_back(evidence)))
    report.row("reads", f"{reads} told a status, {went_back} jobs went back")
    report.row("answers", ", ".join(f"{name}: {number}" for name, number in sorted(evidence.answers.items())))
    report.row("kills", counts(evidence.kills, ("app", "simulator")))
    wrong, calls = sum(evidence.errors.values()), sum(evidence.calls.values())
    shares = ", ".join(f"{name} {evidence.errors[name]} of {evidence.calls[name]}" for name in OPERATIONS)
    report.row("service errors", f"{wrong} of {calls} calls ({100 * wrong / max(1, calls):.0f} %): {shares}")
    report.row("job times", spread(_durations(evidence)))
    report.row("left behind", counts({what: len(names) for what, names in evidence.remains.by_kind().items()}))
    return report


def _renders(evidence: Evidence) -> str:
    gone = Counter(str(render["gone"]) for render in evidence.renders if render["gone"])
    most = evidence.stats["most_unfinished"]
    return f"{len(evidence.renders)}, {gone['deleted']} of them stopped or removed; at most {most} at a time"


def _durations(evidence: Evidence) -> list[float]:
    """Return how long readers knew each job before they saw its end, in seconds."""
    durations = []
    for sightings in evidence.sightings.values():
        ended = [sighting.ended for sighting in sightings if sighting.word in ("completed", "failed")]
        if ended:
            durations.append(min(ended) - min(sighting.began for sighting in sightings))
    return durations
