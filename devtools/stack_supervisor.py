"""Starts the parts of a stack, watches them, ends them. Knows nothing about what the parts are."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event
from time import monotonic
from typing import IO, Self

from devtools.stack_process import Part, PartProcess

LOOK_SECONDS = 0.05


class PartFailedError(Exception):
    """A part did not start or ended by itself; the text names it, says how, and quotes the end of its log."""


class InterruptedStartError(Exception):
    """The start was given up because somebody asked for it."""


class Supervisor:
    """The parts in the order of their start, in waves: a wave starts when all of the one before are ready.

    They are ended in the opposite order: whoever uses a part goes before it. A supervisor is used once.
    """

    def __init__(self, waves: Sequence[Sequence[Part]], lock: IO[str], hurry: Event | None = None) -> None:
        self._waves = waves
        self._lock = lock
        # Linux ends a part with the very thread that started it, so one thread starts them all and stays.
        self._launcher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stack-launcher")
        self._running: dict[str, PartProcess] = {}
        self.hurry = hurry or Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pids(self) -> dict[str, int]:
        """The process id of each part that was started, by name."""
        return {name: process.pid for name, process in self._running.items()}

    def start(self, interrupted: Event | None = None) -> None:
        """Start everything and wait until it is ready; after PartFailedError or InterruptedStartError, call `stop`."""
        for wave in self._waves:
            for part in wave:
                self._launch(part)
            self._wait_until_ready([part.name for part in wave], interrupted or Event())

    def restart(self, name: str) -> None:
        """Start one part again, as it was started before, and wait until it is ready."""
        part = self._running[name].part
        self._running[name].stop(self.hurry)
        self._launch(part)
        self._wait_until_ready([name], Event())

    def end(self, name: str) -> None:
        """End one part in an orderly way, as an outage that it was warned of."""
        self._running[name].stop(self.hurry)

    def kill(self, name: str) -> None:
        """End one part as a crash would."""
        self._running[name].kill()

    def check(self) -> None:
        """PartFailedError if a part has ended by itself."""
        for process in self._running.values():
            if (how := process.ended()) is not None:
                raise PartFailedError(_report(process, f"ended by itself ({how})"))

    def stop(self) -> None:
        """End every part, the last one started first; within a moment if `hurry` is set meanwhile."""
        with ExitStack() as every:  # one that cannot be ended must not save the others
            every.callback(self._launcher.shutdown)
            for process in self._running.values():
                every.callback(process.stop, self.hurry)

    def tails(self) -> str:
        """The last lines of every part's log, under their titles."""
        return "\n".join(f"{process.part.title}:\n{process.tail()}" for process in self._running.values())

    def _launch(self, part: Part) -> None:
        self._running[part.name] = PartProcess(part, self._launcher, self._lock)

    def _wait_until_ready(self, names: Iterable[str], interrupted: Event) -> None:
        waiting = [self._running[name] for name in names]
        began = monotonic()
        while waiting := [process for process in waiting if not process.is_ready()]:
            for process in waiting:
                if (how := process.ended()) is not None:
                    raise PartFailedError(_report(process, f"ended while starting ({how})"))
                if monotonic() > began + process.part.ready_seconds:
                    raise PartFailedError(_report(process, f"was not ready within {process.part.ready_seconds:.0f} s"))
            if interrupted.wait(LOOK_SECONDS):
                raise InterruptedStartError


def _report(process: PartProcess, what: str) -> str:
    return f"The {process.part.title} {what}. The end of {process.part.log}:\n{process.tail()}"
