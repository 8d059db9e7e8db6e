"""What can be typed after `python3 -m devtools`."""

import ast
import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from devtools.commands import MODULES, parser
from devtools.environment import ROOT


def test_the_entry_can_be_read_by_old_pythons() -> None:
    """They are told what is missing instead of showing a syntax error."""
    entry = ROOT / "devtools" / "__main__.py"

    ast.parse(entry.read_text(), feature_version=(3, 7))


def test_defaults_make_the_demo_and_the_stack_run_without_arguments() -> None:
    """A stranger types one word."""
    demo, up = parser().parse_args(["demo"]), parser().parse_args(["up"])

    assert (demo.duration, demo.width, demo.height, demo.render_seconds) == (5, 1280, 720, 6.0)
    assert (up.port, str(up.state), up.settings) == (None, ".local", None)


def test_a_soak_is_two_minutes_of_whatever_comes() -> None:
    """Where no seed is given, each run tries something else."""
    soak = parser().parse_args(["soak"])
    repeated = parser().parse_args(["soak", "--seconds", "30", "--seed", "7"])

    assert (soak.seconds, soak.seed) == (120, None)
    assert (repeated.seconds, repeated.seed) == (30, 7)


def test_package_goes_where_other_output_does_unless_told_otherwise() -> None:
    """`out/` is ignored by git and left out of the package itself."""
    assert str(parser().parse_args(["package"]).output) == "out/app.zip"
    assert str(parser().parse_args(["package", "--output", "a.zip"]).output) == "a.zip"


def test_every_command_has_its_module() -> None:
    """What can be typed can be run."""
    choices = next(action.choices for action in parser()._actions if isinstance(action.choices, dict))

    assert set(choices) == set(MODULES)
    assert all(find_spec(module) for module in MODULES.values())


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["cook"],
        ["up", "--port", "0"],
        ["up", "--port", "http"],
        ["up", "--render-seconds", "-1"],
        ["demo", "--width", "x"],
        ["soak", "--seconds", "9"],
        ["soak", "--seconds", "2m"],
        ["soak", "--seed", "any"],
    ],
)
def test_wrong_arguments_are_refused_before_any_set_up(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A typing mistake costs a second, not an installation."""
    with pytest.raises(SystemExit) as refusal:
        parser().parse_args(arguments)

    assert refusal.value.code == 2
    assert "error:" in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed; the module does the same")
@pytest.mark.parametrize(
    ("typed", "received"),
    [
        (["test"], ["test"]),
        (["soak"], ["soak"]),
        (["soak", "SOAK_SECONDS=30", "SEED=7"], ["soak", "--seconds", "30", "--seed", "7"]),
        (["up", "PORT=9000", "STATE=a b"], ["up", "--port", "9000", "--state", "a b"]),
        (["demo", "PROMPT=", "WIDTH=640"], ["demo", "--prompt", "", "--width", "640"]),
        (
            ["demo", """PROMPT=a "$5" cat's $(dream) & `more`"""],
            ["demo", "--prompt", """a "$5" cat's $(dream) & `more`"""],
        ),
    ],
)
def test_make_passes_on_what_was_typed(tmp_path: Path, typed: list[str], received: list[str]) -> None:
    """Quotes, dollars and blanks reach the command as they are, and what was not given keeps its default."""
    python = tmp_path / "python"
    python.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    python.chmod(0o755)
    environ = {"PATH": os.environ["PATH"], "PYTHON": str(python)}

    done = subprocess.run(["make", "-C", ROOT, "-s", *typed], env=environ, capture_output=True, check=True)

    assert json.loads(done.stdout) == ["-m", "devtools", *received]
