"""Says whether the app could work with the settings in this environment: `python -m devtools.settings_check`.

Exit code 0, or 1 and the sentence that the app itself would log. A deployed app has nobody at the terminal and says it
with its first request; a stack that is started by hand says it before anything runs.
"""

import sys

from shared.errors import ConfigurationError
from shared.settings import load_settings


def main() -> int:
    """Check the settings; return the exit code."""
    try:
        load_settings()
    except ConfigurationError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
