"""The life cycle of jobs over the API, against whatever can happen to the app, in whatever order.

The whole app runs in this process on a clock that skips: real functions on the durable engine. Hypothesis chooses what
callers, operators, the video service, storage, the durable backend and the process do; after every step all that
`promises.py` says must be true, and at the end, left in peace, everything must come to its end.

The same few stories every time, in half a minute; `make soak` tells others. For more of them:

    LIFE_CYCLE_EXAMPLES=5000 python -m pytest tests/whole/test_life_cycle.py

tells so many, random ones, for as long as that takes, and remembers those that fail (`.hypothesis/`).
"""

import asyncio
import os
from collections.abc import Coroutine
from collections.abc import Set as AbstractSet
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from devtools.fakes.fake_provider import ANSWER_LOST, BROKEN_OFF, AnswerLost, Operation, Outcome
from shared.api import jobs as jobs_route
from shared.errors import ProviderAmbiguous, ProviderRejected, ProviderThrottled, ProviderUnavailable
from shared.jobs import client as job_client
from shared.jobs.ids import JobId
from shared.names import PLACE_GRANTED
from shared.wiring import Limits
from tests.whole import on_record, promises
from tests.whole.life import Life
from tests.whole.shuffled_loop import ShuffledLoop
from tests.whole.troubled_app import troubled_app

EXAMPLES: Final = os.environ.get("LIFE_CYCLE_EXAMPLES")

FLOW: Final[dict[str, Any]] = {
    "wait_timeout_seconds": 3600,
    "submit_timeout_seconds": 900,
    "render_timeout_seconds": 1800,
    "store_timeout_seconds": 900,
    "job_timeout_seconds": 5400,
    "video_retention_seconds": 4 * 3600,
}
"""Shorter than in life, so that a story gets to all of it."""

LONGEST_END: Final = timedelta(hours=2, minutes=45)
"""After so long without trouble everything has ended: a job's time, an hour's patience with it, and some sweeps."""

DOWN, FULL = ProviderUnavailable("down on request"), ProviderThrottled("full on request")
LATER = ProviderThrottled("full on request", retry_after_seconds=90)
SILENCE = ProviderAmbiguous("submission_unknown", "no answer on request")
GARBLED = AnswerLost(ProviderAmbiguous("submission_unknown", "garbled on request", accepted=True))
REFUSED = ProviderRejected("content_policy", "refused on request")
NO_WAY = ProviderRejected("upstream_failed", "not on request")

OUTCOMES: Final[dict[Operation, list[Outcome]]] = {
    "submit": [FULL, LATER, DOWN, ANSWER_LOST, ANSWER_LOST, SILENCE, GARBLED, REFUSED],
    "look": [DOWN, FULL, LATER],
    "fetch": [DOWN, FULL, BROKEN_OFF],
    "find": [DOWN, FULL, NO_WAY],
    "cancel": [DOWN, FULL, NO_WAY, AnswerLost(DOWN)],
}

numbers = st.integers(0, 11)


