"""`python3 -m devtools soak`: longer trials than a test run has time for, each with a short table at its end.

The choices come from a seed, which is printed; given again, the same things are tried. What becomes of them also
depends on who is faster, so a failure may need a few runs to come back.
"""

import argparse
import secrets
import shutil
import signal
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Final

from devtools.environment import ROOT
from tests.soak.by_queue import jobs_by_queue
from tests.soak.chaos import chaos
from tests.soak.killings import killings
from tests.soak.programs import faults_on_the_wire, mutants, stories
from tests.soak.report import Report, tell
from tests.soak_host.chaos import chaos as chaos_of_the_host

STATE: Final = ROOT / ".local" / "soak"
SEEDS: Final = 1_000_000


def run(arguments: argparse.Namespace) -> int:
    """Run every trial, also after one that failed; returns the exit status of the first of those."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends this ends its stacks and programs, too
    seed = secrets.randbelow(SEEDS) if arguments.seed is None else arguments.seed
    again = f"python3 -m devtools soak --seconds {arguments.seconds} --seed {seed}"
    tell(f"== soak with seed {seed}\n")
    STATE.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{seed}-", dir=STATE))
    statuses = [_status(name, trial) for name, trial in _trials(folder, seed, arguments.seconds)]
    failed = [status for status in statuses if status]
    if failed:
        tell(f"== soak FAILED; once more: {again}\n   State and logs of its stacks: {folder}")
        return failed[0]
    shutil.rmtree(folder, ignore_errors=True)
    tell("== soak passed")
    return 0


def _trials(folder: Path, seed: int, seconds: int) -> Iterator[tuple[str, Callable[[], Report]]]:
    yield "chaos", lambda: chaos(folder / "chaos", seed, seconds)
    yield "kills of the local host", lambda: chaos_of_the_host(folder / "host", seed, seconds)
    yield "kill -9 in turn", lambda: killings(folder / "killings", seed)
    yield "jobs by queue", lambda: jobs_by_queue(folder / "queue", seed)
    yield "random life cycles", lambda: stories(seed, seconds / 2)
    yield "faults on the wire", faults_on_the_wire
    yield "mutants", mutants


def _status(name: str, trial: Callable[[], Report]) -> int:
    """Run one trial, show what it found, and return its exit status."""
    tell(f"== {name}")
    began = monotonic()
    try:
        report = trial()
    except Exception:  # noqa: BLE001 - whatever it is, the other trials are worth running
        report = Report(problems=["the trial itself broke"], logs=traceback.format_exc())
    for line in report.lines():
        tell(line)
    seconds = monotonic() - began
    tell(f"== {name} {'FAILED' if report.problems else 'passed'} in {seconds:.0f} s\n")
    return report.exit_status if report.problems else 0
