"""The running API against its own description, by a program that knows nothing else of it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from devtools.stack import Stack
from tests.scenarios.conftest import QUICK
from tests.support.caller import Caller
from tests.support.source_tree import ROOT
from tests.support.stack import running_stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, str]]:
    """A stack with one completed job, on which further jobs stay queued: nobody needs the videos of random prompts."""
    with running_stack(tmp_path_factory.mktemp("described"), render_seconds=0.5, env=QUICK) as stack:
        caller = Caller(stack.app)
        with caller.http:
            job_id = caller.submit("A calm lake")
            assert caller.wait(job_id)["status"] == "completed"
        stack.end("simulator")
        yield stack, job_id


CONFIGURATION: Final = f'hooks = "{Path(__file__).with_name("described_api_hooks.py")}"\n'


def schemathesis(stack: Stack, folder: Path, configuration: str, *arguments: str) -> None:
    """Run it with its checks, on requests that are the same every time.

    One is left out: it takes what was sent a `DELETE` for gone, but a cancelled job can be looked at for good.
    """
    (folder / "schemathesis.toml").write_text(configuration, encoding="utf-8")
    program = Path(sys.executable).with_name("schemathesis")
    checks = ["--checks", "all", "--exclude-checks", "use_after_free"]
    options = [*checks, "--generation-deterministic", "--no-color", "--request-timeout", "10"]
    ran = subprocess.run(
        [program, "run", f"{stack.app}/openapi.json", *options, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},  # for the hooks
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_requests_of_every_kind_are_answered_as_described(finished: tuple[Stack, str], tmp_path: Path) -> None:
    """Valid, invalid and arbitrary requests; every status, header and body that comes back is in the document."""
    stack, _ = finished

    schemathesis(stack, tmp_path, CONFIGURATION, "--max-examples", "5")


def test_requests_for_a_finished_job_are_answered_as_described(finished: tuple[Stack, str], tmp_path: Path) -> None:
    """The same where there is a file: ranges, validators and their answers."""
    stack, job_id = finished
    parameters = f'{CONFIGURATION}[parameters]\n"path.job_id" = "{job_id}"\n"path.file_id" = "gen_{job_id}"\n'

    schemathesis(
        stack,
        tmp_path,
        parameters,
        "--max-examples",
        "8",
        "--phases",
        "examples,coverage,fuzzing",
        "--include-method",
        "GET",
    )
