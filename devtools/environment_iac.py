"""Makes the environment that checks infra/ and .github/. Standard library only.

Checkov pins what the app needs at other versions, so it gets a folder of its own: `.venv/iac-3.13`.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from devtools.environment import ROOT, STAMP, Setup, _digest
from devtools.environment_python import find_interpreter
from devtools.environment_steps import Installer

LOCK_FILE = "requirements-iac.txt"


def iac_environment(root: Path = ROOT, environ: Mapping[str, str] = os.environ) -> Path:
    """The Python of the environment that checks templates and workflows, which is made on first use."""
    base = str(getattr(sys, "_base_executable", sys.executable))  # an environment cannot be made from another
    return IacSetup(root, {**environ, "PYTHON": base}).prepare(node=False)


class IacSetup(Setup):
    """The same making and stamping as the project's own environment, from another lock file into another folder."""

    def _ready(self, *, node: bool) -> Path | None:  # noqa: ARG002 - Node.js is not for this environment
        folder = self._own_folder
        return folder / "bin" / "python" if self._is_made(folder) else None

    def _make(self, installer: Installer, *, node: bool) -> Path:  # noqa: ARG002 - as above
        interpreter, folder = find_interpreter(self.asked), self._own_folder
        pip = self._create(folder, interpreter, installer)
        command = [*pip, "install", "--no-input", "--no-compile", "--require-hashes", "-r", self.root / LOCK_FILE]
        installer.run("Packages that check infra/ and .github/", command)
        (folder / STAMP).write_text(self._python_stamp(folder, interpreter.version))
        return folder / "bin" / "python"

    @property
    def _own_folder(self) -> Path:
        return self.folder / f"iac-{find_interpreter(self.asked).minor_name}"

    def _python_stamp(self, folder: Path, version: tuple[int, int, int]) -> str:
        return _digest(self.root / LOCK_FILE, str(version), str(folder))
