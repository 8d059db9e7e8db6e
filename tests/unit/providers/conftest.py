"""A provider on a scripted server."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from shared.providers.videos_api import VideosApiProvider
from tests.support.stub_upstream import Answer, StubUpstream, stub_upstream

KEY = "sk-the-key-of-this-test"

Pair = tuple[VideosApiProvider, StubUpstream]
Connect = Callable[..., AbstractAsyncContextManager[Pair]]


@pytest.fixture(autouse=True)
def no_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing here talks TLS, and reading the machine's certificates takes most of the time of making a client."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))


@pytest.fixture
def upstream() -> Connect:
    """Return what opens a provider together with the scripted server that it talks to."""

    @asynccontextmanager
    async def connect(*answers: Answer, timeout: float = 5.0) -> AsyncIterator[Pair]:  # noqa: ASYNC109 - the provider's
        async with stub_upstream(*answers) as stub:
            provider = VideosApiProvider(stub.base_url, KEY, "sora-2", timeout)
            try:
                yield provider, stub
            finally:
                await provider.close()

    return connect
