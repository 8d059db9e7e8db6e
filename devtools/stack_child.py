"""Becomes another program that ends when the process that started it is gone. Standard library only; run as a script.

    python stack_child.py <pid of the starter> <command> [argument ...]

Linux sends SIGTERM to the program when its starter dies, even by `kill -9`, so that no orphan keeps ports and files.
Elsewhere it simply becomes the program. A wrapper rather than code between fork and exec, which is unsafe as soon as
the starter has threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h; the setting survives exec


def main() -> None:
    """Tie this process to its starter, then become the command."""
    starter, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != starter:
        return  # it died before it could be watched
    os.execvp(command[0], command)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main()
