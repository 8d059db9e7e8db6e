from collections.abc import Mapping
from datetime import UTC, timedelta

import pytest

from devtools.fakes.fake_instances import FakeInstances
from devtools.fakes.fake_provider import FakeVideoProvider
from devtools.fakes.in_memory_store import InMemoryStore
from shared import wiring
from shared.errors import ConfigurationError
from shared.jobs.models import FlowSettings
from shared.jobs.places import Capacity
from shared.providers.videos_api import VideosApiProvider
from shared.settings import Settings
from shared.storage.blob import AzureBlobStore
from shared.wiring import Limits, Services, services, use_services
from tests.support.builders import FLOW

STORAGE = {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}
OPENAI = {"OPENAI_BASE_URL": "http://127.0.0.1:8001/v1", "OPENAI_MODEL": "sora-2"}
AZURE = {"AZURE_OPENAI_ENDPOINT": "https://videos.openai.azure.com", "AZURE_OPENAI_DEPLOYMENT": "my-sora"}


@pytest.fixture(autouse=True)
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing built yet, and no setting of the machine's own."""
    monkeypatch.setattr(wiring, "_current", [])
    for name, field in Settings.model_fields.items():
        monkeypatch.delenv(str(field.validation_alias or name.upper()), raising=False)


def configure(monkeypatch: pytest.MonkeyPatch, *environments: Mapping[str, str]) -> None:
    for environment in environments:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)


def fakes() -> Services:
    return Services(FakeVideoProvider(), InMemoryStore(), FlowSettings.model_validate(FLOW))


def behind(provider: object) -> VideosApiProvider:
    """Return the adapter that is built when the provider is first used."""
    assert callable(provider.submit)  # type: ignore[attr-defined] # using it is the point
    built = provider._built  # type: ignore[attr-defined] # the stand-in's own
    assert isinstance(built, VideosApiProvider)
    return built


async def built() -> Services:
    """The services from the environment, closed: what they were made with can still be read."""
    held = services()
    await held.provider.close()
    await held.store.close()
    return held


def test_replacement_holds_until_the_block_ends() -> None:
    """Tests and local tools put their own parts in; blocks may be nested."""
    outer, inner = fakes(), fakes()

    with use_services(outer):
        with use_services(inner) as given:
            assert services() is inner is given
        assert services() is outer


def test_replacement_ends_with_an_error_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception does not leave fakes behind."""

    def broken() -> None:
        with use_services(fakes()):
            raise LookupError

    with pytest.raises(LookupError):
        broken()

    monkeypatch.setenv("OPENAI_MODEL", "sora-2")
    with pytest.raises(ConfigurationError):
        services()


async def test_services_are_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One process, one set of connections; settings changed later need a restart."""
    configure(monkeypatch, STORAGE, OPENAI)

    first = services()
    monkeypatch.setenv("OPENAI_MODEL", "other")

    assert services() is first
    await built()


async def test_settings_that_were_repaired_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure to build is not kept."""
    configure(monkeypatch, STORAGE)
    with pytest.raises(ConfigurationError):
        services()

    configure(monkeypatch, OPENAI)

    assert (await built()).flow == Settings().flow


async def test_server_of_ones_own_gets_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Address, key and model reach the adapter, and the key is known as a secret."""
    configure(monkeypatch, STORAGE, OPENAI, {"OPENAI_API_KEY": "own-key"})

    held = await built()

    provider = behind(held.provider)
    assert str(provider._client.base_url) == "http://127.0.0.1:8001/v1/"
    assert provider._client.api_key == "own-key"
    assert provider._client.max_retries == 0
    assert provider._model == "sora-2"
    assert set(held.secrets) == {"UseDevelopmentStorage=true", "own-key"}


async def test_server_without_a_key_gets_none_of_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK would look for a key in the environment by itself; a placeholder keeps it from doing so."""
    configure(monkeypatch, STORAGE, OPENAI)

    held = await built()

    provider = behind(held.provider)
    assert provider._client.api_key == "not-needed"


async def test_azure_with_a_key_is_addressed_at_its_v1_api(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resource's endpoint and deployment become address and model."""
    configure(monkeypatch, STORAGE, AZURE, {"AZURE_OPENAI_API_KEY": "azure-key"})

    held = await built()

    provider = behind(held.provider)
    assert str(provider._client.base_url) == "https://videos.openai.azure.com/openai/v1/"
    assert provider._client.api_key == "azure-key"
    assert provider._model == "my-sora"


