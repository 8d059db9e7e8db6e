"""`test` and `quick`: everything that must hold before a commit, step by step."""

import argparse
import contextlib
import subprocess
import sys
import tempfile
from time import monotonic
from typing import IO

from devtools.environment import ROOT

LINT = ("lint", ["ruff", "check", "."])
FORMAT = ("format", ["ruff", "format", "--check", "."])
TYPES = ("types", ["mypy"])
# Side by side, because the first mostly computes and the others mostly wait for a stack. Tests of the local host alone
# are with the first, though they start processes: so the three take about as long.
PURE_TESTS = ("tests without the stack", ["pytest", "-q", "-m", "not stack"])
SCENARIOS = ("scenarios on the stack", ["pytest", "-q", "-m", "stack and not soak", "tests/scenarios", "tests/browser"])
STACK_TESTS = (
    "other tests on the stack",
    ["pytest", "-m", "stack and not soak", "--ignore=tests/scenarios", "--ignore=tests/browser"],
)
# Pure tests: those of the adapter and of the simulator talk to servers of their own, or encode video.
QUICK_TESTS = (
    "quick tests",
    [
        *("pytest", "-q", "-m", "not stack", "tests/unit", "tests/replay"),
        *("--ignore=tests/unit/providers", "--ignore=tests/unit/sora_sim"),
    ],
)

Step = tuple[str, list[str]]

STEPS: dict[str, list[list[Step]]] = {
    "test": [[LINT], [FORMAT], [TYPES], [STACK_TESTS, SCENARIOS, PURE_TESTS]],
    "quick": [[QUICK_TESTS]],
}


def run(arguments: argparse.Namespace) -> int:
    """Run the command's steps up to the first that fails; returns that one's exit status."""
    for steps in STEPS[arguments.command]:
        statuses = _side_by_side(steps)
        if any(statuses):
            return next(filter(None, statuses))
    return 0


def _side_by_side(steps: list[Step]) -> list[int]:
    """Run steps at the same time; what all but the first print is shown when they have ended."""
    started = monotonic()
    with contextlib.ExitStack() as stack:
        running = []
        for number, (name, command) in enumerate(steps):
            print(f"== {name}: {' '.join(command)}", flush=True)
            output = stack.enter_context(tempfile.TemporaryFile()) if number else None
            process = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT if number else None
            )
            running.append((name, stack.enter_context(process), output))
        return [_ended(name, process, output, started) for name, process, output in running]


def _ended(name: str, process: "subprocess.Popen[bytes]", output: IO[bytes] | None, started: float) -> int:
    status = process.wait()
    if output is not None:
        output.seek(0)
        sys.stdout.write(output.read().decode(errors="replace"))
    outcome = f"failed (exit status {status})" if status else "passed"
    print(f"== {name} {outcome} after {monotonic() - started:.0f} s\n", flush=True)
    return status
