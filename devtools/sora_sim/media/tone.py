"""The sound of one film: a soft pentatonic figure whose key and melody follow the prompt, as 16-bit mono samples."""

import math
import random
from array import array

SAMPLE_RATE = 48_000
PENTATONIC = (0, 2, 4, 7, 9, 12, 14, 16)
NOTES = 8
NOTE_SAMPLES = SAMPLE_RATE // 2
LOUDNESS = 7000


def melody(dice: random.Random) -> bytes:
    """Four seconds that can be repeated without a click: every note fades in and out within its own half second."""
    root = dice.uniform(174, 330)
    samples = array("h")
    for _ in range(NOTES):
        frequency = root * 2 ** (dice.choice(PENTATONIC) / 12)
        angle = math.tau * frequency / SAMPLE_RATE
        for n in range(NOTE_SAMPLES):
            age = n / NOTE_SAMPLES
            envelope = min(1.0, age * 40) * (1 - age) ** 2
            samples.append(int(LOUDNESS * envelope * (math.sin(angle * n) + 0.25 * math.sin(2 * angle * n))))
    return samples.tobytes()
