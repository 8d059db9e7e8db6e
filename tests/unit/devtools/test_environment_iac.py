"""The environment that checks templates: made beside the project's own, and as carefully."""

from pathlib import Path

import pytest

from devtools.environment_iac import IacSetup
from tests.unit.devtools.test_environment import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine on which everything works."""
    made = Machine(tmp_path)
    (made.root / "requirements-iac.txt").write_text("1")
    return made


def prepare(machine: Machine) -> Path:
    """Run the set-up; returns the environment's Python."""
    return IacSetup(machine.root, machine.environ).prepare(node=False)


def test_first_run_installs_and_second_uses_it(machine: Machine) -> None:
    """In a folder of its own."""
    first = prepare(machine)
    second = prepare(machine)

    assert first == second == machine.root / ".venv" / "iac-3.13" / "bin" / "python"
    assert machine.installs() == 1


def test_the_two_environments_leave_each_other_alone(machine: Machine) -> None:
    """A change of one lock file makes one environment anew."""
    prepare(machine)
    machine.prepare()

    (machine.root / "requirements-iac.txt").write_text("2")
    machine.prepare()
    prepare(machine)

    assert machine.installs() == 3


def test_packages_are_checked_against_their_hashes(machine: Machine) -> None:
    """Nothing is installed that the lock file does not know."""
    prepare(machine)

    (install,) = [call for call in (machine.tools / "calls").read_text().splitlines() if " install " in call]
    assert "--require-hashes" in install
    assert install.endswith("requirements-iac.txt")
