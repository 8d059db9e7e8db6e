"""Every route of the API, once: functions register by this table, 405 answers and the OpenAPI document read it."""

import os
from dataclasses import dataclass
from typing import Final

import azure.functions as func

JOB_ROUTES: Final = (
    func.AuthLevel.ANONYMOUS if os.environ.get("JOB_ROUTES_AUTH_LEVEL") == "anonymous" else func.AuthLevel.FUNCTION
)
"""Read when the host indexes the app, because the level is part of what it indexes. Anything but the one word that
opens the routes keeps them closed."""


@dataclass(frozen=True)
class Route:
    """One path, as a template without a leading slash, and the methods that its function answers."""

    path: str
    methods: tuple[str, ...]
    auth_level: func.AuthLevel = func.AuthLevel.ANONYMOUS

    def matches(self, path: str) -> bool:
        """Say whether the host would take `path` for this route, whatever the method.

        As ASP.NET does: literals ignore case, one slash at the end does not count, a parameter is one segment and never
        empty.
        """
        wanted, given = self.path.split("/"), path.removeprefix("/").removesuffix("/").split("/")
        return len(wanted) == len(given) and all(
            bool(part) if segment.startswith("{") else segment.lower() == part.lower()
            for segment, part in zip(wanted, given, strict=True)
        )


GENERATE: Final = Route("api/generate", ("POST",), JOB_ROUTES)
STATUS: Final = Route("api/status/{job_id}", ("GET", "HEAD"), JOB_ROUTES)
JOB: Final = Route("api/jobs/{job_id}", ("GET", "HEAD"), JOB_ROUTES)
CANCEL: Final = Route("api/jobs/{job_id}", ("DELETE",), JOB_ROUTES)
DOWNLOAD: Final = Route("api/download/{file_id}", ("GET", "HEAD"), JOB_ROUTES)
HEALTH: Final = Route("api/health", ("GET", "HEAD"))
READY: Final = Route("api/ready", ("GET", "HEAD"))
OPENAPI: Final = Route("openapi.json", ("GET", "HEAD"))
DOCS: Final = Route("api/docs", ("GET", "HEAD"))
DOCS_FILE: Final = Route("api/docs/{file}", ("GET", "HEAD"))

ROUTES: Final = (GENERATE, STATUS, JOB, CANCEL, DOWNLOAD, HEALTH, READY, OPENAPI, DOCS, DOCS_FILE)

REST: Final = "{*path}"
"""The route of everything else: the host prefers each of the above to it."""


def allowed_methods(path: str) -> tuple[str, ...]:
    """Return the methods that some route answers at `path`, none where there is no such path."""
    return tuple(method for route in ROUTES if route.matches(path) for method in route.methods)
