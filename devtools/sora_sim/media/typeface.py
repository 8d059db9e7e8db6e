"""The font that captions are written in: the system's widest, or the plain one inside Pillow where there is none."""

import unicodedata
from collections.abc import Sequence

from PIL import ImageFont

# Looked up in the system's font folders, widest coverage first.
SYSTEM_FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "Arial.ttf")

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


class Typeface:
    """One font in all sizes."""

    def __init__(self, names: Sequence[str] = SYSTEM_FONTS) -> None:
        self._name = next((name for name in names if _exists(name)), None)
        self._sizes: dict[int, Font] = {}

    def font(self, size: int) -> Font:
        """At this size in pixels."""
        if size not in self._sizes:
            self._sizes[size] = (
                ImageFont.load_default(size) if self._name is None else ImageFont.truetype(self._name, size)
            )
        return self._sizes[size]

    def legible(self, text: str) -> str:
        """The text on one line, without what cannot be printed. Pillow's font is ASCII, so accents fall off there."""
        if self._name is None:
            text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
        return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _exists(name: str) -> bool:
    try:
        ImageFont.truetype(name, 10)
    except OSError:
        return False
    return True
