"""The moving picture behind the caption: a sky, a light, clouds, three lands that scroll past, and things that float.

Everything costly is drawn once, as strips that repeat seamlessly and small sprites; a frame only puts them together, so
that 720p takes a few milliseconds. Which shapes, where and how fast is decided by the dice, that is, by the prompt.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from devtools.sora_sim.media.palette import Colour, Palette, lighter

Ridge = Callable[[float], float]
"""Height of a land (0 to 1) at a place (0 to 1) in its strip; the same at both ends."""


@dataclass(frozen=True)
class Strip:
    """A picture that repeats to the left and right and moves by `speed` pixels a second."""

    image: Image.Image
    mask: Image.Image
    top: int
    speed: float


@dataclass(frozen=True)
class Floater:
    """A small picture on a slow Lissajous path; all numbers are in pixels, seconds and turns."""

    image: Image.Image
    mask: Image.Image
    centre: tuple[float, float]
    reach: tuple[float, float]
    turns_per_second: tuple[float, float]
    phase: float

    def place(self, second: float) -> tuple[int, int]:
        """The upper left corner at that second."""
        x = self.centre[0] + self.reach[0] * math.sin(math.tau * (self.turns_per_second[0] * second + self.phase))
        y = self.centre[1] + self.reach[1] * math.cos(math.tau * (self.turns_per_second[1] * second + self.phase))
        return round(x - self.image.width / 2), round(y - self.image.height / 2)


class Landscape:
    """Draws the frame of any second."""

    def __init__(self, width: int, height: int, palette: Palette, dice: random.Random) -> None:
        self._sky = _sky(width, height, palette, dice)
        clouds = _clouds(width, height, palette, dice)
        ridge_kinds = dice.sample((_hills, _mountains, _skyline, _dunes), k=3)
        direction = dice.choice((-1, 1))
        lands = [
            _land(
                (width, height),
                kind(dice),
                palette.lands[depth],
                depth,
                direction * width * (0.012 + 0.03 * depth**1.6),
            )
            for depth, kind in enumerate(ridge_kinds)
        ]
        self._back = [clouds, lands[0]]
        self._front = lands[1:]
        self._floaters = [_floater(width, height, palette, dice) for _ in range(dice.randint(5, 9))]

    def frame(self, second: float) -> Image.Image:
        """A new RGB picture, free to be drawn on."""
        picture = self._sky.copy()
        for strip in self._back:
            _put(picture, strip, second)
        for floater in self._floaters:
            picture.paste(floater.image, floater.place(second), floater.mask)
        for strip in self._front:
            _put(picture, strip, second)
        return picture


def _put(picture: Image.Image, strip: Strip, second: float) -> None:
    left = -round(second * strip.speed % strip.image.width)
    while left < picture.width:
        picture.paste(strip.image, (left, strip.top), strip.mask)
        left += strip.image.width


def _gradient(size: tuple[int, int], top: Colour, bottom: Colour, middle: Colour | None = None) -> Image.Image:
    shades = ImageOps.colorize(Image.linear_gradient("L"), top, bottom, middle)
    return shades.resize(size, Image.Resampling.BICUBIC)


def _glow(diameter: int, falloff: float) -> Image.Image:
    """A soft round mask, opaque in the middle; a larger fall-off makes a smaller core."""
    fade = Image.radial_gradient("L").point([round(255 * max(0.0, 1 - v / 180) ** falloff) for v in range(256)])
    return fade.resize((diameter, diameter), Image.Resampling.BICUBIC)


def _disc(diameter: int) -> Image.Image:
    mask = Image.new("L", (diameter * 4, diameter * 4))
    ImageDraw.Draw(mask).ellipse((2, 2, diameter * 4 - 3, diameter * 4 - 3), fill=255)
    return mask.reduce(4)


def _sky(width: int, height: int, palette: Palette, dice: random.Random) -> Image.Image:
    sky = _gradient((width, height), palette.sky_top, palette.sky_bottom, palette.sky_middle)
    unit = min(width, height)
    if palette.night:
        pen = ImageDraw.Draw(sky)
        for _ in range(110):
            x, y, size = dice.uniform(0, width), dice.uniform(0, height * 0.55), unit / dice.uniform(350, 900)
            pen.ellipse((x - size, y - size, x + size, y + size), fill=lighter(palette.light, dice.uniform(-0.4, 0.6)))
    centre = (round(width * dice.uniform(0.2, 0.8)), round(height * dice.uniform(0.18, 0.36)))
    for share, falloff, strength in ((1.5, 2.2, 0.55), (0.55, 1.6, 0.5)):
        halo = _glow(max(2, round(unit * share)), falloff).point([round(v * strength) for v in range(256)])
        sky.paste(palette.light, (centre[0] - halo.width // 2, centre[1] - halo.height // 2), halo)
    disc = _disc(max(2, round(unit * dice.uniform(0.13, 0.21))))
    sky.paste(lighter(palette.light, 0.35), (centre[0] - disc.width // 2, centre[1] - disc.height // 2), disc)
    return sky


def _clouds(width: int, height: int, palette: Palette, dice: random.Random) -> Strip:
    """Drawn small and enlarged, which makes them soft; kept clear of both ends so that the strip repeats unseen."""
    small = Image.new("L", (480, 90))
    for _ in range(dice.randint(4, 7)):
        x, y = dice.uniform(60, 420), dice.uniform(22, 68)
        for _ in range(7):
            dx, dy, rx, ry = dice.gauss(0, 20), dice.gauss(0, 3), dice.uniform(10, 24), dice.uniform(2, 5)
            puff = Image.new("L", small.size)
            ImageDraw.Draw(puff).ellipse((x + dx - rx, y + dy - ry, x + dx + rx, y + dy + ry), fill=70)
            small = ImageChops.screen(small, puff)
    mask = small.filter(ImageFilter.GaussianBlur(2.5)).resize(
        (round(width * 1.6), max(1, height // 3)), Image.Resampling.BICUBIC
    )
    image = Image.new("RGB", mask.size, lighter(palette.light, 0.2))
    return Strip(image, mask, top=round(height * 0.08), speed=width * 0.018)


def _land(size: tuple[int, int], ridge: Ridge, colour: Colour, depth: int, speed: float) -> Strip:
    width, height = size
    strip_width, strip_height = round(width * 1.5), round(height * (0.58 - 0.11 * depth))
    mask = Image.new("L", (strip_width * 2, strip_height * 2))
    # The mask is twice as large, so half of its height is for the ridge, and the lower half is solid ground.
    outline = [(x, (1 - ridge(x / mask.width)) * strip_height * 0.95 + 2) for x in range(0, mask.width + 2, 2)]
    ImageDraw.Draw(mask).polygon([(0, mask.height), *outline, (mask.width, mask.height)], fill=255)
    image = _gradient((strip_width, strip_height), lighter(colour, 0.22), lighter(colour, -0.25))
    return Strip(image, mask.reduce(2), top=height - strip_height, speed=speed)


def _hills(dice: random.Random) -> Ridge:
    return _waves([(n, dice.uniform(0.5, 1) / n, dice.random()) for n in (1, 2, 3, 5)])


def _dunes(dice: random.Random) -> Ridge:
    swell = _waves([(n, 1 / n, dice.random()) for n in (1, 3)])
    crests, phase = dice.choice((4, 5, 6)), dice.random()
    return lambda place: 0.55 * swell(place) + 0.45 * abs(math.sin(math.pi * (crests * place + phase)))


def _mountains(dice: random.Random) -> Ridge:
    peaks = [(n, 0.9 / n**0.9, dice.random()) for n in (2, 3, 5, 9, 17)]
    total = sum(weight for _, weight, _ in peaks)
    return lambda place: sum(w * abs(2 * ((n * place + phase) % 1) - 1) for n, w, phase in peaks) / total


def _skyline(dice: random.Random) -> Ridge:
    houses = [dice.uniform(0.12, 0.55) + (dice.random() < 0.2) * 0.4 for _ in range(34)]
    return lambda place: houses[int(place * len(houses)) % len(houses)]


def _waves(parts: list[tuple[int, float, float]]) -> Ridge:
    total = sum(weight for _, weight, _ in parts)
    return lambda place: 0.5 + 0.5 * sum(w * math.sin(math.tau * (n * place + p)) for n, w, p in parts) / total


def _floater(width: int, height: int, palette: Palette, dice: random.Random) -> Floater:
    unit = min(width, height)
    diameter = max(4, round(unit * dice.uniform(0.05, 0.13)))
    colour = dice.choice((palette.accent, palette.light, lighter(palette.accent, 0.35)))
    mask = _glow(diameter * 2, 2.4).point([round(v * 0.7) for v in range(256)])
    core = _disc(max(2, diameter // 3))
    at = ((mask.width - core.width) // 2,) * 2
    mask.paste(255, at, core)
    return Floater(
        image=Image.new("RGB", mask.size, colour),
        mask=mask,
        centre=(width * dice.uniform(0.1, 0.9), height * dice.uniform(0.12, 0.5)),
        reach=(width * dice.uniform(0.04, 0.16), height * dice.uniform(0.03, 0.12)),
        turns_per_second=(dice.uniform(0.05, 0.16), dice.uniform(0.08, 0.22)),
        phase=dice.random(),
    )
