"""What can go wrong, drawn once; the bottom of the import chain (standard library only).

AppError
  ConfigurationError        the operator must change a setting
  ProviderError             the video service
    ProviderRejected          it refused this request, and will again
    ProviderThrottled         it has no place now
    ProviderUnavailable       it cannot be reached or is failing; nothing was accepted
    ProviderAmbiguous         it may or may not have accepted the request
    ProviderJobLost           it no longer knows the job, or no longer has the file
    InvalidUpstreamVideo      what it delivered is not the video that was asked for
  TooEarly                  the job may submit, but not more of them this minute
  PlaceLost                 the job has no place (any more), so it may not submit
  StorageError              our own storage
    StorageUnavailable        it cannot be reached or is failing
  BackendUnavailable        the durable backend cannot answer
  DeliveryFailed            an event could not be handed over, as far as we know

Each class says with `code` (stable, public) what a job that dies of it is called, and with `retryable` whether trying
again can help. `reason` is a finer word for logs and for the orchestrator; it is never shown to callers.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final, Literal, get_args

THROTTLED: Final = "provider_throttled"
TOO_EARLY: Final = "too_early"
"""Reasons after which a story does something else than to try again later."""

FailureCode = Literal[
    "content_policy",
    "invalid_request",
    "rate_limited",
    "upstream_unavailable",
    "upstream_auth",
    "model_unavailable",
    "upstream_failed",
    "upstream_lost",
    "upstream_timeout",
    "invalid_upstream_video",
    "submission_unknown",
    "cancelled",
    "internal",
]

FAILURE_CODES: Final[tuple[FailureCode, ...]] = get_args(FailureCode)

PUBLIC_MESSAGES: Final[Mapping[FailureCode, str]] = MappingProxyType(
    {
        "content_policy": "Content policy violation detected",
        "invalid_request": "The video service rejected the request",
        "rate_limited": "The video service is at capacity",
        "upstream_unavailable": "Azure OpenAI service is currently unavailable",
        "upstream_auth": "The video service is not configured correctly",
        "model_unavailable": "The video service is not configured correctly",
        "upstream_failed": "Video generation failed",
        "upstream_lost": "The generated video is no longer available",
        "upstream_timeout": "Video generation timed out",
        "invalid_upstream_video": "The video service returned an invalid video",
        "submission_unknown": "It is unknown whether the video service accepted the job",
        "cancelled": "Job was cancelled",
        "internal": "Internal error",
    }
)
"""The only sentences that a caller ever reads about a failed job."""


class AppError(Exception):
    """Anything this app expects to go wrong.

    The exception's own text is for logs: it may name ids and upstream answers, and never reaches a caller.
    """

    code: FailureCode = "internal"
    retryable: ClassVar[bool] = False
    reason: ClassVar[str] = "internal"

    def __init__(self, detail: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class ConfigurationError(AppError):
    """A setting is missing or contradicts another; its text names the setting, never its value.

    Retryable, because a job that is under way, perhaps paid for, outlives a deployment that is mended in time.
    """

    code = "upstream_auth"
    retryable = True
    reason = "configuration"


class ProviderError(AppError):
    """The video service did not do what was asked."""


class ProviderRejected(ProviderError):
    """The video service refused, for a reason that another try will not change."""

    reason = "provider_rejected"

    def __init__(self, code: FailureCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class ProviderThrottled(ProviderError):
    """The video service has no place for the job now (HTTP 429)."""

    code = "rate_limited"
    retryable = True
    reason = THROTTLED


class ProviderUnavailable(ProviderError):
    """The video service could not be reached, or answered that it is failing; it did not accept anything."""

    code: FailureCode = "upstream_unavailable"
    retryable = True
    reason = "provider_unavailable"


class ProviderAmbiguous(ProviderError):
    """The request was sent and no clear answer came back: the video service may be working on it.

    `code` is what the job is called where nothing better is found out before its deadline. `accepted` says that it
    certainly is working on it, only under which id is not known.
    """

    retryable = True
    reason = "provider_ambiguous"

    def __init__(
        self, code: FailureCode, detail: str, *, retry_after_seconds: float | None = None, accepted: bool = False
    ) -> None:
        super().__init__(detail, retry_after_seconds=retry_after_seconds)
        self.code = code
        self.accepted = accepted


class ProviderJobLost(ProviderError):
    """The video service does not know the job or does not have its file (any more)."""

    code = "upstream_lost"
    retryable = True
    reason = "provider_job_lost"


class InvalidUpstreamVideo(ProviderError):
    """The video service delivered something else than the video that was asked for."""

    code = "invalid_upstream_video"
    reason = "invalid_upstream_video"


class TooEarly(AppError):
    """The video service takes no further submission before `retry_after_seconds` are over; the job's turn is kept."""

    code = "rate_limited"
    retryable = True
    reason = TOO_EARLY


class PlaceLost(AppError):
    """The job does not hold the place that it was to be submitted with; it goes back to the line, as from a 429."""

    code = "rate_limited"
    retryable = True
    reason = THROTTLED


class StorageError(AppError):
    """Our own blob storage did not do what was asked."""


class StorageUnavailable(StorageError):
    """Blob storage could not be reached or is failing."""

    retryable = True
    reason = "storage_unavailable"


class BackendUnavailable(AppError):
    """The durable backend could not answer; nothing is known about the job."""

    retryable = True
    reason = "backend_unavailable"


class DeliveryFailed(AppError):
    """An event could not be handed over to whoever carries it on; it may have arrived all the same."""

    retryable = True
    reason = "delivery_failed"
