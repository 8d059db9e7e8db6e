"""Twenty kills: host and service get `kill -9` in turn, ten times each, while 20 jobs run; 20 files, 20 renders.

The service makes no errors of its own here. A job is submitted before each kill, so that all stages of a job are hit.
"""

import time
from collections import Counter
from pathlib import Path
from typing import Final

import httpx

from devtools.stack import Stack
from tests.soak.aftermath import wrong_with
from tests.soak.plan import Victim, dice
from tests.soak.report import Report, counts
from tests.soak.run import RENDER_SECONDS, SECONDS, SETTINGS, SIDE
from tests.soak.service import ServiceControl
from tests.support.caller import Caller
from tests.support.stack import running_stack

KILLS: Final = 20
IN_TURN: Final[tuple[Victim, Victim]] = ("app", "simulator")
LONGEST_PAUSE_SECONDS: Final = 1.2
"""Between a restart and the next kill: about what a job takes from its place to its file."""

LONGEST_WAIT_SECONDS: Final = 240.0
PATIENCE_SECONDS: Final = 20.0
ORDER: Final = {"queued": 0, "processing": 1, "completed": 2, "failed": 2}


def killings(folder: Path, seed: int) -> Report:
    """Run it, on a stack of its own; what is wrong is in the report."""
    with running_stack(folder, render_seconds=RENDER_SECONDS, env=SETTINGS) as stack:
        return _killings(stack, seed)


def _killings(stack: Stack, seed: int) -> Report:
    began, chance, kills = time.monotonic(), dice(seed, "killings"), Counter[str]()
    caller = _patient(stack)
    jobs: dict[str, str] = {}
    for number in range(KILLS):
        prompt = f"Job {number} of {seed}"
        jobs[caller.submit(prompt, duration=SECONDS, width=SIDE, height=SIDE)] = prompt
        time.sleep(chance.uniform(0, LONGEST_PAUSE_SECONDS))
        victim = IN_TURN[number % 2]
        caller.http.close()  # what a kill leaves of its connections is not the subject
        stack.kill(victim)
        kills[victim] += 1
        stack.restart(victim)
        caller = _patient(stack, caller.seen)
        for job_id in jobs:
            caller.status(job_id)
    after_kills = time.monotonic() - began
    ends = _ends(caller, list(jobs))
    files = {job_id: _wrong_with_file(caller, job_id) for job_id, end in ends.items() if end == "completed"}
    caller.http.close()
    renders = Counter(str(render["prompt"]) for render in ServiceControl(stack.simulator).renders())

    report = Report()
    report.row("kills", counts(kills, IN_TURN))
    report.row("jobs", f"{len(jobs)}: {counts(Counter(ends.values()), ('completed',))}")
    report.row("renders", f"{renders.total()} for {len(renders)} jobs")
    report.row("files", f"{sum(not problem for problem in files.values())} opened, of the right size and length")
    report.row("took", f"{after_kills:.0f} s with kills, {time.monotonic() - began:.0f} s until all had ended")
    for job_id, prompt in jobs.items():
        words = caller.seen[job_id]
        if ends[job_id] != "completed":
            report.problems.append(f"{prompt} ended as {ends[job_id]}")
        if renders[prompt] != 1:
            report.problems.append(f"{prompt} was rendered {renders[prompt]} times")
        if words != sorted(words, key=ORDER.__getitem__):
            report.problems.append(f"{prompt} went back: {words}")
        if files.get(job_id):
            report.problems.append(f"the file of {prompt}: {files[job_id]}")
    if report.problems:
        report.logs = stack.supervisor.tails()
    return report


def _patient(stack: Stack, seen: dict[str, list[str]] | None = None) -> Caller:
    """Return a caller who goes on where another has left off, and who does not mind a busy machine."""
    caller = Caller(stack.app)
    caller.http.timeout = httpx.Timeout(PATIENCE_SECONDS)
    caller.seen = seen or {}
    return caller


def _ends(caller: Caller, jobs: list[str]) -> dict[str, str]:
    """Return the status that each job has in the end, or had when the time was over."""
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while True:
        words = {job_id: str(caller.status(job_id)["status"]) for job_id in jobs}
        if all(word in ("completed", "failed") for word in words.values()) or time.monotonic() > deadline:
            return words
        time.sleep(0.5)


def _wrong_with_file(caller: Caller, job_id: str) -> str:
    answer = caller.download(job_id)
    return f"HTTP {answer.status_code}" if answer.status_code != 200 else wrong_with(answer.content)
