"""The record of every call to the API. It outlives restarts, because it is how paid renders are counted."""

import logging
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEEP = 100_000
CONTROL_PREFIX = "/_sim/"

log = logging.getLogger("sora_sim")


class CallLog:
    """Calls in order of arrival, the newest KEEP of them."""

    def __init__(self, database: sqlite3.Connection, now: Callable[[], float], keep: int = KEEP) -> None:
        self._database = database
        self._now = now
        self._keep = keep

    def begin(self, method: str, path: str) -> int:
        """Note an arrival and return its number. Done before anything else, so that no accident hides a call."""
        moment = datetime.fromtimestamp(self._now(), UTC)
        time = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        cursor = self._database.execute("INSERT INTO call (time, method, path) VALUES (?, ?, ?)", (time, method, path))
        number = cursor.lastrowid or 0
        self._database.execute("DELETE FROM call WHERE number <= ?", (number - self._keep,))
        return number

    def concerns(self, number: int, job_id: str) -> None:
        """Note which job a call was about."""
        self._database.execute("UPDATE call SET job = ? WHERE number = ?", (job_id, number))

    def answered(self, number: int, status: int) -> None:
        """Note that an answer was sent."""
        self._database.execute("UPDATE call SET status = ? WHERE number = ?", (status, number))

    def everything(self) -> list[dict[str, object]]:
        """Oldest first; `status` is None where no answer was sent, `job` where the call was about none."""
        rows = self._database.execute("SELECT time, method, path, status, job FROM call ORDER BY number")
        return [dict(row) for row in rows]


def call_number(request: Request) -> int:
    """The number under which the call being answered is on record."""
    return int(request.scope["call"])


class CallRecorder:
    """Middleware that puts every call outside the control routes on record, with the status that was sent."""

    def __init__(self, app: ASGIApp, calls: CallLog) -> None:
        self._app = app
        self._calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record, then let the app answer."""
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PREFIX):
            await self._app(scope, receive, send)
            return
        number = scope["call"] = self._calls.begin(scope["method"], scope["path"])
        status: int | None = None

        async def send_and_record(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._calls.answered(number, message["status"])
            await send(message)

        try:
            await self._app(scope, receive, send_and_record)
        finally:
            log.info("%s %s -> %s", scope["method"], scope["path"], status or "no answer")
