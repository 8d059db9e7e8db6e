"""`test` and `quick` run their steps up to the first failure."""

import argparse
from importlib.util import find_spec

import pytest

from devtools import checks
from devtools.environment import ROOT

PASS = ("pass", ["this"])  # `python -m this` prints a poem and succeeds
FAIL = ("fail", ["no_such_module"])


def test_the_first_failing_step_ends_the_run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its exit status is the command's, and later steps do not run."""
    monkeypatch.setitem(checks.STEPS, "test", [[PASS], [FAIL], [PASS]])

    status = checks.run(argparse.Namespace(command="test"))

    out = capfd.readouterr().out
    assert status == 1
    assert (out.count("== pass passed"), out.count("== fail failed")) == (1, 1)


def test_all_steps_passing_is_success(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but success gives zero."""
    monkeypatch.setitem(checks.STEPS, "test", [[PASS], [PASS]])

    assert checks.run(argparse.Namespace(command="test")) == 0


@pytest.mark.parametrize("steps", [[PASS, FAIL], [FAIL, PASS], [PASS, PASS]])
def test_steps_that_run_side_by_side_are_all_shown_and_all_count(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], steps: list[checks.Step]
) -> None:
    """What each has printed is there, whichever failed, and one that fails is enough."""
    monkeypatch.setitem(checks.STEPS, "test", [steps, [PASS]])

    status = checks.run(argparse.Namespace(command="test"))

    out = capfd.readouterr().out
    failing = steps.count(FAIL)
    assert status == (1 if failing else 0)
    assert out.count("== fail failed") == failing
    assert out.count("Beautiful is better than ugly.") == 2 - failing + (0 if failing else 1)


def test_every_test_is_in_one_of_the_steps_that_run_them() -> None:
    """The parts of the tests leave out those that take minutes, and no others."""
    parts = [command for _, command in (checks.PURE_TESTS, checks.SCENARIOS, checks.STACK_TESTS)]
    _, scenarios, others = parts
    named = {argument for argument in scenarios if argument.startswith("tests/")}
    left_out = {argument.removeprefix("--ignore=") for argument in others if argument.startswith("--ignore=")}

    markers = [command[command.index("-m") + 1] for command in parts]
    assert markers == ["not stack", "stack and not soak", "stack and not soak"]
    assert named == left_out
    assert all((ROOT / folder).is_dir() for folder in named)


def test_every_tool_can_be_run() -> None:
    """The steps name modules that the environment has."""
    modules = {command[0] for stages in checks.STEPS.values() for steps in stages for _, command in steps}

    assert all(find_spec(module) for module in modules)
