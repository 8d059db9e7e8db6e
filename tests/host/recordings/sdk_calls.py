"""What cases ask of the SDK's durable client."""

from collections.abc import Awaitable, Callable
from typing import Any

from azure.durable_functions import DurableOrchestrationClient
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus
from azure.durable_functions.models.PurgeHistoryResult import PurgeHistoryResult

from tests.host.recordings.case import Step


async def on_its_own(client: DurableOrchestrationClient, name: str) -> Any:
    """Make a call that is a row of its own, and return what that row holds. Raises KeyError for an unknown name."""
    call = _ON_ITS_OWN[name]
    try:
        return _shown(await call(client))
    except Exception as error:  # noqa: BLE001  # what the SDK raises is what is looked at
        kind = "type" if name.startswith("sdk ") else "raised"
        return {kind: type(error).__name__, "text": str(error)}


def _shown(answer: Any) -> Any:
    match answer:
        case DurableOrchestrationStatus():
            return answer.to_json()
        case PurgeHistoryResult():
            return vars(answer)
        case _:
            return answer


async def perform(client: DurableOrchestrationClient, operation: str, step: Step) -> None:
    """Do one step of a case."""
    if operation == "start_new":
        await client.start_new(step["function"], step.get("id"), step.get("input"))
    else:
        await getattr(client, operation)(*step["args"])


async def _management_urls(client: DurableOrchestrationClient) -> Any:
    return client.create_http_management_payload("h-run")


_ON_ITS_OWN: dict[str, Callable[[DurableOrchestrationClient], Awaitable[Any]]] = {
    "sdk start_new duplicate running": lambda client: client.start_new("eventonly", "h-run", 1),
    "sdk create_http_management_payload": _management_urls,
    "get_status_unknown": lambda client: client.get_status("nope"),
    "get_status_finished": lambda client: client.get_status("h-run", show_history=True),
    "raise_event_unknown": lambda client: client.raise_event("nope", "Go", 1),
    "raise_event_finished": lambda client: client.raise_event("h-run", "Go", 1),
    "terminate_unknown": lambda client: client.terminate("nope", "x"),
    "terminate_finished": lambda client: client.terminate("h-run", "x"),
    "suspend_finished": lambda client: client.suspend("h-run", "x"),
    "purge_finished": lambda client: client.purge_instance_history("h-run"),
    "purge_unknown": lambda client: client.purge_instance_history("nope"),
    "start_unknown_fn": lambda client: client.start_new("nosuch", "h-un2", None),
    "rewind_unknown": lambda client: client.rewind("nope", "x"),
    "restart_unknown": lambda client: client.restart("nope"),
}
"""Calls of the recording of the management API, by the name of their row."""
