"""The `Idempotency-Key` of a request (draft-ietf-httpapi-idempotency-key-header-07).

By the draft it is a structured string of RFC 8941, in quotes; many clients send it without, which is understood too.
"""

import re
from typing import Final

from starlette.datastructures import Headers

from shared.api.parsing import refused

KEY_HEADER: Final = "Idempotency-Key"

KEY_PATTERN: Final = r'^(?:"((?:[ !#-\[\]-~]|\\["\\]){1,255})"|([!#-+\--~]{1,255}))$'
"""A string of RFC 8941: printable ASCII in quotes, with quotes and backslashes escaped. Or the same without quotes, and
without blanks, quotes and commas, which would make a list of it. Written so that JSON Schema understands it, too."""

_KEY: Final = re.compile(KEY_PATTERN, re.ASCII)


def idempotency_key(headers: Headers) -> str | None:
    """Return the key, None where there is none; raise `BadRequest` (400) for one that is none.

    The key is what is between the quotes, so that it does not matter whether a client writes them.
    """
    values = headers.getlist(KEY_HEADER)
    if not values:
        return None
    # Several headers of one name are the same as one with a list, which is no key: which of them was meant?
    found = _KEY.fullmatch(", ".join(values).strip(" \t"))
    if found is None:
        raise refused("malformed-key")
    quoted, bare = found.groups()
    return re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else str(bare)
