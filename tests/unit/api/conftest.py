"""The services that HTTP functions find: a store in memory, no provider, a clock that stands still."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from devtools.fakes.fake_provider import FakeVideoProvider
from devtools.fakes.in_memory_store import InMemoryStore
from shared import wiring
from shared.jobs.models import FlowSettings
from shared.storage.base import BlobStore
from shared.wiring import Limits, Services, use_services
from tests.support.builders import FLOW

NOW = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)


def services_over(
    store: BlobStore, *, limits: Limits | None = None, now: Callable[[], datetime] = lambda: NOW
) -> Services:
    """Put services together over a store."""
    flow = FlowSettings.model_validate(FLOW)
    return Services(provider=FakeVideoProvider(), store=store, flow=flow, now=now, limits=limits or Limits())


@pytest.fixture
def store() -> InMemoryStore:
    """Our own storage, empty."""
    return InMemoryStore(now=lambda: NOW)


@pytest.fixture
def use_store(store: InMemoryStore) -> Iterator[None]:
    """Let the functions work with `store`."""
    with use_services(services_over(store)):
        yield


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch) -> str:
    """An app that lacks a setting and holds a secret, whose value this is."""
    secret = "sk-marker-zqxjkvb"
    monkeypatch.setattr(wiring, "_current", [])
    for name in ("AzureWebJobsStorage", "VIDEO_PROVIDER", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("ENDPOINT", "API_KEY", "DEPLOYMENT"):
        monkeypatch.delenv(f"AZURE_OPENAI_{name}", raising=False)
    monkeypatch.setenv("AzureWebJobsStorage", "UseDevelopmentStorage=true")
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    monkeypatch.setenv("OPENAI_MODEL", "sora-2")
    return secret
