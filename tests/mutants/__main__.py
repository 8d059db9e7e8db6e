"""Applies each mutant to a copy of the project and shows that a test fails: `python -m tests.mutants [PART OF A NAME]`.

Exit status 1 where one survives, or where the tests fail without any.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant

ROOT: Final = Path(__file__).parents[2]
AT_ONCE: Final = 2
SECONDS: Final = 120
"""One run of the tests; a mutant that makes them hang is found, too."""

_TESTS_FAILED: Final = 1


def main(arguments: Sequence[str]) -> int:
    """Run all mutants, or those whose name contains the argument; return the exit status."""
    wanted = [mutant for mutant in MUTANTS if not arguments or arguments[0] in mutant.name]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        copies = [_copy(Path(folder, f"copy-{number}")) for number in range(AT_ONCE)]
        suites = sorted({mutant.tests for mutant in wanted})
        broken = [tests for tests in suites if _run(copies[0], tests)[0] != 0]
        if broken:
            print("These fail without any mutant:", *broken, sep="\n  ")
            return 1
        free = list(copies)

        def kill(mutant: Mutant) -> str | None:
            copy = free.pop()
            try:
                return _killer(mutant, copy)
            finally:
                free.append(copy)

        survivors = 0
        for mutant, killer in zip(wanted, pool.map(kill, wanted), strict=True):
            survivors += killer is None
            print(f"{'killed  ' if killer else 'SURVIVED'}  {mutant.name}  ({killer or mutant.file})", flush=True)
    print(f"{len(wanted) - survivors} passed, {survivors} failed")
    return 1 if survivors else 0


def _copy(folder: Path) -> Path:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    return folder


def _killer(mutant: Mutant, copy: Path) -> str | None:
    """Return the test that fails with the mutant, None where none does."""
    path = copy / mutant.file
    source = path.read_text(encoding="utf-8")
    if source.count(mutant.before) != 1:
        raise SystemExit(f"{mutant.name!r}: the passage is not in {mutant.file} once")
    path.write_text(source.replace(mutant.before, mutant.after), encoding="utf-8")
    try:
        status, output = _run(copy, mutant.tests)
    finally:
        path.write_text(source, encoding="utf-8")
    if status == 0:
        return None
    failed = re.search(r"^(?:FAILED|ERROR) \S*?(\w+\.py(?:::\S+)?)", output, re.MULTILINE)
    if status != _TESTS_FAILED and failed is None:
        return "the tests do not end" if status < 0 else f"pytest ended with {status}"
    return failed[1] if failed else "a test"


def _run(copy: Path, tests: str) -> tuple[int, str]:
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests.split()]
    try:
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return -1, ""
    return done.returncode, done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
