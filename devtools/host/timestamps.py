"""Moments as the durable engine writes them: ISO 8601 in UTC with a `Z` and no trailing zeros in the fraction."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_text(moment: datetime) -> str:
    """`2026-01-02T03:04:05.5Z`."""
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    if "." in text:
        text = text.rstrip("0")
    return text + "Z"


def to_seconds_text(moment: datetime) -> str:
    """`2026-01-02T03:04:05Z`, as status answers have it."""
    return to_text(moment.replace(microsecond=0))


def from_text(text: str) -> datetime:
    """The moment that an ISO 8601 text names, to the microsecond; without a zone it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def to_microseconds(moment: datetime) -> int:
    """Microseconds since 1970, the journal's form of a moment."""
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """The moment that many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=count)


def to_timespan(duration: timedelta) -> str:
    """`3.00:00:00`: days where there are any, hours, minutes, seconds."""
    hours, rest = divmod(duration.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    days = f"{duration.days}." if duration.days else ""
    return f"{days}{hours:02}:{minutes:02}:{seconds:02}"
