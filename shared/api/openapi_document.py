"""The OpenAPI 3.1 document of the API, from its routes, models, refusals and answers."""

from shared.api import openapi_prose as prose
from shared.api.openapi_operations import FUNCTION_KEYS, paths
from shared.api.openapi_schemas import Json, schemas
from shared.version import VERSION


def document(*, needs_key: bool) -> Json:
    """Return the whole document; `needs_key` says whether the routes of jobs ask for a function key."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": prose.TITLE,
            "version": VERSION,
            "description": prose.description(needs_key=needs_key),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": prose.TAG, "description": prose.TAG_DESCRIPTION},
            {"name": prose.HEALTH_TAG, "description": prose.HEALTH_TAG_DESCRIPTION},
        ],
        "paths": paths(needs_key=needs_key),
        "components": {"schemas": schemas(), "securitySchemes": FUNCTION_KEYS},
    }
