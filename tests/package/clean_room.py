"""A machine that has nothing but Python, the deployed files and the libraries that Azure would install for them."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from devtools.environment import Setup, undisturbed
from devtools.environment_python import Interpreter
from devtools.environment_steps import Installer
from tests.support.caller import wait_until
from tests.support.processes import end
from tests.support.source_tree import ROOT
from tests.support.stack import machine

START_SECONDS = 60.0


@dataclass(frozen=True)
class CleanRoom:
    """The unpacked app in `app`, beside an environment whose Python is `python` and whose libraries are in `site`."""

    app: Path
    python: Path
    site: Path
    folder: Path

    def run(self, program: str) -> subprocess.CompletedProcess[str]:
        """Run a program in the app's folder, as if nobody had ever set anything on this machine."""
        command = [str(self.python), "-B", "-c", program]
        return subprocess.run(command, cwd=self.app, env=machine(), capture_output=True, text=True, check=False)

    @contextmanager
    def served(self, settings: Mapping[str, str]) -> Iterator[str]:
        """Serve the app by Microsoft's worker library, and give its address."""
        port_file, log = self.folder / "port", self.folder / "log"
        port_file.unlink(missing_ok=True)
        command = [str(self.python), "-B", "-P", "-m", "tests.package.carrier", str(self.app), str(port_file)]
        env = {**machine(), "PYTHONPATH": str(self._what_carries_it()), **settings}
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=self.app, env=env, stdout=output, stderr=output)

        def has_port() -> bool:
            assert process.poll() is None, f"the worker ended:\n{log.read_text(errors='replace')}"
            return port_file.exists()

        try:
            wait_until(has_port, seconds=START_SECONDS, description="the app answers")
            yield f"http://127.0.0.1:{port_file.read_text(encoding='ascii')}"
        finally:
            end(process)

    def _what_carries_it(self) -> Path:
        """Return a folder with the worker library and what drives it; nothing of the app is in it."""
        folder = self.folder / "carrier"
        library = importlib.util.find_spec("azure_functions_runtime")
        assert library is not None
        assert library.origin is not None
        if not folder.exists():
            folder.mkdir()
            for name in ("devtools", "tests"):
                (folder / name).symlink_to(ROOT / name)
            (folder / "azure_functions_runtime").symlink_to(Path(library.origin).parent)
        return folder


def unpacked(package: Path, folder: Path) -> CleanRoom:
    """Unpack a package and install its requirements.txt into a new environment, as the remote build does."""
    app, environment = folder / "app", folder / "environment"
    with ZipFile(package) as files:
        files.extractall(app)
    version = sys.version_info[:3]
    # The Python below this environment: what is made of that one sees nothing of ours.
    interpreter = Interpreter(Path(getattr(sys, "_base_executable", sys.executable)), version)
    with (folder / "lock").open("w") as lock:
        installer = Installer(folder, undisturbed(os.environ), folder / "setup.log", lock)
        pip = Setup(ROOT)._create(environment, interpreter, installer)
        install = [*pip, "install", "--no-input", "--require-hashes", "-r", app / "requirements.txt"]
        installer.run("The app's own libraries", install)
    [site] = environment.glob("lib/python*/site-packages")
    return CleanRoom(app, environment / "bin" / "python", site, folder)


def size(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
