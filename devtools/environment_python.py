"""Finds the Python that the project's environment is made from. Standard library only.

CPython 3.13 is what the app runs on in Azure, so it is preferred wherever one is installed; otherwise the newest from
3.11 on. A candidate counts only after it has run: version managers put commands on PATH that exist and fail.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PREFERRED_MINOR = 13
OLDEST_MINOR = 11
NEWEST_MINOR = 19  # how far PATH is searched for newer ones

PROBE_SECONDS = 20
# The journal needs sqlite3 and pip needs ssl; Pythons built from source can lack both.
# Not all locked packages have wheels for free-threaded builds.
PROBE = """\
import json, sqlite3, ssl, sys, sysconfig
print(json.dumps({
    "usable": sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED"),
    "version": sys.version_info[:3],
    "path": sys.executable,
}))
"""


class SetupError(Exception):
    """The set-up cannot go on; the text is one sentence for the person at the terminal."""


@dataclass(frozen=True)
class Interpreter:
    """A Python that was seen running."""

    path: Path
    version: tuple[int, int, int]

    @property
    def minor_name(self) -> str:
        """The version as far as installed packages depend on it, such as `3.13`."""
        return f"{self.version[0]}.{self.version[1]}"


def probe(python: str | Path) -> Interpreter | None:
    """Run `python`; None when it does not start, is too old, or lacks what the project needs."""
    try:
        answer = subprocess.run([python, "-I", "-c", PROBE], capture_output=True, check=True, timeout=PROBE_SECONDS)
        found = json.loads(answer.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    major, minor, micro = found["version"]
    if not found["usable"] or (major, minor) < (3, OLDEST_MINOR):
        return None
    return Interpreter(Path(found["path"]), (major, minor, micro))


def find_interpreter(environ: Mapping[str, str]) -> Interpreter:
    """The Python named by `PYTHON`, or else the best one installed."""
    if asked := environ.get("PYTHON"):
        path = shutil.which(Path(asked).expanduser(), path=environ.get("PATH"))
        if path and (interpreter := probe(path)):
            return interpreter
        raise SetupError(f"PYTHON is {asked!r}, which does not run a CPython 3.11 or newer that has ssl and sqlite3.")
    for candidate in candidates(environ):
        if interpreter := probe(candidate):
            return interpreter
    raise SetupError("No usable Python was found: install CPython 3.13 (3.11 or newer will do) with ssl and sqlite3.")


def candidates(environ: Mapping[str, str]) -> Iterator[str]:
    """Every Python worth trying, best first; not all of them have to work."""
    by_minor: dict[int, list[str]] = {minor: [] for minor in range(OLDEST_MINOR, NEWEST_MINOR + 1)}
    for minor, paths in by_minor.items():
        if path := shutil.which(f"python3.{minor}", path=environ.get("PATH")):
            paths.append(path)
    for folder in _pyenv_versions(environ):
        if (match := re.fullmatch(r"3\.(\d+)\..*", folder.name)) and int(match[1]) in by_minor:
            by_minor[int(match[1])].append(str(folder / "bin" / "python3"))
    # The one running this, or what it was made from: an environment cannot be rebuilt by its own Python.
    own = getattr(sys, "_base_executable", sys.executable)
    by_minor.setdefault(sys.version_info.minor, []).append(own)

    for minor in sorted(by_minor, key=lambda minor: (minor != PREFERRED_MINOR, -minor)):
        yield from by_minor[minor]


def _pyenv_versions(environ: Mapping[str, str]) -> list[Path]:
    root = environ.get("PYENV_ROOT") or os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".pyenv")  # noqa: PTH111, PTH118 - Path.home() raises where there is no home
    try:
        return sorted(Path(root, "versions").iterdir(), reverse=True)
    except OSError:
        return []
