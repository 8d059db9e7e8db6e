"""The words of the matrix: which call of which function, before or after its effect, meets what.

A cell is `row/effect/when/kind`, for example `submit_render/create_record(claims)/after/killed`. A row is a function of
the app, an effect one of the calls that it makes to storage, to the video service or to the durable backend. Where an
ordinary run does not get to a call, the effect names the scenario that does: `find(upstream)@doubt`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.names import ACTIVITIES

ROWS: Final = (*ACTIVITIES, "generate", "cancel", "sweep")
"""Every function that does something: the activities, and those that the outside world sets off."""


class Port(StrEnum):
    """Who is called."""

    STORE = "storage"
    UPSTREAM = "upstream"
    BACKEND = "durable backend"


class When(StrEnum):
    """On which side of the effect a fault strikes."""

    BEFORE = "before"
    AFTER = "after"


class Kind(StrEnum):
    """What can happen to a call, as far as the app's ports can tell it apart."""

    KILLED = "killed"
    """The process dies."""

    UNAVAILABLE = "unavailable"
    """Storage: `StorageUnavailable`, which a 503, a time-out, a refused 409 and a reset all are; after: reply lost."""

    HANGS = "hangs"
    """No answer ever comes, and a deadline of the app cuts the call off."""

    OVERTAKEN = "overtaken"
    """Storage: somebody else has written the record first, so a conditional write finds another version."""

    THROTTLED = "429"
    """The video service has no time for this call."""

    FAILING = "5xx"
    """The video service, or a gateway before it, answers 500 or 502."""

    NO_ANSWER = "no answer"
    """A time-out, a reset, an answer that is cut off or withheld."""

    UNREACHED = "unreached"
    """No connection came about: certainly nothing was done."""

    GARBAGE = "garbage"
    """An answer of success that makes no sense, or bytes that are no video."""

    TRUNCATED = "truncated"
    """Half a file."""

    FORGOTTEN = "forgotten"
    """The video service no longer knows the render."""

    REFUSED = "refused"
    """The durable backend answers with an error."""

    BROKEN = "broken"
    """The connection to the durable backend breaks."""

    LOST = "lost"
    """The message is taken, and never arrives."""

    TWICE = "twice"
    """The message, the activity or the request arrives twice, one after the other."""

    AT_ONCE = "at once"
    """The activity runs, or the request is answered, twice at the same time."""

    STALE = "stale"
    """All earlier runs of the activity happen once more after each later activity of their job."""

    LATE = "late"
    """The activity runs once more, or the start arrives, long after everything has ended."""

    OUTAGE = "ten minutes"
    """From this call on, everything at this port fails for ten minutes."""


@dataclass(frozen=True)
class Effect:
    """One call that a function makes: the `nth` of this name and area within an invocation."""

    call: str
    area: str
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.call}({self.area})" + (f"#{self.nth}" if self.nth > 1 else "")

    @property
    def port(self) -> Port:
        """Whom it calls."""
        return {"upstream": Port.UPSTREAM, "story": Port.BACKEND}.get(self.area, Port.STORE)


@dataclass(frozen=True)
class Strike:
    """What happens to a call."""

    kind: Kind
    when: When

    def __str__(self) -> str:
        return f"{self.when}/{self.kind}"


DELIVERY: Final = Effect("delivery", "function")
"""Stands for the call of the function itself, which a queue may deliver more than once."""


@dataclass(frozen=True)
class Cell:
    """One test: in that scenario, this happens to the first call of that kind by that function."""

    row: str
    scenario: str
    effect: Effect
    strike: Strike

    def __str__(self) -> str:
        scene = "" if self.scenario == "plain" else f"@{self.scenario}"
        return f"{self.row}/{self.effect}{scene}/{self.strike}"
