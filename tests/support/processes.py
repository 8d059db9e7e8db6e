"""Ends what a test has started."""

import subprocess

STOP_SECONDS = 10.0


def end(process: "subprocess.Popen[bytes]") -> None:
    """Tell a process to end, and kill it where it has not after ten seconds; it is gone on return."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
