"""How long a listener rests before it looks at an empty queue again.

Source: Azure/azure-sdk-for-net, `Timers/RandomizedExponentialBackoffStrategy.cs` and `QueuePollingIntervals.cs` of the
storage extensions.
"""

import random
from datetime import timedelta

SHORTEST = timedelta(milliseconds=100)
_JITTER = 0.2


class Backoff:
    """Rests that grow: the shortest one, then that and 1, 2, 4, ... times as much, a fifth more or less at random.

    From the moment that a rest would be `longest` or more, all of them are `longest`, until messages are found.
    """

    def __init__(self, longest: timedelta) -> None:
        self._longest = longest
        self._steps = 0
        self._is_longest = False

    def rest(self, *, has_found: bool) -> timedelta:
        """The next rest; `has_found` says that there were messages since the last one."""
        if has_found:
            self._steps, self._is_longest = 1, False
            return SHORTEST
        if self._is_longest:
            return self._longest
        rest = SHORTEST
        if self._steps:
            rest += SHORTEST * (2 ** (self._steps - 1)) * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311
        if rest >= self._longest:
            self._is_longest = True
            return self._longest
        self._steps += 1
        return rest
