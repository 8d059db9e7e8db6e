"""Whether a request's conditions hold for a video as it is, by RFC 9110 section 13."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Literal

from starlette.datastructures import Headers

from shared.storage.base import StoredVideo

_ENTITY_TAG: Final = re.compile(r'(W/)?("[^"]*")', re.IGNORECASE)


def fields(headers: Headers) -> dict[str, str]:
    """Return each header field with all its lines as one, as RFC 9110 section 5.3 reads them."""
    return {name: ", ".join(headers.getlist(name)) for name in headers}


def failed_condition(headers: Mapping[str, str], video: StoredVideo) -> Literal[304, 412] | None:
    """Return the status that answers GET or HEAD instead of the video; None where nothing stands against sending it.

    The order is that of RFC 9110 section 13.2.2: an entity tag settles what a date would be asked for otherwise.
    """
    if (wanted := headers.get("if-match")) is not None:
        if not names(wanted, video.etag, weakly=False):
            return 412
    elif (moment := _date(headers.get("if-unmodified-since"))) is not None and _modified(video) > moment:
        return 412
    if (known := headers.get("if-none-match")) is not None:
        return 304 if names(known, video.etag, weakly=True) else None
    if (moment := _date(headers.get("if-modified-since"))) is not None and _modified(video) <= moment:
        return 304
    return None


def is_that_version(validator: str, video: StoredVideo) -> bool:
    """Say whether an `If-Range` names this version: by its very entity tag, or by its very date.

    A weak entity tag cannot vouch for bytes. The date can: a video does not change any more once it can be downloaded.
    """
    return validator == video.etag or _date(validator) == _modified(video)


def http_date(moment: datetime) -> str:
    """Return a time as HTTP writes it."""
    return moment.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


def names(tags: str, etag: str, *, weakly: bool) -> bool:
    """Say whether a list of entity tags, or `*`, names the strong `etag`; weak ones do so only `weakly`."""
    if tags.strip() == "*":
        return True
    return any(tag == etag and (weakly or not weak) for weak, tag in _ENTITY_TAG.findall(tags))


def _modified(video: StoredVideo) -> datetime:
    """Return when the video was written, to the second that `Last-Modified` tells."""
    return video.last_modified.replace(microsecond=0)


def _date(text: str | None) -> datetime | None:
    """Return the time that a field names, None where there is no such field or it cannot be understood."""
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):  # no date, or one beyond all calendars
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
