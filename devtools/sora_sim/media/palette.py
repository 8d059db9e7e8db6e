"""The colours of one film, derived from its prompt: a sky, three lands in front of it, a light and an accent."""

import colorsys
import hashlib
import random
from dataclasses import dataclass

Colour = tuple[int, int, int]

# Hue at the top of the sky and at the horizon. They run upwards through violet and pink, because green skies look ill.
SKIES = ((0.60, 1.07), (0.72, 0.93), (0.55, 1.10), (0.66, 1.01), (0.84, 1.08), (0.52, 0.64), (0.93, 1.11))


@dataclass(frozen=True)
class Palette:
    """Colours that go together; lands are ordered from the farthest to the nearest."""

    sky_top: Colour
    sky_middle: Colour
    sky_bottom: Colour
    lands: tuple[Colour, Colour, Colour]
    light: Colour
    accent: Colour
    night: bool


def dice_for(prompt: str) -> random.Random:
    """Random numbers that are the same for the same prompt, on every machine and in every process."""
    seed = int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:8], "big")
    return random.Random(seed)  # noqa: S311 - it chooses colours and shapes, nothing secret


def choose_palette(dice: random.Random) -> Palette:
    """One of seven skies, a little shifted, at one of three times of day."""
    high, low = dice.choice(SKIES)
    shift = dice.uniform(-0.03, 0.03)
    hue, warm = high + shift, low + shift
    time_of_day = dice.choice(("night", "dusk", "day"))
    top, middle, bottom = {
        "night": ((0.09, 0.60), (0.22, 0.50), (0.50, 0.55)),
        "dusk": ((0.27, 0.52), (0.52, 0.50), (0.76, 0.80)),
        "day": ((0.50, 0.62), (0.72, 0.66), (0.90, 0.80)),
    }[time_of_day]
    nearest = {"night": 0.06, "dusk": 0.11, "day": 0.19}[time_of_day]
    farthest = {"night": 0.30, "dusk": 0.46, "day": 0.58}[time_of_day]
    return Palette(
        sky_top=_colour(hue, *top),
        sky_middle=_colour(_between(hue, warm, 0.45), *middle),
        sky_bottom=_colour(warm, *bottom),
        lands=(
            _colour(_between(hue, warm, 0.6), farthest, 0.38),
            _colour(_between(hue, warm, 0.3), (farthest + nearest) / 2, 0.44),
            _colour(hue, nearest, 0.50),
        ),
        light=_colour(warm, 0.92, 0.85),
        accent=_colour(warm + 0.04, 0.66, 0.92),
        night=time_of_day == "night",
    )


def lighter(colour: Colour, amount: float) -> Colour:
    """The colour moved towards white by `amount` (0 to 1); towards black where the amount is negative."""
    target = 255 if amount > 0 else 0
    red, green, blue = (round(part + (target - part) * abs(amount)) for part in colour)
    return red, green, blue


def _between(one: float, other: float, share: float) -> float:
    return one + (other - one) * share


def _colour(hue: float, lightness: float, saturation: float) -> Colour:
    red, green, blue = colorsys.hls_to_rgb(hue % 1, lightness, saturation)
    return round(red * 255), round(green * 255), round(blue * 255)
