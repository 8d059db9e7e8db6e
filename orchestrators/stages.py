"""How a story performs one stage: call the activity, read its outcome, wait and try again until the stage's deadline.

All decisions are made from the job's own settings, the outcomes in history, events and the time of the episode.
"""

import contextlib
from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any, TypeVar

from orchestrators.context import Context, Task, drop_timer, is_done
from shared.errors import THROTTLED, FailureCode
from shared.jobs.lifecycle import Step, custom_status, failed_output, particulars
from shared.jobs.models import Failure, FlowSettings, JobEnd, Outcome, Payload, Stage, StoryState
from shared.jobs.policy import (
    LONGEST_WAIT,
    WAITS_PER_EXECUTION,
    last_moment,
    may_retry,
    next_wake,
    poll_delay,
    retry_delay,
)
from shared.logs import log_for
from shared.names import CANCEL_JOB, SUBMIT_RENDER

Result = TypeVar("Result", bound=Payload)

_HOST_FAILURE = Failure(code="internal", reason="unexpected", retryable=True)
"""The host could not run the activity or lost its answer (it was killed for taking too long, for instance)."""


class StageFailed(Exception):
    """The stage cannot succeed any more."""

    def __init__(self, code: FailureCode) -> None:
        super().__init__(code)
        self.code = code


