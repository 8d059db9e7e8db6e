"""`GET` and `HEAD /openapi.json`: the OpenAPI document, built when it is first asked for."""

import json
from functools import cache

import azure.durable_functions as df
import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from shared.api.fixed_content import FixedContent
from shared.api.routes import JOB_ROUTES, OPENAPI

blueprint = df.Blueprint()


@blueprint.function_name("openapi")
@blueprint.route(route=OPENAPI.path, methods=OPENAPI.methods, auth_level=OPENAPI.auth_level)
async def openapi(req: Request) -> Response:
    """Answer 200 with the document."""
    return _content().answer(req)


@cache
def _content() -> FixedContent:
    from shared.api.openapi_document import document  # noqa: PLC0415 - docs/decisions/0002

    described = document(needs_key=JOB_ROUTES is not func.AuthLevel.ANONYMOUS)
    text = json.dumps(described, indent=2, ensure_ascii=False, allow_nan=False)
    return FixedContent(f"{text}\n".encode(), "application/json")
