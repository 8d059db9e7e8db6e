"""The one place where the parts are put together: settings, provider, store and clock, made once per process.

Adapters are imported when they are first needed, so that indexing the app and reading a status load none of the SDKs.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

from shared.errors import ConfigurationError
from shared.logs import quiet_libraries

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

    from shared.jobs.models import FlowSettings
    from shared.providers.base import VideoProvider
    from shared.settings import Settings
    from shared.storage.base import BlobStore

Built = TypeVar("Built")


@dataclass(frozen=True)
class Services:
    """What HTTP functions and activities work with; a call to `provider.submit` is over after `submit_seconds`."""

    provider: "VideoProvider"
    store: "BlobStore"
    flow: "FlowSettings"
    submit_seconds: float = 60.0
    secrets: tuple[str, ...] = ()
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


_current: list[Services] = []


def services() -> Services:
    """Return the process's services, built from the environment on first use.

    Raises `ConfigurationError` where the settings do not allow it; fixed settings need a restart, as on Azure.
    """
    if not _current:
        _current.append(_from_environment())
    return _current[-1]


@contextmanager
def use_services(replacement: Services) -> Iterator[Services]:
    """Let everything use `replacement` until the block ends: the switch for tests."""
    _current.append(replacement)
    try:
        yield replacement
    finally:
        _current.pop()


def _from_environment() -> Services:
    from shared.settings import load_settings  # noqa: PLC0415 - see the module's docstring

    quiet_libraries()
    settings = load_settings()
    return Services(
        provider=cast("VideoProvider", _OnDemand(lambda: _usable("the video service", lambda: _provider(settings)))),
        store=_usable("blob storage", lambda: _store(settings)),
        flow=settings.flow,
        submit_seconds=settings.upstream_timeout_seconds,
        secrets=settings.secrets,
    )


class _OnDemand:
    """Stands for something that is built when it is first used: a download needs no video service."""

    def __init__(self, build: Callable[[], object]) -> None:
        self._build = build
        self._built: object = None

    def __getattr__(self, name: str) -> Any:
        if self._built is None:
            self._built = self._build()
        return getattr(self._built, name)


def _usable(what: str, build: Callable[[], Built]) -> Built:
    """Build an adapter; what its SDK cannot make sense of is a setting, whose value its error may quote."""
    try:
        return build()
    except Exception as error:  # noqa: BLE001 - SDKs raise what they like over a malformed value
        raise ConfigurationError(f"the settings of {what} cannot be used: {type(error).__name__}") from None


def _provider(settings: "Settings") -> "VideoProvider":
    from shared.providers.videos_api import VideosApiProvider, azure_base_url  # noqa: PLC0415 - as above

    timeout = settings.upstream_timeout_seconds
    if settings.provider == "openai":
        key = settings.openai_api_key
        # The SDK insists on a key; servers of one's own that ask for none ignore it.
        value = key.get_secret_value() if key else "not-needed"
        return VideosApiProvider(settings.openai_base_url or "", value, settings.openai_model or "", timeout)
    base_url = azure_base_url(settings.azure_openai_endpoint or "")
    model = settings.azure_openai_deployment or ""
    if settings.azure_openai_api_key is not None:
        return VideosApiProvider(base_url, settings.azure_openai_api_key.get_secret_value(), model, timeout)

    from shared.providers.entra import token_source  # noqa: PLC0415 - as above

    token = token_source(_credential(settings), settings.azure_openai_token_scope)
    return VideosApiProvider(base_url, token, model, timeout)


def _store(settings: "Settings") -> "BlobStore":
    from shared.storage.blob import AzureBlobStore  # noqa: PLC0415 - as above

    container = settings.video_container
    if settings.storage_connection_string is not None:
        connection = settings.storage_connection_string.get_secret_value()
        return AzureBlobStore.from_connection_string(connection, container)
    url = settings.storage_blob_uri or f"https://{settings.storage_account_name}.blob.core.windows.net"
    return AzureBlobStore.from_identity(url, container, _credential(settings))


def _credential(settings: "Settings") -> "AsyncTokenCredential":
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - as above

    return DefaultAzureCredential(managed_identity_client_id=settings.storage_client_id)
