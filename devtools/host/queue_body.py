"""What a queue message carries: bytes, in base64 or as they are.

Sources: Azure/azure-sdk-for-net, `QueueMessageCodec.cs` (base64 as .NET reads it: blanks between its characters do not
count, its padding does), `BinaryDataExtensions.cs` of the storage extensions (text is UTF-8 without mistakes).
"""

import base64

_BLANKS = str.maketrans("", "", " \t\r\n")


class UndecodableError(Exception):
    """The text is not in the encoding that host.json names."""


def body_of(text: str, *, is_base64: bool) -> bytes:
    """The bytes that a message's text stands for. Raises UndecodableError."""
    if not is_base64:
        return text.encode()
    try:
        return base64.b64decode(text.translate(_BLANKS), validate=True)
    except ValueError as error:
        raise UndecodableError from error
