"""Trials that are programs of their own: random life cycles, faults on the wire, mutants. None can go on for ever."""

import os
import signal
import subprocess
import sys
from time import monotonic
from typing import Final

from devtools.environment import ROOT
from tests.soak.report import Report

STORIES_AT_A_TIME: Final = 20
LONGEST_BATCH_SECONDS: Final = 900.0
"""One batch takes well under a minute; one that finds something looks five minutes for a shorter story of it."""

LONGEST_WIRE_SECONDS: Final = 900.0
LONGEST_MUTANTS_SECONDS: Final = 1800.0
LIFE_CYCLE: Final = "tests/whole/test_life_cycle.py"
ENDS_WITH_LINES: Final = 60
TIME_OUT: Final = -1


def stories(seed: int, seconds: float) -> Report:
    """Tell random stories of the life cycle, batch by batch, until the time is over or one of them ends badly."""
    report, began, batches = Report(), monotonic(), 0
    while not report.problems and (batches == 0 or monotonic() - began < seconds):
        chosen = f"--hypothesis-seed={seed + batches}"
        batches += 1
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", chosen, LIFE_CYCLE]
        status, output = _run(command, LONGEST_BATCH_SECONDS, LIFE_CYCLE_EXAMPLES=str(STORIES_AT_A_TIME))
        if status != 0:
            report.logs = "\n".join(output.splitlines()[-ENDS_WITH_LINES:])
            again = f"LIFE_CYCLE_EXAMPLES={STORIES_AT_A_TIME} python -m pytest {chosen} {LIFE_CYCLE}"
            report.problems.append(f"pytest {_how(status, LONGEST_BATCH_SECONDS)}; again with: {again}")
    report.row("stories", f"{batches * STORIES_AT_A_TIME} of up to 40 steps")
    report.row("took", f"{monotonic() - began:.0f} s")
    return report


def faults_on_the_wire() -> Report:
    """Break single requests to the storage emulator and to the simulator, under each activity."""
    report, began = Report(), monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "soak"]
    status, output = _run(command, LONGEST_WIRE_SECONDS)
    if status != 0:
        report.logs = "\n".join(output.splitlines()[-ENDS_WITH_LINES:])
        report.problems.append(f"pytest {_how(status, LONGEST_WIRE_SECONDS)}; again with: python -m pytest -m soak")
    report.row("cells", (output.strip().splitlines()[-1:] or ["nothing"])[0])
    report.row("took", f"{monotonic() - began:.0f} s")
    return report


def mutants() -> Report:
    """Sabotage the guards one by one, and see that a test notices; the program's exit status is passed on."""
    report, began = Report(), monotonic()
    status, output = _run([sys.executable, "-m", "tests.mutants"], LONGEST_MUTANTS_SECONDS)
    if status != 0:
        report.logs = output
        report.exit_status = max(1, status)
        report.problems.append(f"tests.mutants {_how(status, LONGEST_MUTANTS_SECONDS)}")
    last = output.strip().splitlines()[-1:] or ["nothing"]
    report.row("mutants", last[0])
    report.row("took", f"{monotonic() - began:.0f} s")
    return report


def _run(command: list[str], seconds: float, **environ: str) -> tuple[int, str]:
    """Run a program, with all that it starts; return its exit status, or `TIME_OUT`, and what it wrote."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return TIME_OUT, output
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return process.returncode, output


def _how(status: int, seconds: float) -> str:
    return f"did not end within {seconds:.0f} s" if status == TIME_OUT else f"ended with exit status {status}"
