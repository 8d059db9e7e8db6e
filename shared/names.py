"""Every name that crosses the host: what a function is registered as, and so what durable history remembers.

A name is also the file and the function that carry it: `submit_render` lives in `activities/submit_render.py`.
Renaming one breaks the jobs that are running, because their history holds the old name.
"""

from typing import Final

GENERATE_VIDEO: Final = "generate_video"

REQUEST_PLACE: Final = "request_place"
SUBMIT_RENDER: Final = "submit_render"
CHECK_RENDER: Final = "check_render"
RELEASE_PLACE: Final = "release_place"
FETCH_RENDER: Final = "fetch_render"
VERIFY_VIDEO: Final = "verify_video"
CANCEL_RENDER: Final = "cancel_render"
CLOSE_JOB: Final = "close_job"

PLACE_GRANTED: Final = "place_granted"
CANCEL_JOB: Final = "cancel_job"

ORCHESTRATORS: Final = (GENERATE_VIDEO,)
ACTIVITIES: Final = (
    REQUEST_PLACE,
    SUBMIT_RENDER,
    CHECK_RENDER,
    RELEASE_PLACE,
    FETCH_RENDER,
    VERIFY_VIDEO,
    CANCEL_RENDER,
    CLOSE_JOB,
)
EVENTS: Final = (PLACE_GRANTED, CANCEL_JOB)
"""External events that a story waits for. Each only says "look again": what is true stands in storage."""
