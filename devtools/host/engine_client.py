"""The SDK's durable client over an engine in the same process: no port, no HTTP, the same answers and errors.

It has what apps use of `DurableOrchestrationClient` (azure-functions-durable 1.7.0) to start, watch and steer single
instances, and none of the URLs. As there, every refusal is a bare Exception with the SDK's sentence.
"""

import asyncio
import json
from typing import Any

from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus
from azure.durable_functions.models.PurgeHistoryResult import PurgeHistoryResult
from azure.durable_functions.models.utils.df_serialization import df_dumps

from devtools.host import jsontext
from devtools.host.engine import Engine, InstanceEndedError, InstanceNotFoundError, WrongStateError
from devtools.host.records import InstanceExistsError
from devtools.host.status_view import history_body, status_body

# What the SDK makes of the backend's 404 without a body.
_NO_BODY = ""
_PRECONDITION_FAILED = 412


class EngineClient:
    """A durable client; use it on the engine's event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: Any = None
    ) -> str:
        """Start an instance and return its id. Raises Exception where one of that id is at work."""
        input_text = None if client_input is None else encoded(df_dumps(client_input))
        await _others_turn()
        try:
            return self._engine.start(orchestration_function_name, instance_id, input_text)
        except InstanceExistsError as error:
            raise Exception({"Message": str(error)}) from error  # noqa: TRY002  # the SDK's: the body of the 409

    async def get_status(
        self, instance_id: str, show_history: bool = False, show_history_output: bool = False, show_input: bool = False
    ) -> DurableOrchestrationStatus:
        """The state of an instance; false, with an empty `message`, where there is none."""
        del show_input  # the SDK asks for the input by an option that is on anyway, and never switches it off
        await _others_turn()
        answer: dict[str, Any] | str
        try:
            answer = status_body(self._engine.instance(instance_id), show_input=True)
        except InstanceNotFoundError:
            answer = _NO_BODY
        else:
            if show_history:
                events = self._engine.history(instance_id)
                answer["historyEvents"] = history_body(events, show_output=show_history_output)
        status: DurableOrchestrationStatus = DurableOrchestrationStatus.from_json(answer)
        return status

    async def raise_event(self, instance_id: str, event_name: str, event_data: Any = None) -> None:
        """Send an external event. Raises Exception where the instance is unknown or has ended."""
        if not event_name:
            raise ValueError("event_name must be a non-empty string.")
        input_text = encoded(json.dumps(event_data))
        await _others_turn()
        try:
            self._engine.raise_event(instance_id, event_name, input_text)
        except InstanceNotFoundError as error:
            raise Exception(f"No instance with ID {instance_id} found.") from error  # noqa: TRY002  # the SDK's
        except InstanceEndedError as error:
            sentence = f"Instance with ID {instance_id} is gone: either completed or failed"
            raise Exception(sentence) from error  # noqa: TRY002  # the SDK's

    async def terminate(self, instance_id: str, reason: str) -> None:
        """End an instance, which may have ended. Raises Exception where it is unknown."""
        await _others_turn()
        try:
            self._engine.terminate(instance_id, reason)
        except InstanceNotFoundError as error:
            raise Exception(f"No instance with ID '{instance_id}' found.") from error  # noqa: TRY002  # the SDK's
        except InstanceEndedError:
            return

    async def purge_instance_history(self, instance_id: str) -> PurgeHistoryResult:
        """Forget an instance that has ended, if there is one. Raises Exception where it is at work."""
        await _others_turn()
        try:
            self._engine.purge(instance_id)
        except InstanceNotFoundError:
            return PurgeHistoryResult(instancesDeleted=0)
        except WrongStateError as error:
            sentence = f"The operation failed with an unexpected status code {_PRECONDITION_FAILED}"
            raise Exception(sentence) from error  # noqa: TRY002  # the SDK's
        return PurgeHistoryResult(instancesDeleted=1)


def encoded(text: str) -> str:
    """A JSON text as the SDK's client sends it: as a JSON string, so that orchestrators get a text."""
    return jsontext.dumps(text)


async def _others_turn() -> None:
    """Let others run, as every call over the network does: a caller that looks in a loop must not stop the engine."""
    await asyncio.sleep(0)
