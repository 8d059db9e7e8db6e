"""The prompt as a picture: wrapped, as large as fits, white on a dark plate.

Works from 64 pixels up to any size and for thousands of characters: a short prompt sits in the lower part of the frame,
a long one may cover it. Characters that the font does not have show as its empty box.
"""

from dataclasses import dataclass

from PIL import Image, ImageDraw

from devtools.sora_sim.media.typeface import Font, Typeface

SMALLEST_FONT = 5
READABLE_CHARACTERS = 4000
"""More than this is not even tried: no frame would show it."""
SHRINK = 0.93
LINE_HEIGHT = 1.28
PLATE = (8, 10, 18, 204)


@dataclass(frozen=True)
class Caption:
    """A plate with the text on it, and where its upper left corner belongs in the frame."""

    image: Image.Image
    position: tuple[int, int]
    lines: tuple[str, ...]
    font_size: int


def draw_caption(prompt: str, width: int, height: int, typeface: Typeface) -> Caption:
    """Lay the prompt out for a frame of this size. What does not fit in the smallest font gives way to an ellipsis."""
    text = typeface.legible(prompt) or "(no prompt)"
    text = text if len(text) <= READABLE_CHARACTERS else text[:READABLE_CHARACTERS] + "…"
    unit = min(width, height)
    margin = max(2, unit // 28)
    padding = max(2, unit // 36)
    inner_width = width - 2 * (margin + padding)
    size, lines = _fit(text, typeface, inner_width, height - 2 * (margin + padding))

    font = typeface.font(size)
    line_height = round(size * LINE_HEIGHT)
    text_width = max(round(font.getlength(line)) for line in lines)
    plate_size = (min(text_width + 2 * padding, width), min(len(lines) * line_height + 2 * padding, height))
    image = Image.new("RGBA", plate_size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((0, 0, plate_size[0] - 1, plate_size[1] - 1), radius=padding, fill=PLATE)
    for number, line in enumerate(lines):
        middle = padding + round((number + 0.5) * line_height)
        pen.text((plate_size[0] / 2, middle), line, font=font, fill=(255, 255, 255, 255), anchor="mm")

    left = (width - plate_size[0]) // 2
    top = max((height - plate_size[1]) // 2, min(round(height * 0.93), height - margin) - plate_size[1])
    return Caption(image, (left, min(top, height - plate_size[1])), tuple(lines), size)


def _fit(text: str, typeface: Typeface, width: int, height: int) -> tuple[int, list[str]]:
    """The largest comfortable font within the lower part of the frame, else any font within all of it."""
    unit = min(width, height)
    for largest, smallest, room in ((unit / 14, max(unit / 26, 10), height * 0.45), (unit / 20, SMALLEST_FONT, height)):
        size = max(largest, smallest)
        while size >= smallest:
            font = typeface.font(round(size))
            lines = wrap(text, font, width)
            if len(lines) * round(round(size) * LINE_HEIGHT) <= room:
                return round(size), _balance(text, font, width, lines)
            size *= SHRINK
    lines = wrap(text, typeface.font(SMALLEST_FONT), width)
    room_for = max(1, int(height // round(SMALLEST_FONT * LINE_HEIGHT)))
    if len(lines) > room_for:
        lines = [*lines[: room_for - 1], lines[room_for - 1][:-1] + "…"]
    return SMALLEST_FONT, lines


def _balance(text: str, font: Font, width: int, lines: list[str]) -> list[str]:
    """The same number of lines, but as even as possible: no lonely last word."""
    evener = lines
    while len(lines) > 1 and width > 1 and len(evener) == len(lines):
        lines = evener
        width = int(width * 0.96)
        evener = wrap(text, font, width)
    return lines


def wrap(text: str, font: Font, width: float) -> list[str]:
    """Break text at spaces into lines no wider than `width`; a word wider than that is broken inside."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if font.getlength(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = _pieces(word, font, width)
        lines.extend(full)
    return [*lines, line]


def _pieces(word: str, font: Font, width: float) -> list[str]:
    pieces = [""]
    for character in word:
        if pieces[-1] and font.getlength(pieces[-1] + character) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces
