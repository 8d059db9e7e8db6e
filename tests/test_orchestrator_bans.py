"""What orchestrators must not call is found by ruff, in their folder and nowhere else."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

from tests.support.source_tree import ROOT

BANS: Final = tomllib.loads((ROOT / "orchestrators" / "ruff.toml").read_text(encoding="utf-8"))["lint"][
    "flake8-tidy-imports"
]["banned-api"]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the configuration and of the orchestrators, to put samples into."""
    copy = tmp_path_factory.mktemp("repository")
    shutil.copy(ROOT / "pyproject.toml", copy)
    shutil.copytree(ROOT / "orchestrators", copy / "orchestrators", ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def sample(banned: str) -> str:
    """Return code that uses a banned module, or a banned method of a class."""
    parts = banned.split(".")
    if len(parts) == 3 and parts[1].islower() and parts[0] == "datetime":
        return f"from datetime import {parts[1]}\n\nMOMENT = {parts[1]}.{parts[2]}()\n"
    return f"import {banned}\n\nUSED = {banned}\n"


def banned_in(sample_file: Path, source: str) -> list[str]:
    """Return the sentences with which ruff refuses a source in this place."""
    sample_file.write_text(source, encoding="utf-8")
    command = ["check", "--select", "TID251", "--output-format", "json", "--no-cache", str(sample_file)]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command], cwd=sample_file.parent, capture_output=True, text=True, check=False
    )
    return [finding["message"] for finding in json.loads(done.stdout)]


@pytest.mark.parametrize("banned", BANS)
def test_banned_call_is_refused_in_an_orchestrator(repository: Path, banned: str) -> None:
    """Each ban fires, with a sentence that says what to do instead."""
    [message] = set(banned_in(repository / "orchestrators" / "sample.py", sample(banned)))

    assert BANS[banned]["msg"] in message


@pytest.mark.parametrize("banned", ["os", "datetime.datetime.now", "time"])
def test_nothing_is_banned_elsewhere(repository: Path, banned: str) -> None:
    """Activities and the rest of the app may know the time and the environment."""
    assert banned_in(repository / "sample.py", sample(banned)) == []


@pytest.mark.parametrize(
    "needed",
    ["asyncio", "datetime.datetime.now", "os", "random", "secrets", "shared.settings", "shared.wiring", "time", "uuid"],
)
def test_what_breaks_a_replay_is_banned(needed: str) -> None:
    """Clocks, chance, the environment, settings and clients differ from one replay to the next."""
    assert needed in BANS


def test_orchestrators_keep_to_the_bans() -> None:
    """The stories as they are pass, without a suppression."""
    command = ["check", "--select", "TID251", "--ignore-noqa", "--no-cache", "orchestrators"]

    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout
