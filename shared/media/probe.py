"""What a video file is: opened, measured and tried at both ends. The only importer of `av`.

Reading is by seeking, so that a file of any length costs a few reads: the index, the first frame, the last frames.
"""

import io
from dataclasses import dataclass
from typing import BinaryIO

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from shared.errors import AppError, InvalidUpstreamVideo


@dataclass(frozen=True)
class VideoFacts:
    """Size in pixels, length in seconds, and the time that one frame is shown."""

    width: int
    height: int
    seconds: float
    frame_seconds: float


def probe(file: BinaryIO) -> VideoFacts:
    """Open a video and return its facts.

    Raises `InvalidUpstreamVideo` where it is no MP4, has no picture, its first or last frames cannot be decoded
    (a file whose index promises more than is there ends here), or its last box is cut off. Errors of `file` itself pass
    through.
    """
    try:
        with av.open(file, mode="r", format=None) as container:
            facts = _facts(container)
        _check_whole(file)
    except AppError:
        raise
    except (av.FFmpegError, ValueError, OverflowError, EOFError) as error:
        raise InvalidUpstreamVideo(f"the file cannot be read as a video: {type(error).__name__}") from error
    return facts


def _facts(container: InputContainer) -> VideoFacts:
    if "mp4" not in container.format.name.split(","):
        raise InvalidUpstreamVideo(f"the file is {container.format.name}, not mp4")
    if not container.streams.video:
        raise InvalidUpstreamVideo("the file has no picture")
    picture = container.streams.video[0]
    rate = picture.average_rate
    if not rate or picture.time_base is None:
        raise InvalidUpstreamVideo("the file has no frame rate")
    _decode_ends(container, picture)
    length = picture.duration * picture.time_base if picture.duration else picture.frames / rate
    return VideoFacts(picture.codec_context.width, picture.codec_context.height, float(length), float(1 / rate))


def _decode_ends(container: InputContainer, picture: VideoStream) -> None:
    if next(container.decode(picture), None) is None:
        raise InvalidUpstreamVideo("the file holds no frame")
    if not picture.duration or picture.time_base is None or picture.average_rate is None:
        return
    container.seek(picture.duration, stream=picture, backward=True)
    last_end = 0
    for frame in container.decode(picture):
        if frame.pts is not None:
            shown = frame.duration or 0
            last_end = max(last_end, frame.pts + shown)
    start = picture.start_time or 0
    missing = (picture.duration + start - last_end) * picture.time_base
    if missing > 2 / picture.average_rate:
        raise InvalidUpstreamVideo(f"the last {float(missing):.2f} s of the file cannot be decoded")


def _check_whole(file: BinaryIO) -> None:
    """Hold the boxes that an MP4 is made of (ISO/IEC 14496-12, 4.2) against the length of the file.

    Decoders do not mind a file that ends a frame or two early; whoever paid for it might.
    """
    end = file.seek(0, io.SEEK_END)
    place = 0
    while place + 8 <= end:
        file.seek(place)
        header = _up_to(16, file)
        size = int.from_bytes(header[:4])
        if size == 1:
            size = int.from_bytes(header[8:])
        if size < 8:  # 0 is a box that reaches to the end of the file, whatever that is
            return
        place += size
    if place > end:
        raise InvalidUpstreamVideo(f"the file ends {place - end} bytes before its last box")


def _up_to(count: int, file: BinaryIO) -> bytes:
    content = b""
    while len(content) < count and (piece := file.read(count - len(content))):
        content += piece
    return content
