"""Makes the trouble of a run: kills and restarts, and the errors of a service that has just been started."""

import asyncio
import contextlib
from collections.abc import Iterable
from random import Random
from time import sleep

import httpx

from tests.soak.plan import Kill
from tests.soak.run import Run
from tests.soak.service import ServiceControl
from tests.soak.trouble import script


class TroubleMaker:
    """Works on one run's stack, one thing after the other.

    The storage emulator is left alone: killed, it would forget writes that it has acknowledged, which no storage
    service does.
    """

    def __init__(self, run: Run, chance: Random) -> None:
        self._run = run
        self._chance = chance
        self._service = ServiceControl(run.stack.simulator)

    async def work(self, kills: Iterable[Kill], until: float) -> None:
        """Arm errors, kill what the plan says, and leave everything healthy at that moment of the run."""
        await asyncio.to_thread(self._arm)
        for kill in kills:
            await self._run.until(kill.at)
            await asyncio.to_thread(self._kill, kill)
        await self._run.until(until)
        await asyncio.to_thread(self._heal)

    def _arm(self) -> None:
        self._service.arm(script(self._chance))

    def _kill(self, kill: Kill) -> None:
        stack = self._run.stack
        stack.supervisor.check()  # what has ended by itself is no kill of ours
        if "simulator" in kill.victims:
            self._count_errors()
        for victim in kill.victims:
            stack.kill(victim)
            self._run.evidence.kills[victim] += 1
        sleep(kill.outage)
        for victim in kill.victims:
            stack.restart(victim)
        if "simulator" in kill.victims:
            self._arm()

    def _heal(self) -> None:
        self._count_errors()
        self._service.behave()
        self._run.evidence.calls = self._service.calls()

    def _count_errors(self) -> None:
        with contextlib.suppress(httpx.TransportError):  # too busy to be asked: then they are not counted
            self._run.evidence.errors += self._service.met()
