"""Prints Bicep files as JSON; run by the Python of the environment that has checkov's own parser."""

import json
import sys
from pathlib import Path

from pycep import BicepParser  # type: ignore[import-not-found]  # in the other environment alone


def main() -> None:
    """Parse every file named on the command line; a file that cannot be parsed ends this with the parser's words."""
    parser = BicepParser()
    parsed = {path: parser.parse(file_path=Path(path)) for path in sys.argv[1:]}
    json.dump(parsed, sys.stdout, default=str)


if __name__ == "__main__":
    main()
