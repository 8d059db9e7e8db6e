"""Which Python the project's environment is made from."""

import json
from pathlib import Path

import pytest

from devtools.environment_python import SetupError, candidates, find_interpreter, probe


def fake_python(path: Path, version: tuple[int, int, int], *, usable: bool = True) -> Path:
    """An executable that answers the probe like a Python of that version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    answer = json.dumps({"usable": usable, "version": version, "path": str(path)})
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)
    return path


def broken_python(path: Path) -> Path:
    """An executable that fails, like a version manager's shim for a version that is not active."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    path.chmod(0o755)
    return path


def test_313_is_preferred_to_newer_and_older_ones(tmp_path: Path) -> None:
    """The version that runs on Azure wins wherever it is installed."""
    for minor in (11, 12, 13, 14):
        fake_python(tmp_path / f"python3.{minor}", (3, minor, 1))

    found = find_interpreter({"PATH": str(tmp_path)})

    assert found.version == (3, 13, 1)


def test_without_313_the_newest_is_taken(tmp_path: Path) -> None:
    """3.14 comes before 3.12 where 3.13 is missing."""
    for minor in (11, 12, 14):
        fake_python(tmp_path / f"python3.{minor}", (3, minor, 0))

    order = [Path(path).name for path in candidates({"PATH": str(tmp_path), "PYENV_ROOT": str(tmp_path)})]

    assert order.index("python3.14") < order.index("python3.12") < order.index("python3.11")


def test_a_shim_that_fails_gives_way_to_the_version_behind_it(tmp_path: Path) -> None:
    """A command on PATH that exists and fails is no Python; the version manager's folder has one."""
    broken_python(tmp_path / "shims" / "python3.13")
    real = fake_python(tmp_path / "pyenv" / "versions" / "3.13.0" / "bin" / "python3", (3, 13, 0))

    found = find_interpreter({"PATH": str(tmp_path / "shims"), "PYENV_ROOT": str(tmp_path / "pyenv")})

    assert found.path == real


def test_pyenv_is_found_in_the_home_folder(tmp_path: Path) -> None:
    """Without PYENV_ROOT the usual place is looked at."""
    real = fake_python(tmp_path / ".pyenv" / "versions" / "3.13.2" / "bin" / "python3", (3, 13, 2))

    found = find_interpreter({"PATH": "/nowhere", "HOME": str(tmp_path)})

    assert found.path == real


def test_the_variable_wins_over_everything_installed(tmp_path: Path) -> None:
    """PYTHON names a command or a path."""
    fake_python(tmp_path / "python3.13", (3, 13, 0))
    fake_python(tmp_path / "python3.11", (3, 11, 7))

    by_name = find_interpreter({"PATH": str(tmp_path), "PYTHON": "python3.11"})
    by_path = find_interpreter({"PATH": "/nowhere", "PYTHON": str(tmp_path / "python3.11")})

    assert by_name.version == by_path.version == (3, 11, 7)


@pytest.mark.parametrize("name", ["missing", "broken", "old", "without-ssl"])
def test_an_unusable_choice_is_refused_by_name(tmp_path: Path, name: str) -> None:
    """A wrong PYTHON is never silently replaced by another one."""
    broken_python(tmp_path / "broken")
    broken_python(tmp_path / "without-ssl")
    fake_python(tmp_path / "old", (3, 10, 13))

    with pytest.raises(SetupError, match=f"PYTHON is '{name}'"):
        find_interpreter({"PATH": str(tmp_path), "PYTHON": name})


def test_builds_without_wheels_are_passed_over(tmp_path: Path) -> None:
    """Free-threaded builds and other implementations run, but cannot be used."""
    path = fake_python(tmp_path / "python3.13", (3, 13, 0), usable=False)

    assert probe(path) is None
