"""Everything that no route answers: 404, or 405 with `Allow`, in the API's own form.

The Functions host makes the method part of a route, so that a wrong method is as unknown to it as a wrong path, and it
would answer both with an empty 404 of its own. This function stands behind all routes and tells them apart.
"""

import azure.durable_functions as df
import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from shared.api import responses
from shared.api.routes import REST, allowed_methods

blueprint = df.Blueprint()


# Without `methods`, the host hands over every method there is.
@blueprint.function_name("unmatched")
@blueprint.route(route=REST, auth_level=func.AuthLevel.ANONYMOUS)
async def unmatched(req: Request) -> Response:
    """Answer 405 where another method would have been answered, else 404."""
    methods = allowed_methods(str(req.path_params.get("path", "")))
    if methods:
        return responses.error(405, responses.METHOD_NOT_ALLOWED, {"Allow": ", ".join(methods)})
    return responses.error(404, responses.NOT_FOUND)
