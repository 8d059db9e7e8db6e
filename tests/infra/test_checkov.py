"""Checkov finds nothing in infra/ and .github/ that is not explained where it stands; it asks nobody on the network."""

import functools
import json
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from devtools.environment_iac import iac_environment
from tests.infra.bicep import INFRA
from tests.support.source_tree import ROOT

pytestmark = pytest.mark.timeout(300)

OFFLINE: Final = ("--skip-download", "--output", "json")


@functools.cache
def report(folder: str, framework: str) -> dict[str, Any]:
    """What checkov says of a folder, by kind of result."""
    command: list[str | Path] = [
        iac_environment().with_name("checkov"),
        "--directory",
        ROOT / folder,
        "--framework",
        framework,
        *OFFLINE,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200, cwd=ROOT)
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        pytest.fail(f"checkov gave no report: {done.stderr[-2000:]}")
    return answer


@pytest.mark.parametrize(("folder", "framework"), [("infra", "bicep"), (".github", "github_actions")])
def test_checkov_finds_nothing(folder: str, framework: str) -> None:
    """Every check passes, or is explained next to what it finds; and checkov could read everything."""
    answer = report(folder, framework)
    results = answer["results"]

    assert answer["summary"]["passed"] > 20
    assert results["parsing_errors"] == []
    assert [
        f"{found['check_id']} {found['resource']}: {found['check_name']}" for found in results["failed_checks"]
    ] == []


def test_every_suppression_suppresses_something() -> None:
    """One that is left over would hide what comes later."""
    written = Counter(
        (path.relative_to(INFRA).as_posix(), check)
        for path in INFRA.rglob("*.bicep")
        for check in re.findall(r"checkov:skip=(\w+)", path.read_text(encoding="utf-8"))
    )
    used = Counter(
        (found["file_path"].lstrip("/"), found["check_id"])
        for found in report("infra", "bicep")["results"]["skipped_checks"]
    )

    assert written
    assert written == used


def test_every_suppression_says_why() -> None:
    """A sentence, not a word."""
    for path in INFRA.rglob("*.bicep"):
        for check, reason in re.findall(r"checkov:skip=(\w+)(.*)", path.read_text(encoding="utf-8")):
            assert re.fullmatch(r": \S+( \S+){2,}", reason), f"{path.name}: {check}"
