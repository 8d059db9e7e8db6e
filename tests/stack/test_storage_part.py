"""The storage emulator of the stack keeps what it has acknowledged, however it is told to end."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest
from azure.storage.blob import BlobServiceClient

from devtools.stack_settings import ACCOUNT_KEY
from tests.stack.test_supervisor import wait_until_gone
from tests.support.stack import running_stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]


def wait_until(condition: Callable[[], bool], description: str) -> None:
    deadline = monotonic() + 10
    while not condition():
        assert monotonic() < deadline, f"not within 10 s: {description}"
        sleep(0.001)


def test_being_told_to_end_twice_loses_nothing(tmp_path: Path) -> None:
    """Linux may send a signal for each thread of a killed stack; what was written a moment ago is still there."""
    log = tmp_path / "logs" / "blob.log"
    with running_stack(tmp_path) as stack, BlobServiceClient(stack.blob, credential=ACCOUNT_KEY) as storage:
        for number in range(20):  # enough to be written down for a while
            storage.create_container(f"kept-{number}")

        os.kill(stack.pids["blob"], signal.SIGTERM)
        wait_until(lambda: "is closing" in log.read_text(), "it has begun to end")
        os.kill(stack.pids["blob"], signal.SIGTERM)
        wait_until_gone(stack.pids["blob"])
        stack.restart("blob")

        assert len(list(storage.list_containers(name_starts_with="kept-"))) == 20
