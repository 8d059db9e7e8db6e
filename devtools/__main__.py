"""The command line of the repository: `python3 -m devtools demo|test|up|quick|soak|package`.

Started by any Python 3.11 or newer, with nothing installed: it makes the project's environment first and goes on
inside it. This file stays readable for older Pythons, so that they can say what is missing, not show a syntax error.
"""

import os
import sys

OLDEST = (3, 11)


def main() -> int:
    """Check the Python that runs this and hand over to the commands; returns the exit status."""
    if sys.version_info < OLDEST:
        print("Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ".", file=sys.stderr)
        return 1
    if os.name != "posix":
        print("The local tools need Linux or macOS; on Windows use WSL.", file=sys.stderr)
        return 1
    from devtools import commands  # noqa: PLC0415 - its syntax is too new for the Pythons refused above

    return commands.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
