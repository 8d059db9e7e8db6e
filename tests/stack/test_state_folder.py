"""One state folder belongs to one stack at a time."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from devtools import stack_folder
from devtools.stack_folder import StateFolder, StateFolderError

pytestmark = pytest.mark.stack

# Holds the descriptor it was given, as a part does, until its standard input closes; its command line names the folder.
HOLDER = [sys.executable, "-c", "import sys; print('here', flush=True); sys.stdin.read()"]
# As the storage emulator: the first SIGTERM begins an orderly end that takes a while, a second one cuts it short.
ORDERLY = """
import signal, time
def end(number, frame):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    time.sleep(1)
    raise SystemExit(0)
signal.signal(signal.SIGTERM, end)
print("here", flush=True)
while True:
    signal.pause()
"""


def part_of(folder: StateFolder, command: Sequence[str] = HOLDER) -> subprocess.Popen[str]:
    """A running part that shares the folder's claim."""
    part = subprocess.Popen(
        [*command, str(folder.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=[folder.lock.fileno()],
    )
    assert part.stdout is not None
    part.stdout.readline()
    return part


def test_a_folder_in_use_is_refused_with_its_owner(tmp_path: Path) -> None:
    """The sentence says which process to stop."""
    first, second = StateFolder(tmp_path), StateFolder(tmp_path)
    first.claim()

    with pytest.raises(StateFolderError, match=f"in use by the local stack of process {os.getpid()}"):
        second.claim()

    first.release()
    second.claim()
    second.release()


def test_leftovers_of_a_killed_stack_are_ended_before_the_next_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two generations never write to the same files: what does not end by itself is ended by force."""
    monkeypatch.setattr(stack_folder, "LEFTOVER_SECONDS", 0.2)
    killed = StateFolder(tmp_path)
    killed.claim()
    with part_of(killed) as leftover, subprocess.Popen([sys.executable, "-c", ""]) as owner:
        killed.write_note({"pids": {"app": leftover.pid, "stack": owner.pid}})
        (tmp_path / "stack.lock").write_text(str(owner.pid))
        killed.lock.close()
        os.waitid(os.P_PID, owner.pid, os.WEXITED | os.WNOWAIT)  # dead, but its starter has not looked yet

        following = StateFolder(tmp_path)
        following.claim()

        assert leftover.wait(5) != 0
    assert following.read_note() == {}
    following.release()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing tells the parts of a killed stack to end")
def test_a_part_that_is_ending_by_itself_is_given_the_time(tmp_path: Path) -> None:
    """Linux told it to end when its stack was killed; told again, the storage emulator would lose its last seconds."""
    killed = StateFolder(tmp_path)
    killed.claim()
    with part_of(killed, [sys.executable, "-c", ORDERLY]) as leftover:
        killed.write_note({"pids": {"blob": leftover.pid}})
        (tmp_path / "stack.lock").write_text("")
        killed.lock.close()
        leftover.terminate()  # as the kernel does

        following = StateFolder(tmp_path)
        following.claim()

        assert leftover.wait(5) == 0
    following.release()


def test_an_unusable_folder_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """A file in the way is named."""
    (tmp_path / "file").touch()

    with pytest.raises(StateFolderError, match="file/state cannot be used for the state: Not a directory"):
        StateFolder(tmp_path / "file" / "state").claim()


def test_a_foreign_process_with_a_noted_id_is_left_alone(tmp_path: Path) -> None:
    """Process ids are reused: a noted one is ended only if its command line names the folder."""
    folder = StateFolder(tmp_path)
    folder.claim()
    folder.write_note({"pids": {"app": os.getppid()}})

    assert folder._leftovers() == []

    folder.release()


def test_the_note_is_complete_or_absent(tmp_path: Path) -> None:
    """Readers find the addresses while the stack runs, and nothing afterwards."""
    folder = StateFolder(tmp_path)
    folder.claim()

    folder.write_note({"app": "http://127.0.0.1:8000"})
    during = json.loads((tmp_path / "stack.json").read_text())
    folder.release()

    assert during == {"app": "http://127.0.0.1:8000"}
    assert not (tmp_path / "stack.json").exists()


def test_a_fresh_start_forgets_what_stacks_made_and_nothing_else(tmp_path: Path) -> None:
    """A folder that somebody names by mistake, their project's or home, keeps all that is theirs."""
    folder = StateFolder(tmp_path / "state")
    folder.claim()
    (folder.path / "blob").mkdir()
    (folder.path / "blob" / "video").touch()
    (folder.path / "stack.json").touch()
    (folder.path / "thesis").mkdir()
    (folder.path / "thesis" / "final.odt").touch()

    folder.wipe()

    assert sorted(entry.name for entry in folder.path.iterdir()) == ["stack.lock", "thesis"]
    assert (folder.path / "thesis" / "final.odt").exists()
    folder.release()
