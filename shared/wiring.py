"""The one place where the parts are put together: settings, provider, store and clock, made once per process.

Adapters are imported when they are first needed, so that indexing the app and reading a status load none of the SDKs.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from shared.building import OnDemand, usable
from shared.errors import ConfigurationError
from shared.logs import log, quiet_libraries
from shared.telemetry.base import SILENT
from shared.version import VERSION

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

    from shared.events.base import EventSink
    from shared.jobs.instances import Instances
    from shared.jobs.models import FlowSettings
    from shared.jobs.places import Capacity
    from shared.ledger.acceptance import Acceptance
    from shared.ledger.admission import Admission
    from shared.ledger.announcements import Announcements
    from shared.ledger.closing import Closing
    from shared.ledger.line import Line
    from shared.ledger.records import JobRecords
    from shared.ledger.rejections import Rejections
    from shared.ledger.submissions import Submissions
    from shared.ledger.waiting import WaitingJobs
    from shared.providers.base import VideoProvider
    from shared.settings import Settings
    from shared.storage.base import BlobStore
    from shared.storage.messages import MessageQueue
    from shared.telemetry.base import Telemetry


@dataclass(frozen=True)
class Limits:
    """How much work is taken on: renders at once, submissions a minute, waiting jobs, jobs a day (UTC)."""

    renders: int = 2
    submits_per_minute: int | None = None
    waiting_jobs: int = 10_000
    jobs_a_day: int = 20_000


@dataclass(frozen=True)
class Services:
    """What HTTP functions, activities and the sweep work with.

    A call to `provider.submit` is over after `submit_seconds`. `instances` are those of one invocation, whose durable
    client they use. `sinks` are the places that events go to, by name, and `queues` opens a storage queue by its name;
    `kept` is what is made once for a process.
    """

    provider: "VideoProvider"
    store: "BlobStore"
    flow: "FlowSettings"
    submit_seconds: float = 60.0
    secrets: tuple[str, ...] = ()
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    limits: Limits = Limits()
    history_retention: timedelta = timedelta(days=7)
    instances: "Instances | None" = None
    sinks: Mapping[str, "EventSink"] = field(default_factory=dict)
    queues: Callable[[str], "MessageQueue"] | None = None
    telemetry: "Telemetry" = SILENT
    kept: dict[str, Any] = field(default_factory=dict)

    def over(self, instances: "Instances") -> "Services":
        """Return the same services for one invocation, which reaches orchestrations through `instances`."""
        return replace(self, instances=instances)

    @property
    def capacity(self) -> "Capacity":
        """What the video service takes."""
        from shared.jobs.places import Capacity  # noqa: PLC0415 - see the module's docstring

        return Capacity(renders=self.limits.renders, submits_per_minute=self.limits.submits_per_minute)

    @property
    def line(self) -> "Line":
        """The line of jobs, and the places; only within an invocation that has a durable client."""
        from shared.ledger.line import Line  # noqa: PLC0415 - as above

        if self.instances is None:
            raise ConfigurationError("the line is used by a function that has no durable client")
        return Line(self.store, self.capacity, self.now, self.instances)

    @property
    def records(self) -> "JobRecords":
        """The records of jobs."""
        from shared.ledger.records import JobRecords  # noqa: PLC0415 - as above

        return JobRecords(self.store, self.now)

    @property
    def submissions(self) -> "Submissions":
        """The records of paid submissions."""
        from shared.ledger.submissions import Submissions  # noqa: PLC0415 - as above

        return Submissions(self.store, self.provider, self.submit_seconds, self.now)

    @property
    def announcements(self) -> "Announcements":
        """What tells the world of jobs."""
        from shared.ledger.announcements import Announcements  # noqa: PLC0415 - as above

        return Announcements(self.records, self.sinks, self.kept.setdefault("away", {}))

    @property
    def rejections(self) -> "Rejections":
        """What tells the senders of messages that are no jobs."""
        from shared.ledger.rejections import Rejections  # noqa: PLC0415 - as above

        return Rejections(self.store, self.announcements, self.now)

    @property
    def closing(self) -> "Closing":
        """What closes jobs; needs a durable client, as the line does."""
        from shared.ledger.closing import Closing  # noqa: PLC0415 - as above

        return Closing(
            store=self.store,
            records=self.records,
            line=self.line,
            submissions=self.submissions,
            announcements=self.announcements,
            history_retention=self.history_retention,
            telemetry=self.telemetry,
        )

    @property
    def acceptance(self) -> "Acceptance":
        """What accepts jobs; needs a durable client, as the line does."""
        from shared.ledger.acceptance import Acceptance  # noqa: PLC0415 - as above

        return Acceptance(
            store=self.store,
            records=self.records,
            line=self.line,
            submissions=self.submissions,
            admission=self.admission,
            announcements=self.announcements,
            instances=self.line.instances,
            flow=self.flow,
        )

    @property
    def waiting(self) -> "WaitingJobs":
        """How many jobs wait; looked at for the whole process."""
        from shared.ledger.waiting import WaitingJobs  # noqa: PLC0415 - as above

        return cast("WaitingJobs", self._kept("waiting", lambda: WaitingJobs(self.store, self.limits.waiting_jobs)))

    @property
    def admission(self) -> "Admission":
        """What lets jobs in; for the whole process."""
        from shared.ledger.admission import Admission  # noqa: PLC0415 - as above

        limits = self.limits
        return cast(
            "Admission",
            self._kept(
                "admission",
                lambda: Admission(self.store, self.waiting, limits.waiting_jobs, limits.jobs_a_day, self.now),
            ),
        )

    def queue(self, name: str) -> "MessageQueue":
        """Return a storage queue by its name; raise `ConfigurationError` where there are none."""
        opened = self.queues
        if opened is None:
            raise ConfigurationError("there are no storage queues")
        return cast("MessageQueue", self._kept(f"queue {name}", lambda: opened(name)))

    @property
    def decoder(self) -> asyncio.Semaphore:
        """The one decoder of videos that may run at a time in this process."""
        return cast("asyncio.Semaphore", self._kept("decoder", lambda: asyncio.Semaphore(1)))

    def _kept(self, name: str, make: Callable[[], object]) -> object:
        if name not in self.kept:
            self.kept[name] = make()
        return self.kept[name]


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
        provider=cast("VideoProvider", OnDemand(lambda: usable("the video service", lambda: _provider(settings)))),
        store=usable("blob storage", lambda: _store(settings)),
        flow=settings.flow,
        submit_seconds=settings.upstream_timeout_seconds,
        secrets=settings.secrets,
        limits=Limits(
            renders=settings.max_concurrent_renders,
            submits_per_minute=settings.submits_per_minute,
            waiting_jobs=settings.max_waiting_jobs,
            jobs_a_day=settings.max_jobs_per_day,
        ),
        history_retention=timedelta(days=settings.history_retention_days),
        sinks=_sinks(settings),
        queues=lambda name: _queue(settings, name),
        telemetry=_telemetry(settings),
    )


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


def _queue(settings: "Settings", name: str) -> "MessageQueue":
    from shared.storage.queue import AzureMessageQueue  # noqa: PLC0415 - as above

    if settings.storage_connection_string is not None:
        connection = settings.storage_connection_string.get_secret_value()
        return usable("storage queues", lambda: AzureMessageQueue.from_connection_string(connection, name))
    url = settings.storage_queue_uri or f"https://{settings.storage_account_name}.queue.core.windows.net"
    return usable("storage queues", lambda: AzureMessageQueue.from_identity(url, name, _credential(settings)))


def _sinks(settings: "Settings") -> dict[str, "EventSink"]:
    """Return where events go, each built when there is the first one to send."""
    built = {"queue": (settings.events_queue, _queue_sink), "topic": (settings.eventgrid_topic_endpoint, _topic_sink)}
    return {
        name: cast("EventSink", OnDemand(partial(build, settings, where)))
        for name, (where, build) in built.items()
        if where
    }


def _queue_sink(settings: "Settings", queue: str) -> "EventSink":
    from shared.events.queue_sink import QueueSink  # noqa: PLC0415 - as above

    return QueueSink(_queue(settings, queue), settings.events_source)


def _topic_sink(settings: "Settings", topic: str) -> "EventSink":
    from shared.events.event_grid import EventGridSink  # noqa: PLC0415 - as above

    source = settings.events_source
    return usable("Event Grid", lambda: EventGridSink.from_identity(topic, _credential(settings), source))


def _telemetry(settings: "Settings") -> "Telemetry":
    """Return who watches; nobody where that cannot be had: jobs go on without."""
    try:
        return _watcher(settings)
    except Exception as error:  # noqa: BLE001 - as in `usable`
        log.error("telemetry cannot be used, nothing is told: %s", type(error).__name__)
        return SILENT


def _watcher(settings: "Settings") -> "Telemetry":
    if settings.telemetry == "console":
        from shared.telemetry.exporting import to_console  # noqa: PLC0415 - as above

        return to_console(VERSION)
    resource = settings.applicationinsights_connection_string
    if settings.telemetry == "azure_monitor" and resource is not None:
        from azure.identity import ManagedIdentityCredential  # noqa: PLC0415 - as above

        from shared.telemetry.azure_monitor import to_azure_monitor  # noqa: PLC0415 - as above

        identity = ManagedIdentityCredential(client_id=settings.telemetry_client_id)
        return to_azure_monitor(resource.get_secret_value(), identity if settings.telemetry_signs_in else None, VERSION)
    return SILENT


def _credential(settings: "Settings") -> "AsyncTokenCredential":
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - as above

    return DefaultAzureCredential(managed_identity_client_id=settings.storage_client_id)
