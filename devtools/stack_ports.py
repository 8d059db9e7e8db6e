"""Ports of this machine: which are free, and who has the others."""

import random
import socket
import subprocess
import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

HOST = "127.0.0.1"
RELEASE_SECONDS = 2.0  # for a port whose owner is just ending
# Below the range that systems take for outgoing connections (Linux 32768, macOS 49152): a part that is killed and
# started again must find its port as it left it.
ANY_PORT = range(20_000, 30_000)
TRIES = 200


class PortTakenError(Exception):
    """The port that was asked for cannot be had; the text says why, and who has it."""


def is_free(port: int) -> bool:
    """Whether a server can listen on the port now."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: not stopped by old connections
        try:
            listener.bind((HOST, port))
            listener.listen()
        except PermissionError as error:
            raise PortTakenError(f"Port {port} is not for ordinary users; choose another with --port.") from error
        except (OSError, OverflowError):
            return False
    return True


def claimed(port: int) -> int:
    """The port itself, after waiting a moment for a former owner to let go; PortTakenError if it does not."""
    deadline = monotonic() + RELEASE_SECONDS
    while not is_free(port):
        if monotonic() > deadline:
            raise PortTakenError(f"Port {port} is in use{_by_whom(port)}; choose another with --port.")
        sleep(0.05)
    return port


def preferred(wanted: Sequence[int], *, promised: Collection[int] = ()) -> list[int]:
    """The wanted ports if all are free and none is promised to somebody else, else as many others in a row."""
    if all(port not in promised and is_free(port) for port in wanted):
        return list(wanted)
    return free_row(len(wanted), promised=promised)


def free_row(count: int, *, promised: Collection[int] = ()) -> list[int]:
    """Any `count` consecutive free ports, none of them promised."""
    for _ in range(TRIES):
        first = random.choice(ANY_PORT)  # noqa: S311 - nothing secret about a port
        row = list(range(first, first + count))
        if all(port not in promised and is_free(port) for port in row):
            return row
    raise PortTakenError(f"No {count} free ports in a row were found between {ANY_PORT.start} and {ANY_PORT.stop}.")


def _by_whom(port: int) -> str:
    """` by process 12 (its command)`, as far as this system tells; empty otherwise."""
    inode = _listener_inode(port)
    if inode is None:
        return ""
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if str(descriptor.readlink()) == f"socket:[{inode}]":
                pid = int(descriptor.parts[2])
                return f" by process {pid} ({command_line(pid)[:120]})"
    return ""


def _listener_inode(port: int) -> str | None:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:  # 0A: listening
                    return fields[9]
    return None


def command_line(pid: int) -> str:
    """The command of a running process, where the system shows it; empty otherwise."""
    if sys.platform == "linux":
        with suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        return ""
    asked = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return asked.stdout.strip()
