"""`test` and `quick` run their steps up to the first failure."""

import argparse
from importlib.util import find_spec

import pytest

from devtools import checks

PASS = ("pass", ["this"])  # `python -m this` prints a poem and succeeds
FAIL = ("fail", ["no_such_module"])


def test_the_first_failing_step_ends_the_run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its exit status is the command's, and later steps do not run."""
    monkeypatch.setitem(checks.STEPS, "test", [PASS, FAIL, PASS])

    status = checks.run(argparse.Namespace(command="test"))

    out = capfd.readouterr().out
    assert status == 1
    assert (out.count("== pass passed"), out.count("== fail failed")) == (1, 1)


def test_all_steps_passing_is_success(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but success gives zero."""
    monkeypatch.setitem(checks.STEPS, "test", [PASS, PASS])

    assert checks.run(argparse.Namespace(command="test")) == 0


def test_every_tool_can_be_run() -> None:
    """The steps name modules that the environment has."""
    modules = {command[0] for steps in checks.STEPS.values() for _, command in steps}

    assert all(find_spec(module) for module in modules)
