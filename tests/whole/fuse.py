"""The death of the process, at a call to the outside that is chosen beforehand."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from tests.support.activities import Killed


class Fuse:
    """Counts a process's calls to its surroundings, and ends it at the one that was chosen.

    Once it has burnt down, nothing that is left of the process reaches anything, until it is renewed for the next one.
    """

    def __init__(self) -> None:
        self.blown = False
        self._calls_left: int | None = None
        self._after_effect = False

    def light(self, calls: int, *, after_effect: bool) -> None:
        """Let the process die at that call from now on (1 is the next), before its effect or after it."""
        self._calls_left, self._after_effect = calls, after_effect

    def renew(self) -> None:
        """Begin with a new process, which lives on."""
        self.blown, self._calls_left = False, None

    @contextmanager
    def call(self) -> Iterator[None]:
        """Make a call; raises `Killed` before or after it where the process dies at it, or has died."""
        dies_after = self.reached()
        try:
            yield
        finally:
            if dies_after:
                self.blow()

    def reached(self) -> bool:
        """Count a call, and say whether the process is to die after its effect; raise `Killed` where it dies before."""
        if self.blown:
            raise Killed
        if self._calls_left is None:
            return False
        self._calls_left -= 1
        if self._calls_left > 0:
            return False
        self._calls_left = None
        if not self._after_effect:
            self.blow()
        return True

    def blow(self) -> NoReturn:
        """End the process."""
        self.blown = True
        raise Killed
