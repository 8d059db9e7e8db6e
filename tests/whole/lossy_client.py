"""A durable client that loses messages on request."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

from devtools.host.engine import Engine
from devtools.host.engine_client import EngineClient

Start = Literal["refused", "unheard", "late"]
"""What becomes of a start: it is refused; it is done and the answer is lost; it arrives when nobody counts on it."""


@dataclass
class Losses:
    """What the clients of one app lose, whichever process they are in: so many events, and starts in those ways."""

    events: int = 0
    starts: deque[Start] = field(default_factory=deque)
    late: list[tuple[str, str | None, Any]] = field(default_factory=list)
    troubles: int = 0

    def heal(self) -> None:
        """Lose nothing more; what is late stays so."""
        self.events = 0
        self.starts.clear()


class LossyClient(EngineClient):
    """See `EngineClient`. An event that is lost was taken by the backend, and never arrives."""

    def __init__(self, engine: Engine, losses: Losses) -> None:
        super().__init__(engine)
        self._losses = losses

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: Any = None
    ) -> str:
        """Start an instance, or not, as it was decided."""
        becomes = self._losses.starts.popleft() if self._losses.starts else None
        if becomes is None:
            return await super().start_new(orchestration_function_name, instance_id, client_input)
        await asyncio.sleep(0)
        self._losses.troubles += 1
        if becomes == "refused":
            raise Exception("refused on request")  # noqa: TRY002 - the SDK raises it bare
        if becomes == "unheard":
            await super().start_new(orchestration_function_name, instance_id, client_input)
        else:
            self._losses.late.append((orchestration_function_name, instance_id, client_input))
        raise ConnectionError("the answer was lost on request")

    async def arrive(self) -> None:
        """Deliver the starts that are late; those of stories that somebody else has started meanwhile do nothing."""
        late, self._losses.late = self._losses.late, []
        for name, instance_id, client_input in late:
            if not await self.get_status(instance_id or ""):
                await super().start_new(name, instance_id, client_input)

    async def signal(self, instance_id: str, event_name: str) -> None:
        """Send an event that nobody loses; one that has ended does not take it."""
        if not self._engine.instance(instance_id).status.is_final:
            await super().raise_event(instance_id, event_name)

    async def raise_event(self, instance_id: str, event_name: str, event_data: Any = None) -> None:
        """Send an event, or lose it."""
        if self._losses.events and not self._engine.instance(instance_id).status.is_final:
            self._losses.events -= 1
            self._losses.troubles += 1
            await asyncio.sleep(0)
            return
        await super().raise_event(instance_id, event_name, event_data)
