"""Where every call of the app to the outside passes: it is put on record, and meets its fate.

The tap knows which function makes a call, because it stands around the functions, too. After a death nothing of that
process gets anywhere any more, however many of its tasks are still about.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, NoReturn

from devtools.host.catalog import AppFunction, Catalog
from tests.faults.vocabulary import Effect, Kind, Port, Strike, When
from tests.support.activities import Killed

Call = Callable[..., Awaitable[Any]]

OUTAGE: Final = timedelta(minutes=10)

AnyStrike = object
"""A `Strike`, or what the wire matrix has for one; the tap looks at none but outages."""

_DOWN: Final = {
    Port.STORE: Strike(Kind.UNAVAILABLE, When.BEFORE),
    Port.UPSTREAM: Strike(Kind.FAILING, When.BEFORE),
    Port.BACKEND: Strike(Kind.REFUSED, When.BEFORE),
}
"""What every call meets in an outage."""


@dataclass(frozen=True)
class Invocation:
    """One run of a function, in one life of the process."""

    row: str
    life: int
    run: int
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)


_running: ContextVar[Invocation | None] = ContextVar("_running", default=None)


class Seen(NamedTuple):
    """A call on record."""

    row: str
    run: int
    effect: Effect


@dataclass
class Aim:
    """What is to happen to one call: once, when it comes."""

    row: str
    effect: Effect
    strike: AnyStrike
    run: int | None = None
    struck: bool = False

    def is_for(self, invocation: Invocation, effect: Effect) -> bool:
        """Say whether this is the call."""
        return (
            not self.struck
            and (self.row, self.effect) == (invocation.row, effect)
            and self.run in (None, invocation.run)
        )


class Tap:
    """See the module's docstring; `seen` are all calls so far."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.seen: list[Seen] = []
        self._now = now
        self._aims: list[Aim] = []
        self._twice: tuple[str, Kind] | None = None
        self._was_delivered = False
        self._stale: defaultdict[str | None, list[Callable[[], Awaitable[object]]]] = defaultdict(list)
        self._late: list[Callable[[], Awaitable[object]]] = []
        self._down: dict[Port, datetime] = {}
        self._life = 0
        self._alive = False
        self._runs: Counter[str] = Counter()

    def aim(self, row: str, effect: Effect, strike: AnyStrike, *, run: int | None = None) -> None:
        """Let the first such call of that function meet this; with `run`, only in that run of it."""
        self._aims.append(Aim(row, effect, strike, run))

    def not_struck(self) -> list[str]:
        """Return a sentence for everything that was to happen and did not."""
        missed = [f"{aim.row} never called {aim.effect}" for aim in self._aims if not aim.struck]
        if self._twice is not None and not self._was_delivered:
            missed.append(f"{self._twice[0]} was never called")
        return missed

    def deliver(self, row: str, kind: Kind) -> None:
        """Let every run of that function be followed, accompanied, or much later repeated by another one."""
        self._twice = (row, kind)

    def delivery_of(self, row: str) -> Kind | None:
        """Say how that function is delivered, where it is not simply once."""
        if self._twice is None or self._twice[0] != row:
            return None
        self._was_delivered = True
        return self._twice[1]

    def put_off(self, call: Callable[[], Awaitable[object]]) -> None:
        """Let something happen late."""
        self._late.append(call)

    async def deliver_late(self) -> bool:
        """Do what was put off, and say whether there was something."""
        late, self._late = self._late, []
        for call in late:
            await call()
        return bool(late)

    def begin_life(self) -> None:
        """The process starts."""
        self._life += 1
        self._alive = True

    def die(self) -> NoReturn:
        """End the process at this very moment."""
        self._alive = False
        raise Killed

    def meet(self, call: str, area: str) -> AnyStrike | None:
        """Put a call on record, and return what happens to it."""
        invocation = _running.get()
        if invocation is None:
            return None  # a test's own look
        if self._is_dead(invocation):
            raise Killed
        invocation.calls[call, area] += 1
        effect = Effect(call, area, invocation.calls[call, area])
        self.seen.append(Seen(invocation.row, invocation.run, effect))
        for aim in self._aims:
            if aim.is_for(invocation, effect):
                aim.struck = True
                if aim.strike != Strike(Kind.OUTAGE, When.BEFORE):
                    return aim.strike
                self._down[effect.port] = self._now() + OUTAGE
        return _DOWN[effect.port] if self.is_down(effect.port) else None

    def instrumented(self, catalog: Catalog) -> Catalog:
        """Return the app with the tap around each of its functions but the orchestrators, which call nothing."""
        return replace(
            catalog,
            http=tuple(replace(each, call=self._around(each, each.name)) for each in catalog.http),
            timers=tuple(replace(each, call=self._delivered(each, each.name)) for each in catalog.timers),
            activities={
                name: replace(each, call=self._delivered(each, each.durable_name))
                for name, each in catalog.activities.items()
            },
        )

    def is_down(self, port: Port) -> bool:
        """Say whether there is an outage."""
        return self._now() < self._down.get(port, self._now())

    def _is_dead(self, invocation: Invocation) -> bool:
        return not self._alive or invocation.life != self._life

    def _around(self, function: AppFunction, row: str) -> Call:
        original: Call = function.call
        while hasattr(original, "client_function"):  # the SDK's middleware, which makes a client of its own
            original = original.client_function

        async def call(*values: Any, **arguments: Any) -> Any:
            self._runs[row] += 1
            invocation = Invocation(row, self._life, self._runs[row])
            token = _running.set(invocation)
            try:
                return await original(*values, **arguments)
            finally:
                _running.reset(token)
                if self._is_dead(invocation):
                    raise Killed  # whatever it made of what it met, nobody hears of it

        return call

    def _delivered(self, function: AppFunction, row: str) -> Call:
        """Return the function as its queue calls it. A request is another thing: who asks twice sends two."""
        once = self._around(function, row)

        async def call(**arguments: Any) -> Any:
            match self.delivery_of(row):
                case Kind.AT_ONCE:
                    return (await asyncio.gather(once(**arguments), once(**arguments)))[1]
                case Kind.LATE:
                    self.put_off(lambda: once(**arguments))
                case Kind.TWICE:
                    await once(**arguments)
            result = await once(**arguments)
            job_id = arguments.get("payload", {}).get("job_id")
            for again in self._stale[job_id]:
                await again()
            if self.delivery_of(row) is Kind.STALE:
                self._stale[job_id].append(lambda: once(**arguments))
            return result

        return call
