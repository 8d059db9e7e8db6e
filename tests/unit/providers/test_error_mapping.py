"""No exception of the SDK or of its transport gets past the adapter, not even one that a later version brings."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import openai
import pytest

from shared.errors import ProviderError
from shared.jobs.models import RenderSpec
from shared.providers.videos_api import VideosApiProvider

SPEC = RenderSpec(prompt="a calm lake", seconds=5, width=1280, height=720)
REQUEST = httpx2.Request("GET", "http://127.0.0.1/v1/videos")
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def family(kind: type[Exception]) -> Iterator[type[Exception]]:
    """Yield a class and all that derive from it."""
    yield kind
    for child in kind.__subclasses__():
        yield from family(child)


KINDS = sorted({*family(openai.OpenAIError), *family(httpx2.HTTPError)}, key=lambda kind: kind.__name__)


def example(kind: type[Exception]) -> Exception:
    """Return an instance with all that any kind carries."""
    error = kind.__new__(kind)
    error.args = ("text",)
    vars(error).update(request=REQUEST, response=httpx2.Response(418, request=REQUEST), status_code=418)
    return error


async def fetch(provider: VideosApiProvider) -> None:
    """Open a file."""
    async with provider.fetch("video_1"):
        pass


OPERATIONS: dict[str, Callable[[VideosApiProvider], Awaitable[Any]]] = {
    "submit": lambda provider: provider.submit(SPEC),
    "look": lambda provider: provider.look("video_1"),
    "fetch": fetch,
    "cancel": lambda provider: provider.cancel("video_1"),
    "find": lambda provider: provider.find(SPEC, SINCE),
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
async def test_every_exception_becomes_one_of_the_ports(kind: type[Exception]) -> None:
    """Raised from within a request (here: where it asks for its token), it arrives as a `ProviderError`."""

    async def broken_token() -> str:
        raise example(kind)

    provider = VideosApiProvider("http://127.0.0.1:9/v1", broken_token, "sora-2", 5)

    for operation in OPERATIONS.values():
        with pytest.raises(ProviderError):
            await operation(provider)

    await provider.close()


def test_the_families_are_what_they_are_thought_to_be() -> None:
    """The enumeration above is not empty by accident."""
    names = {kind.__name__ for kind in KINDS}

    assert {"APITimeoutError", "RateLimitError", "InternalServerError", "ReadError", "ConnectTimeout"} <= names
