"""The project's environment: made once, used at once afterwards, repaired whenever something is wrong with it."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from devtools.environment import Setup
from devtools.environment_python import SetupError

# Answers as a Python with venv and pip would, and notes what it was asked. Files beside it make it fail.
PYTHON = """\
#!/bin/sh
PATH=/usr/bin:/bin
tools="@TOOLS@"
echo "$@" >> "$tools/calls"
case "$*" in
  -I*) echo '{"usable": true, "version": [3, 13, 0], "path": "'"$0"'"}' ;;
  "-m venv --without-pip"*) mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; touch "$4/without-pip" ;;
  "-m venv"*)
    [ -e "$tools/no-ensurepip" ] && { echo "ensurepip is not available"; exit 1; }
    mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
  "-m pip"*)
    [ -e "$tools/no-pip" ] && exit 1
    [ -e "$(dirname "$0")/../without-pip" ] && exit 1
    case "$*" in *install*) [ -e "$tools/no-network" ] && { echo "no connection"; exit 1; } ;; esac ;;
esac
exit 0
"""
NPM = """\
#!/bin/sh
PATH=/usr/bin:/bin
echo "npm $@" >> "@TOOLS@/calls"
case "$*" in
  ci*) mkdir -p node_modules ;;
  "config get cache") echo "@TOOLS@/npm-cache" ;;
  *) echo 11.0.0 ;;
esac
"""
NODE = "#!/bin/sh\necho v22.0.0\n"


class Machine:
    """A machine with a repository and made-up tools on its PATH."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a repository"
        self.tools = folder / "tools"
        self.root.mkdir()
        self.tools.mkdir()
        for name in ("requirements-dev.txt", "requirements-node.txt", "package-lock.json"):
            (self.root / name).write_text("1")
        for name, script in (("python3.13", PYTHON), ("node", NODE), ("npm", NPM)):
            (self.tools / name).write_text(script.replace("@TOOLS@", str(self.tools)))
            (self.tools / name).chmod(0o755)
        self.environ = {"PATH": str(self.tools), "PYENV_ROOT": str(folder)}

    def prepare(self, *, node: bool = False) -> Path:
        """Run the set-up; returns the environment's Python."""
        return Setup(self.root, self.environ).prepare(node=node)

    def has(self, trouble: str) -> Path:
        """Let something fail from now on."""
        (self.tools / trouble).touch()
        return self.tools / trouble

    def installs(self, installer: str = "-m pip") -> int:
        """How often an installer has run."""
        calls = (self.tools / "calls").read_text().splitlines()
        verbs = (" install ", " ci ")
        return sum(call.startswith(installer) and any(verb in f"{call} " for verb in verbs) for call in calls)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine on which everything works."""
    return Machine(tmp_path)


def test_first_run_installs_and_second_uses_it(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    """The packages are installed once, with a line that says so, and silently used from then on."""
    first = machine.prepare()
    told = capsys.readouterr().out
    second = machine.prepare()

    assert first == second == machine.root / ".venv" / "3.13" / "bin" / "python"
    assert told == "Python packages for 3.13.0 ... 0 s\n"
    assert capsys.readouterr().out == ""
    assert machine.installs() == 1


def test_a_changed_lock_file_makes_it_anew(machine: Machine) -> None:
    """What is installed always matches the lock file."""
    machine.prepare()

    (machine.root / "requirements-dev.txt").write_text("2")
    machine.prepare()

    assert machine.installs() == 2


def test_a_failed_installation_is_explained_and_repaired_by_the_next_run(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """The installer's last lines and one sentence now; a complete environment once the cause is gone."""
    network = machine.has("no-network")

    with pytest.raises(SetupError, match=r"exit status 1; the whole output is in \.venv/setup\.log"):
        machine.prepare()
    assert "  no connection\n" in capsys.readouterr().out
    network.unlink()
    machine.prepare()

    assert machine.installs() == 2


def test_an_environment_copied_from_elsewhere_is_not_trusted(machine: Machine, tmp_path: Path) -> None:
    """Scripts and links of a copied folder point to the place it was copied from."""
    machine.prepare()
    copy = tmp_path / "copy"
    shutil.copytree(machine.root, copy)

    Setup(copy, machine.environ).prepare(node=False)

    assert machine.installs() == 2


def test_an_environment_whose_python_vanished_is_made_anew(machine: Machine) -> None:
    """Python upgrades leave broken links behind."""
    python = machine.prepare()

    python.unlink()
    machine.prepare()

    assert python.exists()
    assert machine.installs() == 2


def test_without_ensurepip_a_pip_outside_installs(machine: Machine) -> None:
    """Debian's Python without its venv package still works where it has a pip."""
    machine.has("no-ensurepip")

    python = machine.prepare()

    assert f"-m pip --python {python} install" in (machine.tools / "calls").read_text()


def test_without_any_way_one_sentence_says_what_to_install(machine: Machine) -> None:
    """A bare Debian cannot make environments at all."""
    machine.has("no-ensurepip")
    machine.has("no-pip")

    with pytest.raises(SetupError, match="apt-get install python3-venv"):
        machine.prepare()


def test_two_set_ups_at_once_install_once(machine: Machine) -> None:
    """The second waits for the first and finds everything done."""
    with ThreadPoolExecutor(2) as both:
        pythons = {run.result() for run in [both.submit(machine.prepare), both.submit(machine.prepare)]}

    assert len(pythons) == 1
    assert machine.installs() == 1


def test_the_emulator_is_installed_once(machine: Machine) -> None:
    """The installer runs when the lock file asks for it and not again."""
    machine.prepare(node=True)
    machine.prepare(node=True)

    assert machine.installs("npm") == 1


def test_a_foreign_environment_does_not_leak_in(machine: Machine) -> None:
    """Paths of the caller's active environment are not handed to ours."""
    setup = Setup(machine.root, {**machine.environ, "PYTHONPATH": "/elsewhere", "VIRTUAL_ENV": "/other", "LANG": "C"})

    assert setup.environ == {**machine.environ, "LANG": "C"}