class ServiceIsFull(Exception):
    """The video service had no place for the job, although the job had one here."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


class HistoryFull(Exception):
    """This execution has written enough history; the story goes on in the next one."""


class Storyteller:
    """The moving parts of one execution of a story; `state` is what the next execution needs to know.

    A story of version 1 knows no place, cannot be cancelled, and shows less: jobs that began as such end as such.
    """

    def __init__(self, context: Context, flow: FlowSettings, state: StoryState, version: int) -> None:
        self._context = context
        self._flow = flow
        self._waits_here = 0
        self._is_version_1 = version == 1
        self._cancelled: Task | None = None if self._is_version_1 else context.wait_for_external_event(CANCEL_JOB)
        self.state = state
        self._show()

    @property
    def now(self) -> datetime:
        """The time of this episode."""
        return self._context.current_utc_datetime

    @property
    def deadline(self) -> datetime:
        """When the current stage must have ended."""
        return self.state.deadline or self.now

    def begin(self, stage: Stage, timeout_seconds: float) -> None:
        """Start the first stage, unless an earlier execution did."""
        if self.state.deadline is None:
            if not self._is_version_1:
                self._change(job_deadline=self.now + timedelta(seconds=self._flow.job_timeout_seconds))
            self.enter(stage, timeout_seconds)

    def enter(self, stage: Stage, timeout_seconds: float, **changes: object) -> None:
        """Go to a stage that must end within `timeout_seconds`; `changes` are further fields of the state."""
        deadline = self.now + timedelta(seconds=timeout_seconds)
        if self.state.job_deadline is not None:
            deadline = min(deadline, self.state.job_deadline)
        self._change(stage=stage, deadline=deadline, tries=0, waits=0, **changes)

    def change(self, **changes: object) -> None:
        """Change fields of the state that a story of version 1 does not have."""
        if not self._is_version_1:
            self._change(**changes)

    def note(self, step: Step) -> None:
        """Remember when a step was done, the first time that it is."""
        self.change(times={step: self.now, **self.state.times})

    def show_progress(self, progress: int | None) -> None:
        """Show how far the render is; never further back than before."""
        if progress is not None:
            self._change(progress=max(progress, self.state.progress or 0))

    def count_fetch(self) -> None:
        """Remember that a copy of the file is being made, unless an earlier execution began with this one."""
        if self.state.tries == 0:
            self._change(fetches=self.state.fetches + 1)

    def perform(
        self, activity: str, payload: Payload, result: type[Result], *, until: datetime | None = None
    ) -> Generator[Any, Any, Result]:
        """Run an activity until it succeeds; raise `StageFailed` where it will not, or not in time.

        The time is the stage's, or ends at `until`. Raises `ServiceIsFull` where a submission is refused for that.
        """
        while True:
            self._heed_cancellation()
            if activity == SUBMIT_RENDER:
                self.change(submits=self.state.submits + 1)
            outcome = yield from self._call(activity, payload)
            if outcome.failure is None:
                self._change(tries=0)
                return result.model_validate(outcome.value)
            yield from self._wait_after(outcome.failure, activity, until or self.deadline)

    def wait_for_next_look(self) -> Generator[Any, Any, None]:
        """Wait until the render is worth another look; raise `StageFailed` where its deadline has passed."""
        delay = poll_delay(self._flow, self.state.waits)
        self._change(waits=self.state.waits + 1)
        yield from self._wait(delay, self.deadline, "upstream_timeout")

    def wait_for(self, event: Task, until: datetime | None) -> Generator[Any, Any, bool]:
        """Wait for an event, and say whether it came; not beyond `until` and the stage's deadline.

        Raises `StageFailed` where that deadline has passed already.
        """
        if self.now >= self.deadline:
            raise StageFailed("rate_limited")
        wake = min(self.deadline, self.now + LONGEST_WAIT, *([until] if until is not None else []))
        yield from self._sleep(wake, event)
        return is_done(event)

    def decide(self, end: JobEnd) -> None:
        """Show how the job ends. From here on it is only tidied up, and nothing can change that end."""
        self._change(stage="close", end=end, tries=0, deadline=None)

    def tidy_up(
        self, activity: str, payload: Payload, result: type[Payload], seconds: float
    ) -> Generator[Any, Any, bool]:
        """Perform an activity that the job's end does not depend on, in so many seconds; False where it was given up.

        Nothing happens where an earlier execution has done so.
        """
        if activity in self.state.tidied_up:
            return True
        self._cancelled = None
        if self.state.deadline is None:
            self._change(deadline=self.now + timedelta(seconds=seconds))
        done = False
        with contextlib.suppress(StageFailed):
            yield from self.perform(activity, payload, result)
            done = True
        self._change(deadline=None, tries=0, tidied_up=(*self.state.tidied_up, activity))
        return done

    def _call(self, activity: str, payload: Payload) -> Generator[Any, Any, Outcome]:
        try:
            # Without what is not set: a field that a later version adds must not change what an older story asked for.
            answer = yield self._context.call_activity(activity, payload.model_dump(mode="json", exclude_none=True))
            return Outcome.model_validate(answer)
        except Exception:  # noqa: BLE001 - the SDK raises bare Exception for every failed activity
            return Outcome(failure=_HOST_FAILURE)

    def _wait_after(self, failure: Failure, activity: str, until: datetime) -> Generator[Any, Any, None]:
        tries = self.state.tries + 1
        self._change(tries=tries)
        if not self._context.is_replaying:
            log_for(self._context.instance_id).warning("%s failed (%s, try %d)", activity, failure.reason, tries)
        if activity == SUBMIT_RENDER and failure.reason == THROTTLED and not self._is_version_1:
            raise ServiceIsFull(failure)
        if not may_retry(failure, tries):
            raise StageFailed(failure.code)
        delay = retry_delay(self._flow, tries, failure)
        yield from self._wait(delay, last_moment(until, failure), failure.code)

    def _wait(self, delay: timedelta, until: datetime, too_late: FailureCode) -> Generator[Any, Any, None]:
        wake = next_wake(self.now, delay, until)
        if wake is None:
            raise StageFailed(too_late)
        yield from self._sleep(wake)
        self._waits_here += 1
        if self._waits_here >= WAITS_PER_EXECUTION:
            raise HistoryFull

    def _sleep(self, wake: datetime, *events: Task) -> Generator[Any, Any, None]:
        """Sleep until then, or until one of the events; raise `StageFailed` as soon as the job is cancelled."""
        timer = self._context.create_timer(wake)
        awaited = [*events, *([self._cancelled] if self._cancelled is not None else [])]
        if not awaited:
            yield timer
            return
        yield self._context.task_any([timer, *awaited])
        if any(is_done(task) for task in awaited):
            drop_timer(timer)
        self._heed_cancellation()

    def _heed_cancellation(self) -> None:
        if self._cancelled is not None and is_done(self._cancelled):
            raise StageFailed("cancelled")

    def _change(self, **changes: object) -> None:
        self.state = self.state.model_copy(update=changes)
        self._show()

    def _show(self) -> None:
        state = self.state
        shown = custom_status(
            accepted=state.accepted or state.upstream_id is not None, stage=state.stage, progress=state.progress
        )
        if not self._is_version_1:
            shown |= particulars(submits=state.submits, times=state.times, due=state.deadline)
        if state.end is not None:
            shown |= ended(state.end)  # due stays that of what is being tidied up
        self._context.set_custom_status(shown)


def ended(end: JobEnd) -> dict[str, object]:
    """Return what a story shows of how it ended."""
    how = {"status": end.status} if end.code is None else failed_output(end.code)
    return {**how, **particulars(submits=end.submits, times=end.times, expires_at=end.expires_at)}
