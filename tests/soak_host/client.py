"""A client of the management API that does not give up while the host is killed under it."""

import asyncio
import json
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

import httpx

DURABLE: Final = "/runtime/webhooks/durabletask"
PAUSE_SECONDS: Final = 0.05
DONE: Final = frozenset({200, 202})
GONE: Final = 410
UNKNOWN: Final = 404
IN_USE: Final = 409
SERVER_ERROR: Final = 500


class GaveUpError(Exception):
    """An operation was not acknowledged in time; the text says which."""


@dataclass
class Client:
    """Repeats each operation until it is acknowledged, up to a moment that is the same for all."""

    http: httpx.AsyncClient
    deadline: float
    repeated: int = field(default=0)

    async def start(self, name: str, instance_id: str, value: Any) -> None:
        """Start an instance. After an answer that was lost it looks whether the instance is there."""
        text = json.dumps(value)  # in a JSON text of its own, as the SDK's client sends inputs
        while True:
            answer = await self._once("POST", f"/orchestrators/{name}/{instance_id}", text)
            if answer is not None and answer.status_code in {202, IN_USE}:
                return
            look = await self._until_answered("GET", f"/instances/{instance_id}")
            if look.status_code in DONE:
                return

    async def tell(self, instance_id: str, operation: str, value: Any) -> None:
        """Raise an event, suspend, resume or terminate; an instance that has ended, or is so already, needs nothing."""
        answer = await self._until_answered("POST", f"/instances/{instance_id}/{operation}", value)
        is_so_already = answer.status_code == SERVER_ERROR and "Cannot" in answer.text
        if answer.status_code not in {202, GONE} and not is_so_already:
            raise GaveUpError(f"{operation} of {instance_id} was answered {answer.status_code}: {answer.text}")

    async def end_of(self, instance_id: str) -> tuple[str, Any]:
        """Status and output of an instance that has ended.

        One that is suspended is resumed: a first resume is refused, as on Azure, where the suspension before it is
        still on its way.
        """
        while True:
            answer = await self._until_answered("GET", f"/instances/{instance_id}")
            if answer.status_code == UNKNOWN:
                raise GaveUpError(f"{instance_id} was accepted and is not there.")
            if answer.status_code == 200:
                body = answer.json()
                return body["runtimeStatus"], body["output"]
            if answer.json()["runtimeStatus"] == "Suspended":
                await self.tell(instance_id, "resume?reason=again", None)
            if monotonic() > self.deadline:
                raise GaveUpError(f"{instance_id} has not ended: {answer.text}")
            await asyncio.sleep(PAUSE_SECONDS * 4)

    async def _until_answered(self, method: str, path: str, value: Any = None) -> httpx.Response:
        while (answer := await self._once(method, path, value)) is None:
            pass
        return answer

    async def _once(self, method: str, path: str, value: Any) -> httpx.Response | None:
        """The answer, None where there was none."""
        body = None if value is None else json.dumps(value)
        headers = {"Content-Type": "application/json"}
        try:
            return await self.http.request(method, DURABLE + path, content=body, headers=headers)
        except httpx.TransportError as error:
            if monotonic() > self.deadline:
                raise GaveUpError(f"{method} {path} was never answered.") from error
            self.repeated += 1
            await asyncio.sleep(PAUSE_SECONDS)
            return None
