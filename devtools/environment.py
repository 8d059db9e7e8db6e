"""Makes the project's own environment and goes on inside it. Standard library only.

Python packages go to `.venv/<version>`, one folder per Python; the storage emulator goes to `node_modules`. Both get a
stamp as the last step of their making: a folder with the right stamp is used at once, any other (interrupted, copied
from elsewhere, made from older lock files) is made anew. Nothing here knows a registry: pip and npm follow their user's
configuration.
"""

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from devtools.environment_node import (
    find_node,
    packaged_node,
    packaged_npm,
    system_node,
    system_npm,
    writable_npm_cache,
)
from devtools.environment_python import PREFERRED_MINOR, Interpreter, SetupError, find_interpreter, probe
from devtools.environment_steps import Installer, only_one

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ".venv"
STAMP = "made-from"
ENTERED = "DEVTOOLS_ENTERED"  # set for the process that goes on inside the environment

# A caller's active environment, or a setting meant for other installs, must not leak into ours.
DISTURBING = (
    "PYTHON", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__", "PIP_USER", "PIP_TARGET", "PIP_PREFIX",
)  # fmt: skip


def enter(arguments: Sequence[str], *, node: bool) -> None:
    """Return where this process runs inside the environment; else make it and start over inside, never to return."""
    os.chdir(ROOT)
    if os.environ.pop(ENTERED, None) is None:
        _start_over(Setup(ROOT).prepare(node=node), arguments)


def _start_over(python: Path, arguments: Sequence[str]) -> NoReturn:
    sys.stdout.flush()
    command = [str(python), "-m", "devtools", *arguments]
    os.execve(python, command, undisturbed(os.environ) | {ENTERED: "1"})  # noqa: S606 - no shell is the point


