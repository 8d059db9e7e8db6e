"""How a story performs one stage: call the activity, read its outcome, wait and try again until the stage's deadline.

All decisions are made from the job's own settings, the outcomes in history and the time of the episode.
"""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any, TypeVar

from orchestrators.context import Context
from shared.errors import FailureCode
from shared.jobs.lifecycle import custom_status
from shared.jobs.models import Failure, FlowSettings, Outcome, Payload, Stage, StoryState
from shared.jobs.policy import WAITS_PER_EXECUTION, last_moment, may_retry, next_wake, poll_delay, retry_delay
from shared.logs import log_for

Result = TypeVar("Result", bound=Payload)

_HOST_FAILURE = Failure(code="internal", reason="unexpected", retryable=True)
"""The host could not run the activity or lost its answer (it was killed for taking too long, for instance)."""


class StageFailed(Exception):
    """The stage cannot succeed any more."""

    def __init__(self, code: FailureCode) -> None:
        super().__init__(code)
        self.code = code


class HistoryFull(Exception):
    """This execution has written enough history; the story goes on in the next one."""


class Storyteller:
    """The moving parts of one execution of a story; `state` is what the next execution needs to know."""

    def __init__(self, context: Context, flow: FlowSettings, state: StoryState) -> None:
        self._context = context
        self._flow = flow
        self._waits_here = 0
        self.state = state
        self._show()

    @property
    def deadline(self) -> datetime:
        """When the current stage must have ended."""
        return self.state.deadline or self._context.current_utc_datetime

    def begin(self, stage: Stage, timeout_seconds: float) -> None:
        """Start the first stage, unless an earlier execution did."""
        if self.state.deadline is None:
            self.enter(stage, timeout_seconds)

    def enter(self, stage: Stage, timeout_seconds: float, **changes: object) -> None:
        """Go to a stage that must end within `timeout_seconds`; `changes` are further fields of the state."""
        deadline = self._context.current_utc_datetime + timedelta(seconds=timeout_seconds)
        self._change(stage=stage, deadline=deadline, tries=0, waits=0, **changes)

    def show_progress(self, progress: int | None) -> None:
        """Show how far the render is; never further back than before."""
        if progress is not None:
            self._change(progress=max(progress, self.state.progress or 0))

    def count_fetch(self) -> None:
        """Remember that a copy of the file is being made, unless an earlier execution began with this one."""
        if self.state.tries == 0:
            self._change(fetches=self.state.fetches + 1)

    def perform(self, activity: str, payload: Payload, result: type[Result]) -> Generator[Any, Any, Result]:
        """Run an activity until it succeeds; raise `StageFailed` where it will not, or not in time."""
        while True:
            outcome = yield from self._call(activity, payload)
            if outcome.failure is None:
                self._change(tries=0)
                return result.model_validate(outcome.value)
            yield from self._wait_after(outcome.failure, activity)

    def wait_for_next_look(self) -> Generator[Any, Any, None]:
        """Wait until the render is worth another look; raise `StageFailed` where its deadline has passed."""
        delay = poll_delay(self._flow, self.state.waits)
        self._change(waits=self.state.waits + 1)
        yield from self._wait(delay, self.deadline, "upstream_timeout")

    def _call(self, activity: str, payload: Payload) -> Generator[Any, Any, Outcome]:
        try:
            answer = yield self._context.call_activity(activity, payload.model_dump(mode="json"))
            return Outcome.model_validate(answer)
        except Exception:  # noqa: BLE001 - the SDK raises bare Exception for every failed activity
            return Outcome(failure=_HOST_FAILURE)

    def _wait_after(self, failure: Failure, activity: str) -> Generator[Any, Any, None]:
        tries = self.state.tries + 1
        self._change(tries=tries)
        if not self._context.is_replaying:
            log_for(self._context.instance_id).warning("%s failed (%s, try %d)", activity, failure.reason, tries)
        if not may_retry(failure, tries):
            raise StageFailed(failure.code)
        delay = retry_delay(self._flow, tries, failure)
        yield from self._wait(delay, last_moment(self.deadline, failure), failure.code)

    def _wait(self, delay: timedelta, until: datetime, too_late: FailureCode) -> Generator[Any, Any, None]:
        wake = next_wake(self._context.current_utc_datetime, delay, until)
        if wake is None:
            raise StageFailed(too_late)
        yield self._context.create_timer(wake)
        self._waits_here += 1
        if self._waits_here >= WAITS_PER_EXECUTION:
            raise HistoryFull

    def _change(self, **changes: object) -> None:
        self.state = self.state.model_copy(update=changes)
        self._show()

    def _show(self) -> None:
        self._context.set_custom_status(
            custom_status(
                accepted=self.state.upstream_id is not None, stage=self.state.stage, progress=self.state.progress
            )
        )
