"""What the program that checks the API against its description must be told: loaded by it, not by the tests."""

import re
from itertools import count
from typing import Any, Final

import schemathesis

from shared.api.idempotency import KEY_HEADER, KEY_PATTERN

ROOM: Final = 245
"""Of a key's 255 characters, what is left beside a number."""

numbers = count()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Give every request a key of its own: by an old one with another body it would be refused, valid or not."""
    del context, kwargs
    key = (case.headers or {}).get(KEY_HEADER)
    found = re.fullmatch(KEY_PATTERN, key, re.ASCII) if isinstance(key, str) else None
    if found is None:
        return
    quoted, bare = found.groups()
    if bare is not None:
        case.headers[KEY_HEADER] = f"{next(numbers)}-{bare[:ROOM]}"
    else:
        whole = re.findall(r"\\.|.", quoted)[:ROOM]  # an escape is one character
        case.headers[KEY_HEADER] = f'"{next(numbers)}-{"".join(whole)}"'
