"""The authorization level that all HTTP-triggered functions of jobs share."""

import os
from typing import Final

import azure.functions as func

JOB_ROUTES: Final = (
    func.AuthLevel.ANONYMOUS if os.environ.get("JOB_ROUTES_AUTH_LEVEL") == "anonymous" else func.AuthLevel.FUNCTION
)
"""Read when the host indexes the app, because the level is part of what it indexes. Anything but the one word that
opens the routes keeps them closed."""
