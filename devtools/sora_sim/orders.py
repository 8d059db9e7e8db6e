"""Reads the body of a create call, a multipart form or JSON, into an order; refuses in OpenAI's words what is wrong."""

import json
import re
from email import policy
from email.parser import BytesParser
from typing import Any

from starlette.requests import Request

from devtools.sora_sim.answers import ApiError
from devtools.sora_sim.jobs import NewVideo
from devtools.sora_sim.settings import SimulatorSettings

MAX_BODY_BYTES = 50 * 1024 * 1024
MAX_PROMPT_CHARACTERS = 32_000
MAX_SECONDS = 600
MIN_SIDE, MAX_SIDE = 16, 4096
DEFAULTS = {"model": "sora-2", "seconds": "4", "size": "720x1280"}


async def read_order(request: Request, settings: SimulatorSettings) -> NewVideo:
    """The order in the body. Fields it does not know, uploads among them, are ignored.

    Raises ApiError for a body or a value that cannot be accepted.
    """
    fields = await _fields(request)
    prompt = fields.get("prompt")
    if prompt is None:
        raise ApiError(400, "Missing required parameter: 'prompt'.", param="prompt", code="missing_required_parameter")
    if not isinstance(prompt, str) or not 1 <= len(prompt) <= MAX_PROMPT_CHARACTERS or not _is_unicode(prompt):
        raise _invalid("prompt", f"expected a string of 1 to {MAX_PROMPT_CHARACTERS} characters")
    width, height = _size(fields.get("size") or DEFAULTS["size"], settings)
    return NewVideo(
        prompt=prompt,
        model=str(fields.get("model") or DEFAULTS["model"]),
        seconds=_seconds(fields.get("seconds") or DEFAULTS["seconds"], settings),
        width=width,
        height=height,
    )


def _is_unicode(text: str) -> bool:
    """JSON can spell half a surrogate pair, which is no character and cannot be stored."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _seconds(value: object, settings: SimulatorSettings) -> int:
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"[1-9]\d{0,2}", text) or int(text) > MAX_SECONDS:
        raise _invalid("seconds", f"expected a whole number from 1 to {MAX_SECONDS}")
    if settings.allowed_seconds is not None and int(text) not in settings.allowed_seconds:
        raise _invalid("seconds", f"supported values are: {_listed(sorted(settings.allowed_seconds))}")
    return int(text)


def _size(value: object, settings: SimulatorSettings) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", str(value))
    sides = (int(match[1]), int(match[2])) if match else (0, 0)
    if any(side % 2 or not MIN_SIDE <= side <= MAX_SIDE for side in sides):
        raise _invalid("size", f"expected WIDTHxHEIGHT with even sides from {MIN_SIDE} to {MAX_SIDE}")
    if settings.allowed_sizes is not None and value not in settings.allowed_sizes:
        raise _invalid("size", f"supported values are: {_listed(sorted(settings.allowed_sizes))}")
    return sides


def _listed(values: list[int] | list[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _invalid(field: str, reason: str) -> ApiError:
    return ApiError(400, f"Invalid value for '{field}': {reason}.", param=field, code="invalid_value")


async def _fields(request: Request) -> dict[str, Any]:
    body = await _body(request)
    content_type = request.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/json":
        return _json_fields(body)
    if media_type == "multipart/form-data":
        return _form_fields(content_type, body)
    raise ApiError(400, f"Unsupported content type: '{media_type}'. Use multipart/form-data or application/json.")


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise ApiError(413, f"The request is larger than {MAX_BODY_BYTES} bytes.")
    return bytes(body)


def _json_fields(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except ValueError:
        raise ApiError(400, "We could not parse the JSON body of your request.") from None
    if not isinstance(fields, dict):
        raise ApiError(400, "The JSON body of your request must be an object.")
    return fields


def _form_fields(content_type: str, body: bytes) -> dict[str, Any]:
    """The text fields of a form, by the standard library's MIME parser: a form is a MIME message without a header."""
    message = BytesParser(policy=policy.HTTP).parsebytes(
        f"Content-Type: {content_type}\r\n\r\n".encode("latin-1") + body
    )
    if not message.is_multipart():
        raise ApiError(400, "We could not parse the form in the body of your request.")
    fields: dict[str, Any] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(payload, bytes) or part.get_filename() is not None:
            continue
        try:
            fields[name] = payload.decode()
        except UnicodeDecodeError:
            raise _invalid(name, "expected UTF-8 text") from None
    return fields
