"""Tiny video files, made on the spot."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import av
from av.container import OutputContainer

RATE = 24
SAMPLE_RATE, SAMPLES = 44_100, 1024


def video_file(
    frames: int = RATE,
    *,
    width: int = 64,
    height: int = 48,
    rate: int | Fraction = RATE,
    container: str = "mp4",
    codec: str = "libx264",
    fast_start: bool = True,
    options: Mapping[str, str] | None = None,
    sound_seconds: float = 0,
    first_frame: int = 0,
) -> bytes:
    """Return a file of so many frames, all different; without any, only its sound is there."""
    flags = {"movflags": "faststart"} if fast_start and container == "mp4" else {}
    # A file with a name, because the index can be moved to the front only by reading what was written.
    with TemporaryDirectory() as folder:
        path = Path(folder, "video")
        with av.open(str(path), "w", format=container, options=flags) as output:
            picture = output.add_stream(codec, rate=rate, options=dict(options or {})) if frames else None
            sound = output.add_stream("aac", rate=SAMPLE_RATE) if sound_seconds else None
            if isinstance(picture, av.VideoStream):
                picture.width, picture.height, picture.pix_fmt = width, height, "yuv420p"
                _draw(output, picture, range(first_frame, first_frame + frames))
            if isinstance(sound, av.AudioStream):
                _sound(output, sound, sound_seconds)
        return path.read_bytes()


def _draw(output: OutputContainer, picture: av.VideoStream, numbers: range) -> None:
    for number in numbers:
        frame = av.VideoFrame(picture.width, picture.height, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes((number * 7 + place) % 256 for place in range(plane.buffer_size)))
        frame.pts = number
        output.mux(picture.encode(frame))
    output.mux(picture.encode(None))


def _sound(output: OutputContainer, sound: av.AudioStream, seconds: float) -> None:
    for number in range(int(seconds * SAMPLE_RATE / SAMPLES)):
        piece = av.AudioFrame(format="fltp", layout="stereo", samples=SAMPLES)
        for plane in piece.planes:
            plane.update(bytes(plane.buffer_size))
        piece.sample_rate = SAMPLE_RATE
        piece.pts = number * SAMPLES
        output.mux(sound.encode(piece))
    output.mux(sound.encode(None))
