"""The queues of a running stack, as a system that feeds it and one that listens use them."""

import base64
import json
from types import TracebackType
from typing import Any, Self

from azure.core.exceptions import ResourceNotFoundError
from azure.core.messaging import CloudEvent
from azure.storage.queue import QueueClient

from devtools.stack_settings import ACCOUNT_KEY

JOBS, POISON, EVENTS = "video-jobs", "video-jobs-poison", "video-events"
"""As local.settings.json.example has them."""


def data(event: CloudEvent[Any]) -> dict[str, Any]:
    """Return what an event says."""
    return dict(event.data or {})


class Queues:
    """Puts messages in, and takes events out; `events` are all that have come, in order. `account` is an address."""

    def __init__(self, account: str) -> None:
        self._queues = {name: QueueClient(account, name, credential=ACCOUNT_KEY) for name in (JOBS, POISON, EVENTS)}
        self.events: list[CloudEvent[Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for queue in self._queues.values():
            queue.close()

    def put(self, text: str) -> None:
        """Put a message into the queue of jobs."""
        try:
            self._queues[JOBS].send_message(text)
        except ResourceNotFoundError:
            self._queues[JOBS].create_queue()
            self._queues[JOBS].send_message(text)

    def order(self, prompt: str, name: str, **fields: Any) -> None:
        """Ask for a small job by that name."""
        body = {"prompt": prompt, "duration": 1, "width": 256, "height": 256, "id": name, **fields}
        self.put(json.dumps(body))

    def listen(self) -> list[CloudEvent[Any]]:
        """Take what is in the queue of events, and return all events that have come so far."""
        try:
            for message in self._queues[EVENTS].receive_messages(messages_per_page=32):
                self.events.append(CloudEvent.from_dict(json.loads(base64.b64decode(message.content))))
                self._queues[EVENTS].delete_message(message)
        except ResourceNotFoundError:
            pass  # there has not been an event yet
        return self.events

    def told(self, name: str) -> list[str]:
        """Return what a listener that remembers ids has heard of an order, in order."""
        heard = {event.id: event.type for event in self.events if data(event).get("id") == name}
        return [kind.removeprefix("video.") for kind in heard.values()]

    def poison(self) -> list[str]:
        """Return the messages that were set aside."""
        try:
            return [message.content for message in self._queues[POISON].peek_messages(32)]
        except ResourceNotFoundError:
            return []

    def waiting(self) -> int:
        """Return about how many messages wait to become jobs, or are being worked on."""
        try:
            return int(self._queues[JOBS].get_queue_properties().approximate_message_count or 0)
        except ResourceNotFoundError:
            return 0
