"""How long what belongs to a job is kept at the least, whatever the settings say. Standard library only."""

from datetime import timedelta
from typing import Final

LONGEST_DOWNLOAD: Final = timedelta(hours=6)
"""No answer with a video goes on for longer. What has not been sent by then can be asked for with `Range`."""

DOWNLOAD_GRACE: Final = LONGEST_DOWNLOAD + timedelta(minutes=10)
"""How long after a file has expired it is removed: every download that began before is over by then."""

KEPT_AT_LEAST: Final = timedelta(days=2)
"""How long after its end everything about a job is kept that protects from paying twice: keys, claims, submissions."""
