"""Turns a prompt into an MP4: H.264 (yuv420p, 24 frames a second) and AAC, index in front, exactly as long as asked.

Usable on its own; knows nothing of jobs or HTTP. Blocks for as long as encoding takes.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from uuid import uuid4

import av
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from PIL import ImageDraw

from devtools.sora_sim.media.caption import draw_caption
from devtools.sora_sim.media.landscape import Landscape
from devtools.sora_sim.media.palette import choose_palette, dice_for
from devtools.sora_sim.media.tone import SAMPLE_RATE, melody
from devtools.sora_sim.media.typeface import Typeface

FRAMES_PER_SECOND = 24


def render_video(
    path: Path,
    *,
    prompt: str,
    width: int,
    height: int,
    seconds: int,
    report: Callable[[float], None] = lambda _share: None,
) -> None:
    """Write the film to `path`, which appears only when it is complete. Width and height must be even.

    `report` is called after every frame with the share done, 0 to 1; what it raises ends the rendering.
    """
    if width % 2 or height % 2 or min(width, height, seconds) < 1:
        raise ValueError(f"a video needs even sides and at least one second, not {width}x{height}, {seconds} s")
    unfinished = path.with_name(f".{path.stem}.{uuid4().hex}.part")
    try:
        with av.open(str(unfinished), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            video = container.add_stream(
                "libx264", rate=FRAMES_PER_SECOND, options={"preset": "ultrafast", "crf": "21"}
            )
            video.width, video.height, video.pix_fmt = width, height, "yuv420p"
            video.time_base = Fraction(1, FRAMES_PER_SECOND)
            video.gop_size = 2 * FRAMES_PER_SECOND
            audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
            audio.bit_rate = 96_000
            sounds = _sounds(prompt, seconds)
            for number, picture in enumerate(_pictures(prompt, width, height, seconds)):
                if number % FRAMES_PER_SECOND == 0:
                    container.mux(audio.encode(next(sounds)))
                container.mux(video.encode(picture))
                report((number + 1) / (seconds * FRAMES_PER_SECOND))
            container.mux(video.encode(None))
            container.mux(audio.encode(None))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _pictures(prompt: str, width: int, height: int, seconds: int) -> Iterator[VideoFrame]:
    dice = dice_for(prompt)
    palette = choose_palette(dice)
    landscape = Landscape(width, height, palette, dice)
    caption = draw_caption(prompt, width, height, Typeface())
    bar = max(2, height // 120)
    for number in range(seconds * FRAMES_PER_SECOND):
        picture = landscape.frame(number / FRAMES_PER_SECOND)
        picture.paste(caption.image, caption.position, caption.image)
        elapsed = width * (number + 1) // (seconds * FRAMES_PER_SECOND)
        ImageDraw.Draw(picture).rectangle((0, height - bar, elapsed, height), fill=palette.accent)
        frame = VideoFrame.from_image(picture)  # type: ignore[no-untyped-call] # PyAV leaves Pillow untyped
        frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
        yield frame


def _sounds(prompt: str, seconds: int) -> Iterator[AudioFrame]:
    """One piece of sound for every second."""
    loop = melody(dice_for(prompt))
    for start in range(0, seconds * SAMPLE_RATE, SAMPLE_RATE):
        offset = start * 2 % len(loop)
        frame = AudioFrame(format="s16", layout="mono", samples=SAMPLE_RATE)
        frame.planes[0].update(loop[offset : offset + SAMPLE_RATE * 2])
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, start, Fraction(1, SAMPLE_RATE)
        yield frame
