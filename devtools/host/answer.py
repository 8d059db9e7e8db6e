"""The orchestrator's answer, carried out against a replay: the list of actions, awaited one after the other.

A mirror of the Durable extension's shim for out-of-process languages: it awaits each action in order, ignores its
errors (the orchestrator has seen them already) and then fails, completes, or waits for ever.
"""

import json
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar

from devtools.host import jsontext
from devtools.host.dates import recognised
from devtools.host.failures import (
    STATE_LABEL,
    FunctionError,
    OrchestrationFailed,
    TaskFailed,
    TimerCancelled,
    UnknownFunctionError,
    orchestrator_failure,
)
from devtools.host.promises import Promise, start, when_all, when_any
from devtools.host.replay import Replay
from devtools.host.timestamps import from_text

logger = logging.getLogger(__name__)

_STATUS_LIMIT_KB = 16
_IGNORED = (TaskFailed, TimerCancelled, UnknownFunctionError)
_Action = Mapping[str, Any]


@dataclass(frozen=True)
class KnownNames:
    """The app's functions by lower-case name, to the name as registered: the engine ignores case."""

    orchestrators: Mapping[str, str]
    activities: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """What an orchestrator function returned for one episode."""

    actions: list[_Action]
    is_done: bool
    output: Any
    error: str | None
    custom_status: Any

    @classmethod
    def parse(cls, text: str) -> "Answer":
        """An answer from the SDK's state JSON."""
        state = json.loads(text)
        return cls(
            actions=[action for group in state["actions"] for action in group],
            is_done=state["isDone"],
            output=state.get("output"),
            error=state.get("error"),
            custom_status=state.get("customStatus"),
        )

    @classmethod
    def from_error(cls, name: str, error: FunctionError) -> "Answer":
        """The answer inside an orchestrator's exception; raises OrchestrationFailed if there is none."""
        _, label, state = error.message.rpartition(STATE_LABEL)
        if not label:
            raise orchestrator_failure(name, f"One or more errors occurred. ({error.report})")
        answer = cls.parse(state)
        return replace(answer, custom_status=recognised(answer.custom_status))


class Performance:
    """Carries out one answer of the orchestrator `name` in the instance `instance_id`.

    After the replay `custom_status` holds the JSON text of the answer's status: a status is not sticky, it is whatever
    the last answer carried.
    """

    def __init__(self, name: str, instance_id: str, answer: Answer, known: KnownNames) -> None:
        self.custom_status: str | None = None
        self._name = name
        self._instance_id = instance_id
        self._answer = answer
        self._known = known

    async def story(self, replay: Replay) -> str | None:
        """What the answer says, as a coroutine over promises; returns the output as JSON."""
        self._set_custom_status()
        for action in self._answer.actions:
            try:
                await self._perform(action, replay)
            except _IGNORED:
                continue
        if self._answer.error is not None:
            raise orchestrator_failure(self._name, self._answer.error)
        if not self._answer.is_done:
            await Promise[None]()
        return jsontext.dumps(self._answer.output)

    def _set_custom_status(self) -> None:
        if self._answer.custom_status is None:
            return
        text = jsontext.dumps(self._answer.custom_status)
        kilobytes = len(text.encode("utf-16-le")) // 1024
        if kilobytes > _STATUS_LIMIT_KB:
            sentence = (
                f"The UTF-16 size of the JSON-serialized payload must not exceed {_STATUS_LIMIT_KB} KB. "
                f"The current payload size is {kilobytes} KB."
            )
            raise OrchestrationFailed(sentence) if self._answer.error else orchestrator_failure(self._name, sentence)
        self.custom_status = text

    async def _perform(self, action: _Action, replay: Replay) -> None:
        perform = self._performers.get(action["actionType"])
        if perform is None:
            what = _NOT_SERVED.get(action["actionType"], f"the action type {action['actionType']}")
            raise orchestrator_failure(self._name, f"The local host does not run {what}.")
        await perform(self, action, replay)

    async def _call_activity(self, action: _Action, replay: Replay) -> None:
        name = self._known_name(action, self._known.activities, "activity")
        await replay.schedule_activity(name, action["input"])

    async def _call_activity_with_retry(self, action: _Action, replay: Replay) -> None:
        name = self._known_name(action, self._known.activities, "activity")
        await _with_retries(action, replay, lambda: replay.schedule_activity(name, action["input"]))

    async def _call_child(self, action: _Action, replay: Replay) -> None:
        name = self._known_name(action, self._known.orchestrators, "orchestrator")
        await replay.start_child(name, action.get("instanceId"), _child_input(action))

    async def _call_child_with_retry(self, action: _Action, replay: Replay) -> None:
        name = self._known_name(action, self._known.orchestrators, "orchestrator")
        child_id = action.get("instanceId")
        await _with_retries(action, replay, lambda: replay.start_child(name, child_id, _child_input(action)))

    async def _continue_as_new(self, action: _Action, replay: Replay) -> None:
        replay.continue_as_new(_child_input(action))

    async def _create_timer(self, action: _Action, replay: Replay) -> None:
        await replay.create_timer(from_text(action["fireAt"]), cancelled=action["isCanceled"])

    async def _wait_for_event(self, action: _Action, replay: Replay) -> None:
        await replay.wait_for_event(action["externalEventName"])

    async def _wait_for_any(self, action: _Action, replay: Replay) -> None:
        await when_any([start(self._perform(part, replay)) for part in action["compoundActions"]])

    async def _wait_for_all(self, action: _Action, replay: Replay) -> None:
        await when_all([start(self._perform(part, replay)) for part in action["compoundActions"]])

    _performers: ClassVar[
        dict[int, Callable[["Performance", _Action, Replay], Coroutine[Promise[Any], None, None]]]
    ] = {
        0: _call_activity,
        1: _call_activity_with_retry,
        2: _call_child,
        3: _call_child_with_retry,
        4: _continue_as_new,
        5: _create_timer,
        6: _wait_for_event,
        11: _wait_for_any,
        12: _wait_for_all,
    }

    def _known_name(self, action: _Action, names: Mapping[str, str], kind: str) -> str:
        wanted: str = action["functionName"]
        if wanted.lower() not in names:
            logger.warning(
                "The orchestrator %r (instance %s) calls the %s %r, which the app does not have. "
                "As on Azure, the instance now hangs in Running.",
                self._name,
                self._instance_id,
                kind,
                wanted,
            )
            raise UnknownFunctionError(wanted)
        return wanted


_NOT_SERVED = {7: "entities (call_entity)", 8: "call_http", 9: "entities (signal_entity)"}


async def _with_retries(action: _Action, replay: Replay, attempt: Callable[[], Promise[str | None]]) -> None:
    """Try, wait, try again, with a new id for every attempt and every timer.

    After the last failure there is one more timer, due at once: the engine keeps it for old histories, and the SDK
    counts on it.
    """
    options = action["retryOptions"]
    attempts: int = options["maxNumberOfAttempts"]
    interval = timedelta(milliseconds=options["firstRetryIntervalInMilliseconds"])
    for number in range(1, attempts + 1):
        try:
            await attempt()
        except TaskFailed:
            is_last = number == attempts
            await replay.create_timer(replay.now if is_last else replay.now + interval)
            if is_last:
                raise
        else:
            return


def _child_input(action: _Action) -> str | None:
    text: str | None = action.get("input")
    return None if text is None else jsontext.dumps(text)