async def test_azure_without_a_key_is_given_a_source_of_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key, each request asks for a valid token; none is fetched while building."""
    configure(monkeypatch, STORAGE, AZURE)

    held = await built()

    provider = behind(held.provider)
    assert not provider._client.api_key
    assert held.secrets == ("UseDevelopmentStorage=true",)


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        pytest.param(STORAGE, "http://127.0.0.1:10000/devstoreaccount1/sora-videos", id="connection string"),
        pytest.param(
            {"AzureWebJobsStorage__accountName": "videos"},
            "https://videos.blob.core.windows.net/sora-videos",
            id="account name",
        ),
        pytest.param(
            {"AzureWebJobsStorage__blobServiceUri": "https://videos.blob.core.example/"},
            "https://videos.blob.core.example/sora-videos",
            id="address",
        ),
        pytest.param(
            {"AzureWebJobsStorage__blobServiceUri": "https://a.example", "AzureWebJobsStorage__accountName": "b"},
            "https://a.example/sora-videos",
            id="the address before the name",
        ),
        pytest.param(
            {**STORAGE, "AzureWebJobsStorage__accountName": "videos", "VIDEO_CONTAINER": "mine"},
            "http://127.0.0.1:10000/devstoreaccount1/mine",
            id="the connection string before all, another container",
        ),
    ],
)
async def test_storage_is_where_the_settings_say(
    monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str], url: str
) -> None:
    """A connection string comes before an address, an address before a name."""
    configure(monkeypatch, environment, OPENAI)

    held = await built()

    assert isinstance(held.store, AzureBlobStore)
    assert held.store._container.url == url


async def test_limits_and_retention_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is taken on, and how long histories are kept, each from its own variable."""
    limits = {
        "MAX_CONCURRENT_RENDERS": "3",
        "MAX_SUBMITS_PER_MINUTE": "4",
        "MAX_WAITING_JOBS": "5",
        "MAX_JOBS_PER_DAY": "6",
        "HISTORY_RETENTION_DAYS": "0.5",
        "VIDEO_RETENTION_DAYS": "2",
    }
    configure(monkeypatch, STORAGE, OPENAI, limits)

    held = await built()

    assert held.limits == Limits(renders=3, submits_per_minute=4, waiting_jobs=5, jobs_a_day=6)
    assert held.capacity == Capacity(renders=3, submits_per_minute=4)
    assert held.history_retention == timedelta(hours=12)
    assert held.flow.video_retention_seconds == 172_800
    assert (held.waiting.most, held.admission.most_waiting, held.admission.most_a_day) == (5, 5, 6)


@pytest.mark.parametrize(("upstream", "a_minute"), [(AZURE, 2), (OPENAI, None)])
async def test_azure_alone_is_sent_no_more_than_its_quota(
    monkeypatch: pytest.MonkeyPatch, upstream: Mapping[str, str], a_minute: int | None
) -> None:
    """Where nothing is set, a server of one's own takes submissions as fast as they come."""
    configure(monkeypatch, STORAGE, upstream)

    held = await built()

    assert held.capacity == Capacity(renders=2, submits_per_minute=a_minute)


def test_services_of_an_invocation_reach_orchestrations_by_its_client() -> None:
    """Each invocation has a durable client of its own; everything else is the process's."""
    held = fakes()
    instances = FakeInstances()

    here = held.over(instances)

    assert here.line.instances is instances
    assert here.acceptance.instances is instances
    assert here.closing.line.instances is instances
    assert held.instances is None
    assert (here.store, here.provider, here.flow) == (held.store, held.provider, held.flow)


def test_line_without_a_durable_client_is_a_mistake_that_is_named() -> None:
    """A function that wakes nobody must not give places away."""
    with pytest.raises(ConfigurationError, match="no durable client"):
        _ = fakes().line


def test_what_a_process_keeps_is_shared_by_its_invocations() -> None:
    """One look at the line serves all callers for a moment, and a used-up day is remembered."""
    held = fakes()
    here, there = held.over(FakeInstances()), held.over(FakeInstances())

    assert here.waiting is there.waiting is held.waiting
    assert here.admission is there.admission
    assert here.acceptance.admission is there.acceptance.admission
    assert here.admission.waiting is here.waiting
    assert fakes().waiting is not held.waiting


def test_clock_is_aware_and_in_greenwich_time() -> None:
    """Times are comparable wherever they are made."""
    now = fakes().now()

    assert now.tzinfo is UTC
    assert now.utcoffset() == timedelta()
