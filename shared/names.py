"""Every name that crosses the host: what a function is registered as, and so what durable history remembers.

A name is also the file and the function that carry it: `submit_render` lives in `activities/submit_render.py`.
Renaming one breaks the jobs that are running, because their history holds the old name.
"""

from typing import Final

GENERATE_VIDEO: Final = "generate_video"

SUBMIT_RENDER: Final = "submit_render"
CHECK_RENDER: Final = "check_render"
FETCH_RENDER: Final = "fetch_render"
VERIFY_VIDEO: Final = "verify_video"

ORCHESTRATORS: Final = (GENERATE_VIDEO,)
ACTIVITIES: Final = (SUBMIT_RENDER, CHECK_RENDER, FETCH_RENDER, VERIFY_VIDEO)
