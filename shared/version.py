"""The app's version, once; CHANGELOG.md says what came with it."""

from typing import Final

VERSION: Final = "0.2.0"
