"""One service of the storage emulator, in a process of its own and without files."""

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from time import monotonic, sleep

import pytest

from devtools.environment_node import find_node
from devtools.stack_ports import HOST, free_row
from devtools.stack_settings import ACCOUNT, ACCOUNT_KEY
from tests.support.processes import end

PROGRAMS = Path(__file__).parents[2] / "node_modules" / ".bin"
START_SECONDS = 30.0


@contextmanager
def running_azurite(service: str = "blob", port: int | None = None) -> Iterator[str]:
    """An empty emulator; gives the connection string, and ends the process at the end. Skips where it is not there.

    `service` is `blob` or `queue`; without `port` it listens on any free one.
    """
    node, program = find_node(Path(sys.prefix), os.environ), PROGRAMS / f"azurite-{service}"
    if node is None or not program.exists():
        pytest.skip("the storage emulator is not installed: run `make up` or `npm ci` once")
    port = port or free_row(1)[0]
    command = [str(node), str(program), f"--{service}Port", str(port), "--inMemoryPersistence"]
    with TemporaryFile() as log:
        process = subprocess.Popen(
            [*command, "--skipApiVersionCheck", "--silent", "--disableTelemetry"], stdout=log, stderr=log
        )
        try:
            _wait_until_it_answers(process, port)
            yield connection_string(port, service)
        finally:
            end(process)


def connection_string(port: int, service: str = "blob") -> str:
    """What the SDK takes for an emulator on `port`."""
    return (
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
        f"{service.capitalize()}Endpoint=http://{HOST}:{port}/{ACCOUNT};"
    )


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = monotonic() + START_SECONDS
    while not _answers(port):
        assert process.poll() is None, f"the storage emulator ended with status {process.returncode}"
        assert monotonic() < deadline, f"the storage emulator did not answer within {START_SECONDS:.0f} s"
        sleep(0.05)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except OSError:
        return False
    finally:
        connection.close()
    return True