class LifeCycle(RuleBasedStateMachine):
    """One app, from its first start to the end of all its jobs."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = ShuffledLoop()
        self._runner = asyncio.Runner(loop_factory=lambda: self._loop)
        self._stack = AsyncExitStack()
        self._sound = True

    @initialize(
        places=st.integers(1, 3),
        submits=st.sampled_from([None, None, 2]),
        looks=st.integers(1, 4),
        unknown=st.sampled_from(["fail", "fail", "resubmit"]),
        order=st.integers(0, 1000),
    )
    def start(self, places: int, submits: int | None, looks: int, unknown: str, order: int) -> None:
        """Start the app."""
        self._loop.seed(order)
        folder = self._stack.enter_context(TemporaryDirectory())
        limits = Limits(renders=places, submits_per_minute=submits)
        opened = troubled_app(
            Path(folder),
            limits=limits,
            looks_needed=looks,
            history_retention=timedelta(hours=2),
            unknown_submission=unknown,
            **FLOW,
        )
        self.app = self._do(self._stack.enter_async_context(opened))
        self.life = Life(self.app)
        self._held_before: AbstractSet[JobId] = set()
        self._homeless: list[str] = []
        self.app.service.on_render = lambda _: self._homeless.extend(
            map(str, promises.renders_without_a_place(self.app))
        )

    # What callers do.

    @rule()
    def submit(self) -> None:
        """Ask for a video."""
        self._do(self.life.submit())

    @rule(jobs=st.integers(2, 4))
    def submit_several(self, jobs: int) -> None:
        """Ask for several, one after the other."""
        for _ in range(jobs):
            self._do(self.life.submit())

    @rule()
    def submit_twin(self) -> None:
        """Ask for what others ask for, too."""
        self._do(self.life.submit_twin())

    @rule(key=st.sampled_from("ab"), variant=st.sampled_from([0, 0, 0, 1]), times=st.sampled_from([1, 1, 2]))
    def submit_with_key(self, key: str, variant: int, times: int) -> None:
        """Ask with a key, perhaps again, perhaps for something else, perhaps twice at once."""
        self._do(self.life.submit_with_key(key, variant, times=times))

    @precondition(lambda self: self.life.requests)
    @rule(number=numbers)
    def cancel(self, number: int) -> None:
        """Cancel a job, whatever it is doing."""
        self._do(self.life.cancel(number))

    # What time does.

    @rule(seconds=st.integers(1, 90))
    def seconds_pass(self, seconds: int) -> None:
        """Let a moment pass."""
        self._pass(seconds=seconds)

    @rule(minutes=st.integers(2, 30))
    def minutes_pass(self, minutes: int) -> None:
        """Let a while pass."""
        self._pass(minutes=minutes)

    @rule(hours=st.integers(1, 3))
    def hours_pass(self, hours: int) -> None:
        """Let a long time pass, with a sweep now and then."""
        self.app.sweep_minutes = 10
        self._pass(hours=hours)
        self.app.sweep_minutes = 1

    # What the process does.

    @rule()
    def die(self) -> None:
        """Die while nothing happens."""
        self._do(self.app.restart())

    @rule(calls=st.integers(1, 40), after_effect=st.booleans())
    def die_soon(self, calls: int, after_effect: bool) -> None:
        """Die at one of the next calls to storage or to the video service."""
        self.app.fuse.light(calls, after_effect=after_effect)

    @rule(places=st.integers(1, 3))
    def redeploy(self, places: int) -> None:
        """Be replaced by a process with another number of places."""
        self._held_before = on_record.places(self.app.storage).places.keys()
        self._do(self.app.redeploy(places))

    @rule(minutes=st.integers(1, 10))
    def forget_to_sweep(self, minutes: int) -> None:
        """Skip the sweep for a while."""
        self.app.no_sweep_before = self.app.clock.now() + timedelta(minutes=minutes)

    # What storage and the durable backend do.

    @rule(
        minutes=st.sampled_from([0.5, 3, 10, 30]),
        after=st.integers(0, 5),
        pattern=st.lists(st.sampled_from(["fails", "unheard", "well"]), min_size=1, max_size=4),
    )
    def storage_fails(self, minutes: float, after: int, pattern: list[Any]) -> None:
        """Have an outage of storage, perhaps in the middle of something."""
        self.app.storage.go_away(self.app.clock.now() + timedelta(minutes=minutes), pattern, after=after)

    @rule(events=st.integers(1, 3))
    def events_are_lost(self, events: int) -> None:
        """Lose the next events."""
        self.app.losses.events += events

    @rule(number=st.integers(0, 1000))
    def message_comes_again(self, number: int) -> None:
        """Have an activity run once more."""
        self._do(self.app.deliver_again(number))

    @precondition(lambda self: self.life.requests)
    @rule(number=numbers)
    def event_comes_for_no_reason(self, number: int) -> None:
        """Tell a story that it has a place."""
        job = self.life.job(number)
        if job is not None and self.app.is_there(job.job_id):
            self._do(self.app.client.signal(job.job_id, PLACE_GRANTED))

    @rule(becomes=st.sampled_from(["refused", "unheard", "late"]))
    def start_goes_wrong(self, becomes: Any) -> None:
        """Let the next start of a story go wrong."""
        self.app.losses.starts.append(becomes)

    @rule()
    def late_starts_arrive(self) -> None:
        """Deliver what was taken for lost."""
        self._do(self.app.client.arrive())

    # What the video service does.

    @rule(scripted=st.sampled_from([(kind, outcome) for kind, outcomes in OUTCOMES.items() for outcome in outcomes]))
    def call_goes_wrong(self, scripted: tuple[Operation, Outcome]) -> None:
        """Let a call of some kind go wrong, the next one that is made."""
        self.app.service.script(*scripted)

    @rule(minutes=st.sampled_from([0.5, 5, 45]))
    def service_is_away(self, minutes: float) -> None:
        """Let no call go through for a while."""
        self.app.service.go_away(self.app.clock.now() + timedelta(minutes=minutes))

    @precondition(lambda self: self.life.requests)
    @rule(number=numbers, fate=st.sampled_from(["fails", "is refused", "never ends", "is forgotten"]))
    def render_goes_wrong(self, number: int, fate: str) -> None:
        """Let one of the renders under way go wrong. Only what it has told of can the service forget."""
        running = self.app.service.running()
        if running:
            render = running[number % len(running)]
            if fate == "never ends":
                self.app.service.endless.add(render.upstream_id)
            elif fate != "is forgotten":
                render.failure = "upstream_failed" if fate == "fails" else "content_policy"
            elif promises.is_known(self.app, render):
                render.lost = True

    @rule(files=st.integers(1, 2))
    def files_are_wrong(self, files: int) -> None:
        """Deliver something else than videos."""
        self.app.service.wrong_files += files

    # What operators do.

    @precondition(lambda self: self.life.requests)
    @rule(number=numbers)
    def terminate(self, number: int) -> None:
        """End a job's story where it stands."""
        job = self.life.job(number)
        if job is not None and self.app.is_there(job.job_id):
            self._do(self.app.client.terminate(job.job_id, "an operator's wish"))

    @precondition(lambda self: self.life.requests)
    @rule(number=numbers)
    def suspend(self, number: int) -> None:
        """Pause a job's story; nobody has to think of it again."""
        if job := self.life.job(number):
            self.app.suspend(job.job_id)

    @precondition(lambda self: self.life.requests)
    @rule(number=numbers)
    def resume(self, number: int) -> None:
        """Let a job's story go on."""
        if job := self.life.job(number):
            self.app.resume(job.job_id)

    @precondition(lambda self: self.life.requests)
    @rule(number=numbers)
    def purge(self, number: int) -> None:
        """Forget a job's story, where its end is on record."""
        job = self.life.job(number)
        if job is not None and on_record.end(self.app.storage, job.job_id) is not None:
            self._do(self.app.client.purge_instance_history(job.job_id))

    # What must be true.

    @invariant()
    def promises_are_kept(self) -> None:
        """Hold everything against everything."""
        self._do(self.life.read_everything())
        promises.most_places(self.app, self._held_before)
        promises.no_job_is_paid_twice(self.life)
        promises.submits_keep_to_the_quota(self.app)
        promises.every_render_has_a_place(self.app)
        assert not self._homeless, f"began without a place: {self._homeless}"

    def teardown(self) -> None:
        """Leave it in peace, and see how it ends; after a failure, just stop."""
        try:
            if self._sound and hasattr(self, "life"):
                self._do(self._in_peace())
        finally:
            self._runner.run(self._stack.aclose())
            self._runner.close()

    async def _in_peace(self) -> None:
        self.app.heal()
        end = self.app.clock.now() + LONGEST_END
        while self.app.clock.now() < end:
            await self.app.pass_time(minutes=15)
            await self.life.read_everything()
        await promises.everything_has_ended(self.life)

    def _pass(self, **duration: float) -> None:
        if not self.life.is_old:
            self._do(self.app.pass_time(**duration))

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        sound, self._sound = self._sound, False
        done = self._runner.run(work)
        self._sound = sound
        return done


@pytest.mark.timeout(3600 if EXAMPLES else 600)
def test_every_job_ends_as_promised_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """No job is lost, paid twice, or left waiting, and nobody is told something else than before."""
    # Real time: what the app waits for in vain here, nobody will bring.
    monkeypatch.setattr(job_client, "READ_AGAIN_DEADLINE_SECONDS", 0.02)
    monkeypatch.setattr(job_client, "READ_AGAIN_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(jobs_route, "NOTICE_SECONDS", 0.02)
    monkeypatch.setattr(jobs_route, "LOOK_AGAIN_SECONDS", 0.01)
    chosen = settings(
        max_examples=int(EXAMPLES or 20),
        stateful_step_count=40,
        deadline=None,
        derandomize=not EXAMPLES,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )

    run_state_machine_as_test(LifeCycle, settings=chosen)
