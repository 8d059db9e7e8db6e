"""`demo` as a person runs it: one command, one video, nothing left running."""

import subprocess
import sys
from pathlib import Path

import pytest

from devtools.demo import probe
from devtools.environment import ENTERED, ROOT
from tests.support.stack import machine

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]


def demo(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end in a folder of its own."""
    command = [sys.executable, "-m", "devtools", "demo", "--out", str(folder / "out"), "--state", str(folder / "state")]
    return subprocess.run(
        [*command, "--render-seconds", "0.5", *options],
        cwd=ROOT,
        env={**machine(), ENTERED: "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_a_prompt_becomes_a_video(tmp_path: Path) -> None:
    """The file is where the last line says, and is what was asked for."""
    done = demo(tmp_path, "--prompt", "a lighthouse", "--duration", "2", "--width", "640", "--height", "360")

    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "out").iterdir()
    video = probe(path)
    assert (video.width, video.height) == (640, 360)
    assert video.seconds == pytest.approx(2, abs=1 / 24)
    assert done.stdout.splitlines()[-1].startswith(f"{path}  ")
    assert not (tmp_path / "state" / "stack.json").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--prompt", "[sim:moderation]"], "The job failed: Content policy violation detected."),
        (["--duration", "61"], "The API answered 422: duration: ensure this value is less than or equal to 60."),
    ],
)
def test_a_failure_is_one_sentence(tmp_path: Path, options: list[str], sentence: str) -> None:
    """It says what happened and where the logs are."""
    done = demo(tmp_path, *options)

    assert done.returncode == 1
    assert done.stderr == f"{sentence} The logs are in {tmp_path / 'state' / 'logs'}.\n"
