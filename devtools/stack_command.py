"""`up`: the stack in the foreground until Ctrl-C, SIGTERM or a closed terminal."""

import argparse
import json
import os
import re
import signal
import sys
from pathlib import Path
from threading import Event
from time import monotonic
from types import FrameType

from devtools.core_tools import NoCoreToolsError, find_core_tools
from devtools.host.local_settings import SettingsFileError
from devtools.stack import Stack
from devtools.stack_folder import StateFolderError
from devtools.stack_ports import PortTakenError
from devtools.stack_supervisor import InterruptedStartError, PartFailedError

LOOK_SECONDS = 0.25
# One Ctrl-C can arrive twice, through make and from the terminal; a second one by hand takes longer.
SAME_KEYSTROKE_SECONDS = 0.5
WORTH_SHOWING = re.compile(r"\S+ (WARNING|ERROR|CRITICAL)\b")

# Everything that keeps a stack from running and has a sentence for it.
STACK_PROBLEMS = (StateFolderError, PartFailedError, PortTakenError, SettingsFileError)


def run(arguments: argparse.Namespace) -> int:
    """Run the stack until somebody ends it (0) or it cannot go on (1)."""
    try:
        core_tools = find_core_tools(os.environ) if arguments.host == "func" else None
    except NoCoreToolsError as error:
        print(error, file=sys.stderr)
        return 1
    stack = Stack(
        arguments.state,
        port=arguments.port,
        render_seconds=arguments.render_seconds,
        settings=arguments.settings,
        core_tools=core_tools,
    )
    request = StopRequest(stack.hurry)
    try:
        tell("Starting the local stack ...")
        stack.start(request.requested)
    except InterruptedStartError:
        return 0
    except STACK_PROBLEMS as error:
        print(error, file=sys.stderr)
        return 1
    try:
        tell(greeting(stack))
        watch(stack, request.requested)
        tell("Stopping ...")
    except PartFailedError as error:
        tell(f"{error}\nStopping the rest ...")
        return 1
    finally:
        stack.stop()
    return 0


def tell(text: str) -> None:
    """Print to a terminal or pipe that may be gone by now, which must not disturb the stack."""
    try:
        print(text, flush=True)
    except OSError:
        # What could not be written is still buffered and would fail again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class StopRequest:
    """Turns signals into a wish that the main loop reads: the first one to stop, a later Ctrl-C to hurry."""

    def __init__(self, hurry: Event) -> None:
        self.requested = Event()
        self._hurry = hurry
        self._since = 0.0
        signal.signal(signal.SIGINT, self._receive)
        signal.signal(signal.SIGTERM, self._receive)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
            signal.signal(signal.SIGHUP, self._receive)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if not self.requested.is_set():
            self._since = monotonic()
            self.requested.set()
        elif number == signal.SIGINT and monotonic() - self._since > SAME_KEYSTROKE_SECONDS:
            self._hurry.set()


def watch(stack: Stack, stop: Event) -> None:
    """Show the app's warnings and errors until `stop`; PartFailedError when a part ends by itself."""
    warnings = WarningsOf(stack.folder.path / "logs" / "app.log")
    while not stop.wait(LOOK_SECONDS):
        for line in warnings.new():
            tell(line)
        stack.supervisor.check()


class WarningsOf:
    """The lines of a growing log that a person at the terminal should see."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._position = log.stat().st_size

    def new(self) -> list[str]:
        """Those that were completed since the last call."""
        try:
            with self._log.open("rb") as lines:
                if self._log.stat().st_size < self._position:  # somebody emptied it
                    self._position = 0
                lines.seek(self._position)
                complete = lines.read().rpartition(b"\n")[0]
        except FileNotFoundError:
            return []
        if complete:
            self._position += len(complete) + 1
        return [line for line in complete.decode(errors="replace").splitlines() if WORTH_SHOWING.match(line)]


def greeting(stack: Stack) -> str:
    """Where everything is, and a first request."""
    body = json.dumps({"prompt": "A golden retriever playing in a sunny park", "duration": 5})
    logs = stack.folder.path / "logs"
    return f"""
  Try it     {stack.app}/api/docs
  API        {stack.app}/api
  Simulator  {stack.urls["simulator"] or "not used: the settings name an upstream"}
  Storage    {stack.blob}
  Queues     {stack.queue}
  Logs       {logs}

  curl -X POST {stack.app}/api/generate -H 'Content-Type: application/json' -d '{body}'

Ctrl-C stops everything.
"""
