"""`GET` and `HEAD /api/docs`: Swagger UI over our own OpenAPI document, from files that are deployed with the app.

Nothing on the page comes from anywhere else: no inline script, no other host. Its addresses are absolute paths, as
those in the API's own answers, so that it works with and without a slash at the end.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import azure.durable_functions as df
from starlette.requests import Request
from starlette.responses import Response

from shared.api import responses
from shared.api.fixed_content import FixedContent
from shared.api.routes import DOCS, DOCS_FILE

PAGE: Final = "docs_page/index.html"

FILES: Final[Mapping[str, tuple[str, str]]] = {
    "page.css": ("docs_page", "text/css"),
    "page.js": ("docs_page", "text/javascript"),
    "swagger-ui.css": ("swagger_ui", "text/css"),
    "swagger-ui-bundle.js": ("swagger_ui", "text/javascript"),
    "swagger-ui-bundle.js.LICENSE.txt": ("swagger_ui", "text/plain"),
    "swagger-ui.LICENSE.txt": ("swagger_ui", "text/plain"),
    "swagger-ui.NOTICE.txt": ("swagger_ui", "text/plain"),
    "favicon-32x32.png": ("swagger_ui", "image/png"),
}
"""All that is served below the page: folder and type by name. Nothing else on disk can be asked for."""

_DIRECTIVES: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "media-src 'self' blob:",  # the player of a downloaded video
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
_POLICY: Final = {"Content-Security-Policy": "; ".join(_DIRECTIVES), "Referrer-Policy": "no-referrer"}

blueprint = df.Blueprint()


@blueprint.function_name("docs")
@blueprint.route(route=DOCS.path, methods=DOCS.methods, auth_level=DOCS.auth_level)
async def docs(req: Request) -> Response:
    """Answer 200 with the page."""
    return _content(PAGE, "text/html").answer(req, _POLICY)


@blueprint.function_name("docs_file")
@blueprint.route(route=DOCS_FILE.path, methods=DOCS_FILE.methods, auth_level=DOCS_FILE.auth_level)
async def docs_file(req: Request) -> Response:
    """Answer 200 with a file of the page, 404 for any other name."""
    name = str(req.path_params.get("file", ""))
    if name not in FILES:
        return responses.error(404, responses.NOT_FOUND)
    folder, media_type = FILES[name]
    return _content(f"{folder}/{name}", media_type).answer(req)


@cache
def _content(path: str, media_type: str) -> FixedContent:
    return FixedContent((Path(__file__).parent / path).read_bytes(), media_type)