def undisturbed(environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment variables without those that would pull another Python's packages into ours."""
    return {name: value for name, value in environ.items() if name not in DISTURBING}


class Setup:
    """The environment of the repository at `root`, as wanted by the given environment variables."""

    def __init__(self, root: Path, environ: Mapping[str, str] = os.environ) -> None:
        self.root = root
        self.folder = root / FOLDER
        self.asked = environ
        self.environ = undisturbed(environ)

    def prepare(self, *, node: bool) -> Path:
        """Make whatever is missing and return the environment's Python; SetupError says what is in the way."""
        try:
            if (python := self._ready(node=node)) is not None:
                return python
            with only_one(self.folder / "lock") as lock:
                if (python := self._ready(node=node)) is not None:  # the set-up that was waited for has done it
                    return python
                return self._make(Installer(self.root, self.environ, self.folder / "setup.log", lock), node=node)
        except OSError as error:
            raise SetupError(f"The set-up cannot use {error.filename or self.folder}: {error.strerror}.") from error

    def _ready(self, *, node: bool) -> Path | None:
        """The Python of an environment that needs nothing more."""
        if "PYTHON" in self.asked:
            wanted = find_interpreter(self.asked)
            folder = self.folder / wanted.minor_name
            usable = self._is_made(folder, wanted.version)
        else:
            folder = self.folder / f"3.{PREFERRED_MINOR}"
            usable = self._is_made(folder)
            if not usable:
                folder = self.folder / find_interpreter(self.asked).minor_name
                usable = self._is_made(folder)
        if not usable or (node and not self._node_is_made(folder)):
            return None
        return folder / "bin" / "python"

    def _make(self, installer: Installer, *, node: bool) -> Path:
        interpreter = find_interpreter(self.asked)
        folder = self.folder / interpreter.minor_name
        if not self._is_made(folder, interpreter.version if "PYTHON" in self.asked else None):
            pip = self._create(folder, interpreter, installer)
            installer.run(
                f"Python packages for {'.'.join(map(str, interpreter.version))}",
                [*pip, "install", "--no-input", "--require-hashes", "-r", self.root / "requirements-dev.txt"],
            )
            (folder / STAMP).write_text(self._python_stamp(folder, interpreter.version))
        if node and not self._node_is_made(folder):
            self._install_node_packages(folder, interpreter, installer)
        return folder / "bin" / "python"

    def _is_made(self, folder: Path, version: tuple[int, int, int] | None = None) -> bool:
        """Whether `folder` is complete and its Python, `version` where one is asked for, still runs."""
        found = probe(folder / "bin" / "python")
        if found is None or version not in (None, found.version):
            return False
        return _read(folder / STAMP) == self._python_stamp(folder, found.version)

    def _python_stamp(self, folder: Path, version: tuple[int, int, int]) -> str:
        return _digest(self.root / "requirements-dev.txt", str(version), str(folder))

    def _create(self, folder: Path, interpreter: Interpreter, installer: Installer) -> list[str | Path]:
        """Make an empty virtual environment; returns the pip command that installs into it."""
        for command in _ways_to_create(folder, interpreter, self.environ):
            shutil.rmtree(folder, ignore_errors=True)
            if installer.works(command) and (pip := self._pip_into(folder, interpreter, installer)):
                return pip
        raise SetupError(
            f"{interpreter.path} cannot make virtual environments: install its venv module "
            "(Debian, Ubuntu: apt-get install python3-venv), virtualenv or uv, and try again."
        )

    def _pip_into(self, folder: Path, interpreter: Interpreter, installer: Installer) -> list[str | Path] | None:
        """A pip that installs into `folder`: its own, or one outside that is told where to."""
        python = folder / "bin" / "python"
        outside = shutil.which("pip3", path=self.environ.get("PATH"))
        ways: list[list[str | Path]] = [[python, "-m", "pip"], [interpreter.path, "-m", "pip", "--python", python]]
        ways += [[outside, "--python", python]] if outside else []
        return next((pip for pip in ways if installer.works([*pip, "--version"])), None)

    def _node_is_made(self, folder: Path) -> bool:
        return _read(self._node_stamp_file) == self._node_stamp() and find_node(folder, self.environ) is not None

    @property
    def _node_stamp_file(self) -> Path:
        return self.root / "node_modules" / f".{STAMP}"

    def _node_stamp(self) -> str:
        return _digest(self.root / "package-lock.json", str(self.root))

    def _install_node_packages(self, folder: Path, interpreter: Interpreter, installer: Installer) -> None:
        node, npm = system_node(self.environ), system_npm(self.environ)
        if node is None or npm is None:
            node, npm = self._packaged_node(folder, interpreter, installer)
        if _read(self._node_stamp_file) == self._node_stamp():
            return
        self._node_stamp_file.unlink(missing_ok=True)
        # The emulator runs from plain JavaScript: no package of the lock file needs its install script.
        command = [*npm, "ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund"]
        cache = writable_npm_cache(npm, self.environ, fallback=self.folder / "npm-cache")
        path = os.pathsep.join([str(node.parent), self.environ.get("PATH", os.defpath)])
        with_node = replace(installer, environ={**self.environ, "PATH": path})
        with_node.run("Storage emulator", [*command, f"--cache={cache}"])
        self._node_stamp_file.write_text(self._node_stamp())

    def _packaged_node(self, folder: Path, interpreter: Interpreter, installer: Installer) -> tuple[Path, list[str]]:
        node = packaged_node(folder)
        if node is None and (pip := self._pip_into(folder, interpreter, installer)):
            command = [*pip, "install", "--no-input", "--force-reinstall", "--require-hashes"]
            installer.run("Node.js", [*command, "-r", self.root / "requirements-node.txt"])
            node = packaged_node(folder)
        if node is None:
            raise SetupError("The storage emulator needs Node.js 20 or newer: install it and try again.")
        return node, packaged_npm(node)


def _ways_to_create(folder: Path, interpreter: Interpreter, environ: Mapping[str, str]) -> Iterator[list[str | Path]]:
    """Commands that make a virtual environment, best first.

    Debian leaves pip's installer out of its Python: plain `venv` fails there until another package is installed.
    """
    yield [interpreter.path, "-m", "venv", folder]
    if virtualenv := shutil.which("virtualenv", path=environ.get("PATH")):
        yield [virtualenv, "--python", interpreter.path, folder]
    if uv := shutil.which("uv", path=environ.get("PATH")):
        yield [uv, "venv", "--seed", "--python", interpreter.path, folder]
    yield [interpreter.path, "-m", "venv", "--without-pip", folder]


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def _digest(lock_file: Path, *parts: str) -> str:
    """What a stamp says: the lock file's content and the circumstances, as one short text."""
    return hashlib.sha256("\0".join([lock_file.read_text(), *parts]).encode()).hexdigest()
