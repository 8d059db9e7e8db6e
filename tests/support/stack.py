"""The local stack for tests that need the real thing: storage emulator, simulator and app, over real HTTP.

@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    with running_stack(tmp_path_factory.mktemp("stack"), render_seconds=0.5) as stack:
        yield stack
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from devtools.stack import Stack

# What a program needs to run on this machine; anything else in a developer's shell could change what is tested.
MACHINE = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH")


def machine() -> dict[str, str]:
    """The variables of this machine, without any setting of the app."""
    return {name: os.environ[name] for name in MACHINE if name in os.environ}


@contextmanager
def running_stack(
    state: Path, *, render_seconds: float = 1.0, env: Mapping[str, str] | None = None, port: int = 0
) -> Iterator[Stack]:
    """A stack on `state`, stopped at the end; the same folder again goes on where it was.

    `env` are settings of the app that win over all others. The stack offers `app`, `simulator` and `blob` (addresses),
    `pids`, `kill(part)` and `restart(part)`. What fails inside the block gets the ends of all logs as a note, so that a
    test with a block of its own shows them; elsewhere, put `stack.supervisor.tails()` into the assertion's message.
    """
    with Stack(state, port=port, render_seconds=render_seconds, overrides=env, caller=machine()) as stack:
        try:
            yield stack
        except BaseException as error:
            error.add_note(f"Ends of the stack's logs:\n{stack.supervisor.tails()}")
            raise
