"""A storage queue on paper, for what works on queues."""

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from devtools.host.clock import Clock
from devtools.host.queue_service import Message, MessageGoneError, QueueError

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def message(text: str, count: int = 1) -> Message:
    return Message(text, base64.b64encode(text.encode()).decode(), "r0", count, MOMENT, MOMENT, MOMENT)


class PaperQueue:
    """Messages in a list, and what was done with them.

    `is_away` makes every call fail, `gone` are somebody else's; with `comes_back`, what is hidden for no time is there
    again with a higher dequeue count. `hidings` are all attempts to hide one, which wait for `may_hide`.
    """

    def __init__(self, clock: Clock, *messages: Message) -> None:
        self.waiting = list(messages)
        self.looks: list[datetime] = []
        self.finds: list[datetime] = []
        self.deleted: list[str] = []
        self.hidings: list[str] = []
        self.hidden: list[tuple[str, timedelta]] = []
        self.sent: list[str] = []
        self.gone: set[str] = set()
        self.is_away = self.comes_back = False
        self.may_hide = asyncio.Event()
        self.may_hide.set()
        self._clock = clock

    async def receive(self, most: int, invisible: timedelta) -> Sequence[Message]:
        assert invisible == timedelta(minutes=10)
        self.looks.append(self._clock.now())
        self._check()
        taken, self.waiting = self.waiting[:most], self.waiting[most:]
        self.finds += [self._clock.now()] if taken else []
        return taken

    async def hide(self, message: Message, invisible: timedelta) -> Message:
        self.hidings.append(message.receipt)
        self._check(message)
        await self.may_hide.wait()
        self.hidden.append((message.receipt, invisible))
        if self.comes_back and not invisible:
            self.waiting.append(replace(message, dequeue_count=message.dequeue_count + 1))
        return replace(message, receipt=f"{message.receipt}+")

    async def delete(self, message: Message) -> None:
        self._check(message)
        self.deleted.append(f"{message.id} {message.receipt}")

    async def send(self, text: str) -> None:
        self._check()
        self.sent.append(text)

    def _check(self, message: Message | None = None) -> None:
        if self.is_away:
            raise QueueError("The service is away.")
        if message is not None and message.id in self.gone:
            raise MessageGoneError(message.id)
