"""A tiny server in place of a part of the stack.

    python -m tests.support.stand_in <port> [--ignore-sigterm] [--never-ready] [--exit STATUS] [--with-helper]

It answers 200 to everything and prints a line when it starts and when it is told to end.
"""

import argparse
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType


class Answer(BaseHTTPRequestHandler):
    """200 and nothing else."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silent: tests read the log."""


def end(_number: int, _frame: FrameType | None) -> None:
    """Leave as the real parts do."""
    sys.stdout.write("asked to end\n")
    sys.exit(0)


def main() -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--ignore-sigterm", action="store_true")
    parser.add_argument("--never-ready", action="store_true")
    parser.add_argument("--exit", type=int)
    parser.add_argument("--with-helper", action="store_true")
    options = parser.parse_args()

    sys.stdout.write("started\n")
    if options.with_helper:
        helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        sys.stdout.write(f"{helper.pid}\n")
    sys.stdout.flush()
    if options.exit is not None:
        sys.exit(options.exit)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if options.ignore_sigterm else end)
    if options.never_ready:
        time.sleep(600)
    ThreadingHTTPServer(("127.0.0.1", options.port), Answer).serve_forever()


if __name__ == "__main__":
    main()
