"""Jobs by queue: 50 orders, some sent twice, while the host is killed at random; every event arrives, in order.

The sender is one that wants to be sure: what it has not heard of after a while it sends again, under the same id. (A
killed host's messages stay hidden for ten minutes, as on Azure; they would come back, but later than this trial ends.)
"""

import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

from azure.core.messaging import CloudEvent

from devtools.stack import Stack
from tests.soak.plan import dice
from tests.soak.report import Report, counts
from tests.soak.run import RENDER_SECONDS, SETTINGS
from tests.soak.service import ServiceControl
from tests.support.queues import Queues, data
from tests.support.stack import running_stack

ORDERS: Final = 50
TWICE: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 1.0
KILLS: Final = 12
SECONDS_BETWEEN_KILLS: Final = 5.0
SECONDS_UNTIL_SENT_AGAIN: Final = 15.0
LONGEST_WAIT_SECONDS: Final = 240.0
"""A sweep comes once a minute, and a job may need two of them after a kill."""

ALL: Final = ["queued", "processing", "completed"]


def jobs_by_queue(folder: Path, seed: int) -> Report:
    """Run it, on a stack of its own; what is wrong is in the report."""
    with running_stack(folder, render_seconds=RENDER_SECONDS, env=SETTINGS) as stack, Queues(stack.queue) as queues:
        trial = _Trial(stack, queues, seed)
        trial.run()
        report = trial.report()
        if report.problems:
            report.logs = stack.supervisor.tails()
        return report


class _Trial:
    """A sender, a listener and somebody who kills the host, in turn."""

    def __init__(self, stack: Stack, queues: Queues, seed: int) -> None:
        self._stack, self._queues, self._seed = stack, queues, seed
        self._began = time.monotonic()
        self._sent_at: dict[str, float] = {}
        self._sent = Counter[str]()
        self._kills = 0

    def run(self) -> None:
        """Send, kill and listen until all has been told, or it is too late for that."""
        chance = dice(self._seed, "by queue")
        to_send = [self._name(number) for number in range(ORDERS)]
        next_kill = self._began + chance.uniform(0, SECONDS_BETWEEN_KILLS)
        while (to_send or not self._is_over()) and time.monotonic() < self._began + LONGEST_WAIT_SECONDS:
            if to_send:
                name = to_send.pop()
                self._send(name, times=2 if chance.random() < TWICE else 1)
            if self._kills < KILLS and time.monotonic() >= next_kill:
                self._stack.kill("app")
                self._stack.restart("app")
                self._kills += 1
                next_kill = time.monotonic() + chance.uniform(0, 2 * SECONDS_BETWEEN_KILLS)
            self._queues.listen()
            self._send_again()
            time.sleep(chance.uniform(0, LONGEST_PAUSE_SECONDS))
        self._queues.listen()

    def report(self) -> Report:
        """Return what came of it, and everything that should not have."""
        report = Report()
        renders = Counter(str(render["prompt"]) for render in ServiceControl(self._stack.simulator).renders())
        told = {name: self._queues.told(name) for name in self._sent}
        jobs = {name: {data(event)["job_id"] for event in self._of(name)} for name in self._sent}
        ids = [event.id for event in self._queues.events]
        report.row("orders", f"{len(told)}, sent {self._sent.total()} times")
        report.row("kills of the host", str(self._kills))
        ends = Counter(words[-1] if words else "unheard of" for words in told.values())
        report.row("ended", counts(ends, ("completed",)))
        report.row("renders", f"{renders.total()} for {len(renders)} orders")
        report.row("events", f"{len(ids)}, {len(ids) - len(set(ids))} of them once more")
        report.row("took", f"{time.monotonic() - self._began:.0f} s")
        for name, words in told.items():
            if words != ALL:
                report.problems.append(f"{name} was told as {words}")
            if len(jobs[name]) != 1:
                report.problems.append(f"{name} became {len(jobs[name])} jobs")
            if renders[f"Order {name}"] != 1:
                report.problems.append(f"{name} was rendered {renders[f'Order {name}']} times")
        if self._kills < KILLS:
            report.problems.append(f"the host was killed {self._kills} times only")
        return report

    def _name(self, number: int) -> str:
        return f"{number} of {self._seed}"

    def _of(self, name: str) -> list[CloudEvent[Any]]:
        return [event for event in self._queues.events if data(event).get("id") == name]

    def _send(self, name: str, times: int = 1) -> None:
        for _ in range(times):
            self._queues.order(f"Order {name}", name)
        self._sent[name] += times
        self._sent_at[name] = time.monotonic()

    def _send_again(self) -> None:
        for name, at in self._sent_at.items():
            if time.monotonic() >= at + SECONDS_UNTIL_SENT_AGAIN and not self._queues.told(name):
                self._send(name)

    def _is_over(self) -> bool:
        return self._kills >= KILLS and all(self._queues.told(name)[-1:] == ["completed"] for name in self._sent)
