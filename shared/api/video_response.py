"""Sends a stored video to a caller who may be slow, or gone, while storage may fail."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Final

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from shared.api import responses
from shared.errors import AppError
from shared.jobs.ids import JobId
from shared.jobs.retention import LONGEST_DOWNLOAD
from shared.logs import log_for

STALLED_SECONDS: Final = 120.0
"""A reader that takes less than a piece (128 KB and more) in so long is given up; the Functions host would be silent no
longer than 240 s."""


class VideoResponse(Response):
    """A response whose body is `pieces`, which is closed before the response ends, however it ends.

    Storage that fails before the first piece, or has none by `deadline` (in the event loop's time), is a 500 in the
    usual form. Later it can only break the connection, so that the caller sees that the body is not complete: the
    response then ends without its last message. A caller that leaves is no error and is not logged. After `longest`
    seconds the connection breaks as well: a file that has expired may be removed once nobody reads it any more.
    """

    def __init__(
        self,
        job_id: JobId,
        pieces: AsyncGenerator[bytes, None],
        *,
        deadline: float,
        status_code: int,
        headers: Mapping[str, str],
        longest: float = LONGEST_DOWNLOAD.total_seconds(),
    ) -> None:
        super().__init__(None, status_code, headers)
        self._longest = longest
        self._log = log_for(job_id)
        self._pieces = pieces
        self._deadline = deadline

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the video or the caller's interest ends."""
        async with asyncio.TaskGroup() as both:
            sending = both.create_task(self._send_all(scope, receive, send))
            leaving = both.create_task(_until_the_caller_leaves(receive))
            sending.add_done_callback(lambda _: leaving.cancel())
            leaving.add_done_callback(lambda _: sending.cancel())

    async def _send_all(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._pieces) as pieces:
            try:
                async with asyncio.timeout_at(self._deadline):
                    piece = await anext(pieces, b"")
            except (AppError, TimeoutError) as error:
                self._log.error("file cannot be read: %s: %s", type(error).__name__, error)
                await responses.error(500, responses.UNAVAILABLE)(scope, receive, send)
                return
            await self._send_video(piece, pieces, send)

    async def _send_video(self, piece: bytes, pieces: AsyncGenerator[bytes, None], send: Send) -> None:
        taken = 0
        clock = asyncio.get_running_loop().time
        ends = clock() + self._longest
        try:
            await _taken(send, {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while piece:
                await _taken(send, {"type": "http.response.body", "body": piece, "more_body": True})
                taken += len(piece)
                piece = await anext(pieces, b"")
                if piece and clock() >= ends:
                    self._log.warning("download cut off after %d bytes: it took %.0f s", taken, self._longest)
                    return
            await _taken(send, {"type": "http.response.body", "body": b"", "more_body": False})
        except AppError as error:
            self._log.error("download broke off after %d bytes: %s", taken, error)
        except TimeoutError:
            self._log.warning("download cut off after %d bytes: nothing taken for %.0f s", taken, STALLED_SECONDS)
        except OSError:
            pass  # how newer servers say that the caller has left


async def _taken(send: Send, message: Message) -> None:
    # Servers hold one message: this returns when the one before has left.
    async with asyncio.timeout(STALLED_SECONDS):
        await send(message)


async def _until_the_caller_leaves(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
