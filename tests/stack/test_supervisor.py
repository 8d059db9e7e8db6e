"""The supervisor with tiny servers for parts: starting in order, reporting what fails, leaving nothing behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from threading import Event
from time import monotonic, sleep

import pytest

from devtools.environment import ROOT
from devtools.stack_ports import free_row
from devtools.stack_process import LOG_LIMIT_BYTES, Part
from devtools.stack_supervisor import InterruptedStartError, PartFailedError, Supervisor

pytestmark = pytest.mark.stack

STAND_IN = "tests.support.stand_in"


def part(folder: Path, name: str, *options: str) -> Part:
    """A stand-in server under a name."""
    port = free_row(1)[0]
    return Part(
        name=name,
        title=f"stand-in {name}",
        command=[sys.executable, "-m", STAND_IN, str(port), *options],
        environ=os.environ,
        cwd=ROOT,
        log=folder / f"{name}.log",
        ready=[f"http://127.0.0.1:{port}/"],
        ready_status=200,
    )


def is_running(pid: int) -> bool:
    """Whether a process exists and is not merely waiting to be counted as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pid: int, *, seconds: float = 10.0) -> None:
    """Wait for the end of a process that is no child of this one."""
    deadline = monotonic() + seconds
    while is_running(pid):
        assert monotonic() < deadline, f"process {pid} is still there after {seconds} s"
        sleep(0.02)


class Stage:
    """Makes supervisors in one folder and ends what they leave running."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: list[Supervisor] = []
        self._lock = (folder / "lock").open("w")

    def supervisor(self, *waves: list[Part]) -> Supervisor:
        """One for these waves of parts."""
        supervisor = Supervisor(waves, self._lock)
        self.made.append(supervisor)
        return supervisor

    def close(self) -> None:
        """End everything without patience."""
        for supervisor in self.made:
            supervisor.hurry.set()
            supervisor.stop()
        self._lock.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A place for supervisors."""
    stage = Stage(tmp_path)
    yield stage
    stage.close()


def test_parts_run_in_sessions_of_their_own_and_end_in_order(stage: Stage, tmp_path: Path) -> None:
    """A Ctrl-C in the terminal reaches no part, and `stop` lets each one end as it wants to."""
    supervisor = stage.supervisor([part(tmp_path, "below")], [part(tmp_path, "above")])

    supervisor.start()
    pids = supervisor.pids
    groups = {os.getpgid(pid) for pid in pids.values()}
    supervisor.stop()

    assert list(pids) == ["below", "above"]
    assert groups == set(pids.values())
    assert not any(is_running(pid) for pid in pids.values())
    assert (tmp_path / "below.log").read_text() == "started\nasked to end\n"


def test_a_part_that_ends_while_starting_is_named_with_its_log(stage: Stage, tmp_path: Path) -> None:
    """Nobody has to look for the reason."""
    supervisor = stage.supervisor([part(tmp_path, "broken", "--exit", "3")])

    with pytest.raises(PartFailedError) as failure:
        supervisor.start()

    assert "The stand-in broken ended while starting (exit status 3)" in str(failure.value)
    assert str(failure.value).endswith("broken.log:\n  started")


def test_a_part_that_is_never_ready_is_given_up(stage: Stage, tmp_path: Path) -> None:
    """The wait has an end, and the sentence says which part it was."""
    slow = replace(part(tmp_path, "slow", "--never-ready"), ready_seconds=0.5)
    supervisor = stage.supervisor([part(tmp_path, "good")], [slow])

    with pytest.raises(PartFailedError, match="The stand-in slow was not ready within"):
        supervisor.start()


def test_a_start_can_be_interrupted(stage: Stage, tmp_path: Path) -> None:
    """Ctrl-C does not have to wait for a part that hangs."""
    interrupted = Event()
    interrupted.set()
    supervisor = stage.supervisor([part(tmp_path, "slow", "--never-ready")])

    with pytest.raises(InterruptedStartError):
        supervisor.start(interrupted)


def test_a_killed_part_is_reported_and_can_be_restarted(stage: Stage, tmp_path: Path) -> None:
    """A crash is seen with its signal; after a restart all is well on the same port."""
    supervisor = stage.supervisor([part(tmp_path, "one")])
    supervisor.start()
    before = supervisor.pids["one"]

    supervisor.kill("one")
    with pytest.raises(PartFailedError, match=r"ended by itself \(signal 9, SIGKILL\)"):
        supervisor.check()
    supervisor.restart("one")

    supervisor.check()
    assert supervisor.pids["one"] != before


def test_a_part_that_will_not_end_is_forced(stage: Stage, tmp_path: Path) -> None:
    """A second Ctrl-C cuts the patience short."""
    supervisor = stage.supervisor([part(tmp_path, "stubborn", "--ignore-sigterm")])
    supervisor.start()
    started = monotonic()

    supervisor.hurry.set()
    supervisor.stop()

    assert monotonic() - started < 4
    assert not is_running(supervisor.pids["stubborn"])


def test_helpers_of_a_crashed_part_are_ended_with_the_rest(stage: Stage, tmp_path: Path) -> None:
    """A renderer whose server crashed does not go on for nobody."""
    supervisor = stage.supervisor([part(tmp_path, "one", "--with-helper")])
    supervisor.start()
    helper = int((tmp_path / "one.log").read_text().split()[1])

    supervisor.kill("one")
    outlived_the_crash = is_running(helper)
    supervisor.stop()

    assert outlived_the_crash
    wait_until_gone(helper)


def test_parts_hold_the_claim_on_their_folder(tmp_path: Path) -> None:
    """A killed supervisor's folder stays claimed until its last part has let go of it."""
    claim = (tmp_path / "lock").open("w")
    flock(claim, LOCK_EX)
    with Supervisor([[part(tmp_path, "one")]], claim) as supervisor, (tmp_path / "lock").open() as other:
        supervisor.start()
        claim.close()

        with pytest.raises(BlockingIOError):
            flock(other, LOCK_EX | LOCK_NB)
        supervisor.stop()
        flock(other, LOCK_EX | LOCK_NB)


def test_a_big_log_is_put_aside_at_the_start(stage: Stage, tmp_path: Path) -> None:
    """Logs grow over restarts, up to a limit."""
    (tmp_path / "one.log").write_bytes(b"x" * (LOG_LIMIT_BYTES + 1))
    supervisor = stage.supervisor([part(tmp_path, "one")])

    supervisor.start()

    assert (tmp_path / "one.log").read_text() == "started\n"
    assert (tmp_path / "one.log.1").stat().st_size > LOG_LIMIT_BYTES


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties processes to the one that started them")
def test_parts_end_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    """`kill -9` of the supervisor leaves no orphan behind, and the parts still end in an orderly way."""
    script = f"""
import sys
from pathlib import Path
from tests.stack.test_supervisor import part
from devtools.stack_supervisor import Supervisor
supervisor = Supervisor([[part(Path({str(tmp_path)!r}), "one")]], open({str(tmp_path / "lock")!r}, "w"))
supervisor.start()
print(supervisor.pids["one"], flush=True)
sys.stdin.read()
"""
    starter = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        was_running = is_running(pid)
        starter.send_signal(signal.SIGKILL)

    wait_until_gone(pid)

    assert was_running
    assert (tmp_path / "one.log").read_text() == "started\nasked to end\n"
