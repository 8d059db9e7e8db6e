"""One logger for the whole app, with the job's id on every line that concerns a job, and without secrets or prompts."""

import logging
from collections.abc import Iterable, MutableMapping
from typing import Any, Final

LOGGER_NAME: Final = "sora_video"

log: Final = logging.getLogger(LOGGER_NAME)
"""For the few lines that concern no single job."""

_HIDDEN: Final = "[redacted]"


class _JobLog(logging.LoggerAdapter[logging.Logger]):
    """Puts the job id in front of the message and into the record's extra fields."""

    def process(self, msg: object, kwargs: MutableMapping[str, Any]) -> tuple[object, MutableMapping[str, Any]]:
        job_id = (self.extra or {}).get("job_id")
        return f"[{job_id}] {msg}", {**kwargs, "extra": {"job_id": job_id}}


def log_for(job_id: str) -> logging.LoggerAdapter[logging.Logger]:
    """Return a logger whose lines carry `job_id`, in the text and as an extra field."""
    return _JobLog(logging.getLogger(LOGGER_NAME), {"job_id": job_id})


def redact(text: str, hidden: Iterable[str]) -> str:
    """Return `text` without any of the `hidden` values, for the traceback of an error that we do not understand."""
    for value in sorted(filter(None, hidden), key=len, reverse=True):
        text = text.replace(value, _HIDDEN)
        # A traceback shows strings as literals, where quotes, line ends and non-printable characters are escaped.
        text = text.replace(repr(value)[1:-1], _HIDDEN)
    return text


def quiet_libraries() -> None:
    """Keep the SDKs from writing a page for every request; their warnings still come through."""
    for name in ("azure.core.pipeline.policies.http_logging_policy", "azure.identity", "httpx2", "openai"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # What an exporter of telemetry has to say, it says with every batch that fails; `exporting.py` says it once.
    logging.getLogger("azure.monitor.opentelemetry.exporter").setLevel(logging.CRITICAL)
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    # It warns of every download that breaks off; those that cannot be resumed are logged with their job.
    logging.getLogger("azure.core.pipeline.transport._aiohttp").setLevel(logging.ERROR)
