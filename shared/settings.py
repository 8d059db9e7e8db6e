"""All settings, read once from the environment; docs/settings.md explains each (a test holds the two together).

Raises `ConfigurationError` with a sentence that names the setting, never its value.
"""

from functools import cached_property
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import ConfigurationError
from shared.jobs.models import FlowSettings, UnknownSubmissionRule
from shared.storage.base import TALLY_LIMIT

ProviderChoice = Literal["azure", "openai"]
TelemetryChoice = Literal["console", "azure_monitor"]

Duration = Annotated[float, Field(gt=0, le=2_592_000, allow_inf_nan=False)]
"""Seconds, up to 30 days: what is longer is a mistake, and at some length dates overflow."""

Days = Annotated[float, Field(gt=0, le=3650, allow_inf_nan=False)]
"""Days and parts of days, up to ten years."""

QueueName = Annotated[str, Field(min_length=3, max_length=56, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
"""Of a storage queue; seven characters are left for `-poison`."""

AZURE_SUBMITS_PER_MINUTE = 2
"""Azure's quota for sora-2, which is what its documentation of 12/2025 says."""

AZURE_HOSTS = (
    ".openai.azure.com",
    ".cognitiveservices.azure.com",
    ".services.ai.azure.com",
    ".openai.azure.us",
    ".cognitiveservices.azure.us",
    ".openai.azure.cn",
    ".cognitiveservices.azure.cn",
)
"""Hosts that may be sent an Entra token; a token sent elsewhere is a leaked credential."""


EVENTGRID_HOSTS = (".eventgrid.azure.net", ".eventgrid.azure.us", ".eventgrid.azure.cn")
"""Hosts of topics, which are sent an Entra token, too."""


_SECRET_PARTS = ("AccountKey", "SharedAccessSignature", "InstrumentationKey")
"""Of connection strings."""


class Settings(BaseSettings):
    """The environment, validated. An empty variable counts as not set, so that an example file can name them all."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore", case_sensitive=False)

    storage_connection_string: SecretStr | None = Field(default=None, validation_alias="AzureWebJobsStorage")
    storage_blob_uri: str | None = Field(default=None, validation_alias="AzureWebJobsStorage__blobServiceUri")
    storage_account_name: str | None = Field(default=None, validation_alias="AzureWebJobsStorage__accountName")
    storage_queue_uri: str | None = Field(default=None, validation_alias="AzureWebJobsStorage__queueServiceUri")
    storage_client_id: str | None = Field(default=None, validation_alias="AzureWebJobsStorage__clientId")
    video_container: str = Field(default="sora-videos", pattern=r"^[a-z0-9](-?[a-z0-9]){2,62}$")

    video_provider: ProviderChoice | None = None
    azure_openai_endpoint: str | None = None
    azure_openai_api_key: SecretStr | None = None
    azure_openai_deployment: str | None = None
    azure_openai_token_scope: str = "https://cognitiveservices.azure.com/.default"  # noqa: S105 - a scope, not a secret
    openai_base_url: str | None = None
    openai_api_key: SecretStr | None = None
    openai_model: str | None = None

    max_concurrent_renders: int = Field(default=2, ge=1, le=1000)
    max_submits_per_minute: int | None = Field(default=None, ge=1, le=10_000)
    max_waiting_jobs: int = Field(default=10_000, ge=1, le=1_000_000)
    max_jobs_per_day: int = Field(default=20_000, ge=1, le=TALLY_LIMIT)

    upstream_timeout_seconds: Duration = Field(default=60, le=300)
    wait_timeout_seconds: Duration = 604_800
    submit_timeout_seconds: Duration = 3600
    render_timeout_seconds: Duration = 3600
    store_timeout_seconds: Duration = 1800
    job_timeout_seconds: Duration = 691_200
    poll_first_seconds: Duration = 5
    poll_longest_seconds: Duration = 75
    retry_first_seconds: Duration = 2
    retry_longest_seconds: Duration = 60
    unknown_submission: UnknownSubmissionRule = "fail"

    video_retention_days: Days = 30
    history_retention_days: Days = 7

    jobs_queue: QueueName | None = None
    events_queue: QueueName | None = None
    events_source: str = Field(default="/sora-video", min_length=1, max_length=1024, pattern=r"^[!-~]+$")
    eventgrid_topic_endpoint: str | None = None

    telemetry: TelemetryChoice | None = None
    applicationinsights_connection_string: SecretStr | None = None
    applicationinsights_authentication_string: str | None = None

    job_routes_auth_level: Literal["function", "anonymous"] = "function"

    @field_validator(
        "azure_openai_endpoint", "openai_base_url", "storage_blob_uri", "storage_queue_uri", "eventgrid_topic_endpoint"
    )
    @classmethod
    def _is_http_url(cls, value: str | None) -> str | None:
        try:
            address = urlsplit(value or "http://unset")
            usable = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
        except ValueError:  # its own sentence would quote the address, which may hold a password
            usable = False
        if not usable or not (value or "").isprintable():
            raise ValueError("must be an http or https URL")
        return value

    @field_validator("azure_openai_api_key", "openai_api_key")
    @classmethod
    def _fits_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        # A line end comes along easily from a file; sent, it would break every request, or worse, add a header.
        key = value.get_secret_value().strip() if value else ""
        if not (key.isascii() and key.isprintable()):
            raise ValueError("must consist of printable ASCII characters")
        return SecretStr(key) if key else None

    @model_validator(mode="after")
    def _has_storage(self) -> Self:
        if not (self.storage_connection_string or self.storage_blob_uri or self.storage_account_name):
            raise ValueError(
                "set AzureWebJobsStorage, AzureWebJobsStorage__blobServiceUri or AzureWebJobsStorage__accountName"
            )
        return self

    @model_validator(mode="after")
    def _has_queues(self) -> Self:
        queues = self.storage_connection_string or self.storage_queue_uri or self.storage_account_name
        if (self.jobs_queue or self.events_queue) and not queues:
            raise ValueError("set AzureWebJobsStorage__queueServiceUri, where the queues are")
        if self.events_queue and self.events_queue == self.jobs_queue:
            raise ValueError("set EVENTS_QUEUE to another queue than JOBS_QUEUE")
        return self

    @model_validator(mode="after")
    def _has_a_trusted_topic(self) -> Self:
        topic = urlsplit(self.eventgrid_topic_endpoint or "")
        trusted = topic.scheme == "https" and (topic.hostname or "").endswith(EVENTGRID_HOSTS)
        if self.eventgrid_topic_endpoint and not trusted:
            raise ValueError("set EVENTGRID_TOPIC_ENDPOINT to an https address of Azure: it is sent an identity token")
        return self

    @model_validator(mode="after")
    def _has_somewhere_to_send_telemetry(self) -> Self:
        if self.telemetry == "azure_monitor":
            _require(APPLICATIONINSIGHTS_CONNECTION_STRING=self.applicationinsights_connection_string)
        return self

    @model_validator(mode="after")
    def _has_one_provider(self) -> Self:
        if self.provider == "azure":
            _require(AZURE_OPENAI_ENDPOINT=self.azure_openai_endpoint)
            _require(AZURE_OPENAI_DEPLOYMENT=self.azure_openai_deployment)
            host = urlsplit(self.azure_openai_endpoint or "")
            trusted = host.scheme == "https" and (host.hostname or "").endswith(AZURE_HOSTS)
            if self.azure_openai_api_key is None and not trusted:
                raise ValueError(
                    "set AZURE_OPENAI_API_KEY: AZURE_OPENAI_ENDPOINT is not an https address of Azure, "
                    "so it is not sent an identity token"
                )
        else:
            _require(OPENAI_BASE_URL=self.openai_base_url)
            _require(OPENAI_MODEL=self.openai_model)
        return self

    @cached_property
    def provider(self) -> ProviderChoice:
        """The video service in use: the chosen one, else the one that is configured."""
        azure = any((self.azure_openai_endpoint, self.azure_openai_api_key, self.azure_openai_deployment))
        other = any((self.openai_base_url, self.openai_api_key, self.openai_model))
        if self.video_provider is not None:
            return self.video_provider
        if azure and other:
            raise ValueError("set VIDEO_PROVIDER to azure or openai: both AZURE_OPENAI_* and OPENAI_* are set")
        if not azure and not other:
            raise ValueError(
                "set AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_DEPLOYMENT, or OPENAI_BASE_URL and OPENAI_MODEL"
            )
        return "azure" if azure else "openai"

    @property
    def flow(self) -> FlowSettings:
        """What an accepted job carries along."""
        fields = self.model_dump(include=set(FlowSettings.model_fields))
        return FlowSettings.model_validate({**fields, "video_retention_seconds": self.video_retention_days * 86_400})

    @property
    def submits_per_minute(self) -> int | None:
        """How many calls to submit a minute: as set, else Azure's quota there and as many as it likes elsewhere."""
        if self.max_submits_per_minute is None and self.provider == "azure":
            return AZURE_SUBMITS_PER_MINUTE
        return self.max_submits_per_minute

    @property
    def telemetry_signs_in(self) -> bool:
        """Whether telemetry is sent with the app's identity."""
        return self._telemetry_sign_in.get("authorization", "").upper() == "AAD"

    @property
    def telemetry_client_id(self) -> str | None:
        """Which identity that is, None for the system-assigned one."""
        return self._telemetry_sign_in.get("clientid") or None

    @cached_property
    def _telemetry_sign_in(self) -> dict[str, str]:
        parts = (part.partition("=") for part in (self.applicationinsights_authentication_string or "").split(";"))
        return {name.strip().lower(): value.strip() for name, _, value in parts}

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value, for redaction."""
        held = (
            self.storage_connection_string,
            self.azure_openai_api_key,
            self.openai_api_key,
            self.applicationinsights_connection_string,
        )
        values = [secret.get_secret_value() for secret in held if secret is not None]
        parts = [part.partition("=") for value in values for part in value.split(";")]
        return (*values, *(secret for name, _, secret in parts if name in _SECRET_PARTS))


def load_settings() -> Settings:
    """Read the environment; raise `ConfigurationError` where it cannot work."""
    try:
        return Settings()
    except ValidationError as invalid:
        # Only names and rules: pydantic's own text would show the values, keys among them.
        problems = "; ".join(_problem(error["loc"], error["msg"]) for error in invalid.errors(include_input=False))
        raise ConfigurationError(problems) from None


def _problem(where: tuple[int | str, ...], message: str) -> str:
    sentence = message.removeprefix("Value error, ")
    if not where:
        return sentence
    name = str(where[0])  # as it is documented where the field has an alias, else the field's own name
    return f"{name.upper() if name.islower() else name}: {sentence}"


def _require(**named: object) -> None:
    for name, value in named.items():
        if not value:
            raise ValueError(f"set {name}")
