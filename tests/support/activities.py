"""What the tests of activities share: fakes put together as `Services`, a clock that is set, payloads."""

import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from activities.submit_render import submit_render
from devtools.fakes.fake_instances import FakeInstances
from devtools.fakes.fake_provider import FakeVideoProvider
from devtools.fakes.fake_queue import FakeMessageQueue
from devtools.fakes.fake_sink import FakeEventSink
from devtools.fakes.in_memory_store import InMemoryStore
from shared.errors import AppError, ProviderAmbiguous
from shared.jobs.ids import JobId
from shared.jobs.models import (
    FlowSettings,
    RenderSpec,
    SubmitRenderInput,
    SubmitRenderResult,
    UnknownSubmissionRule,
)
from shared.ledger.submissions import SETTLE_SECONDS
from shared.wiring import Limits, Services
from tests.support.builders import FLOW, JOB_ID

START = datetime(2026, 1, 1, 12, 0, 0, 700_000, tzinfo=UTC)
SPEC = RenderSpec(prompt="a calm lake", seconds=5, width=1280, height=720)
OTHER_JOB_ID = JobId("01jyg74z6ee6e9y23ceq2fmwc5")


@dataclass
class World:
    """A store, a video service and a clock that only moves when told; the death of the process leaves them alone."""

    now: datetime = START
    limits: Limits = field(default_factory=Limits)
    instances: FakeInstances = field(default_factory=FakeInstances)
    store: InMemoryStore = field(init=False)
    provider: FakeVideoProvider = field(init=False)
    kept: dict[str, Any] = field(default_factory=dict)
    sinks: dict[str, FakeEventSink] = field(default_factory=dict)
    queues: dict[str, FakeMessageQueue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = InMemoryStore(self.clock)
        self.provider = FakeVideoProvider(now=self.clock)

    def clock(self) -> datetime:
        """Return the time that it is here."""
        return self.now

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    @property
    def services(self) -> Services:
        """What an activity is given."""
        flow = FlowSettings.model_validate(FLOW)
        return Services(
            provider=self.provider,
            store=self.store,
            flow=flow,
            now=self.clock,
            limits=self.limits,
            instances=self.instances,
            sinks=self.sinks,
            queues=lambda name: self.queues.setdefault(name, FakeMessageQueue()),
            kept=self.kept,
        )


class Killed(BaseException):
    """The process died at this point: nothing that is written to survive errors gets to run on it."""


def submission(job_id: str = JOB_ID, rule: UnknownSubmissionRule = "fail") -> SubmitRenderInput:
    """Return the input of `submit_render`, with an hour from `START` to get the job accepted."""
    return SubmitRenderInput(
        job_id=JobId(job_id), spec=SPEC, unknown_submission=rule, give_up_at=START + timedelta(hours=1)
    )


async def in_doubt() -> World:
    """Return a world where the job's submission has been on record for long enough, and no answer ever came."""
    world = World()
    world.provider.script("submit", ProviderAmbiguous("submission_unknown", "no answer"))
    with contextlib.suppress(ProviderAmbiguous):
        await submit_render(submission(), world.services)
    world.later(SETTLE_SECONDS)
    world.provider.calls.clear()
    return world


async def until_known(world: World) -> SubmitRenderResult:
    """Run the activity again as the story does, at most so often."""
    for _ in range(5):
        world.later(15)
        try:
            return await submit_render(submission(), world.services)
        except AppError as error:
            assert error.retryable, error  # noqa: PT017 - a try that fails for good fails the test
    raise AssertionError("never known")
