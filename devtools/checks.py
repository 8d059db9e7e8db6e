"""`test` and `quick`: everything that must hold before a commit, step by step."""

import argparse
import subprocess
import sys
from time import monotonic

from devtools.environment import ROOT

LINT = ("lint", ["ruff", "check", "."])
FORMAT = ("format", ["ruff", "format", "--check", "."])
TYPES = ("types", ["mypy"])
TESTS = ("tests", ["pytest"])
# Pure tests: those of the adapter and of the simulator talk to servers of their own, or encode video.
QUICK_TESTS = (
    "quick tests",
    [
        *("pytest", "-q", "-m", "not stack", "tests/unit", "tests/replay"),
        *("--ignore=tests/unit/providers", "--ignore=tests/unit/sora_sim"),
    ],
)

STEPS = {"test": [LINT, FORMAT, TYPES, TESTS], "quick": [QUICK_TESTS]}


def run(arguments: argparse.Namespace) -> int:
    """Run the command's steps up to the first that fails; returns that one's exit status."""
    for name, command in STEPS[arguments.command]:
        print(f"== {name}: {' '.join(command)}", flush=True)
        started = monotonic()
        status = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode
        seconds = monotonic() - started
        if status:
            print(f"== {name} failed after {seconds:.0f} s (exit status {status})", flush=True)
            return status
        print(f"== {name} passed in {seconds:.0f} s\n", flush=True)
    return 0
