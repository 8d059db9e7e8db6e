"""JSON texts as the engine stores them: compact, not escaped to ASCII, and always storable."""

import json
from typing import Any


def dumps(value: Any) -> str:
    """`{"k":1,"u":"é"}`. A lone surrogate, which no store can hold, becomes U+FFFD."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def compact(text: str) -> str:
    """The same JSON value, compact. Raises ValueError when `text` is not JSON."""
    return dumps(json.loads(text))


def value_or_text(text: str | None) -> Any:
    """The value of a JSON text; a text that is no JSON (a failure's sentence, a reason) as it is."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text
