"""What `probe` says of files: sound ones measured exactly, broken ones refused."""

import io
from collections.abc import Callable
from fractions import Fraction
from functools import cache

import av
import pytest

from shared.errors import InvalidUpstreamVideo, StorageUnavailable
from shared.media.probe import VideoFacts, probe
from tests.support.videos import video_file


def facts(content: bytes) -> VideoFacts:
    """Probe a file in memory."""
    return probe(io.BytesIO(content))


SOUND: dict[str, tuple[Callable[[], bytes], VideoFacts]] = {
    "fast start": (lambda: video_file(24), VideoFacts(64, 48, 1.0, 1 / 24)),
    "index at the end": (lambda: video_file(24, fast_start=False), VideoFacts(64, 48, 1.0, 1 / 24)),
    "one frame": (lambda: video_file(1), VideoFacts(64, 48, 1 / 24, 1 / 24)),
    "two frames": (lambda: video_file(2), VideoFacts(64, 48, 2 / 24, 1 / 24)),
    "portrait": (lambda: video_file(24, width=48, height=64), VideoFacts(48, 64, 1.0, 1 / 24)),
    "not a multiple of 16": (lambda: video_file(12, width=66, height=50), VideoFacts(66, 50, 0.5, 1 / 24)),
    "30 a second": (lambda: video_file(45, rate=30), VideoFacts(64, 48, 1.5, 1 / 30)),
    "29.97 a second": (
        lambda: video_file(30, rate=Fraction(30_000, 1001)),
        VideoFacts(64, 48, 30 * 1001 / 30_000, 1001 / 30_000),
    ),
    "with sound": (lambda: video_file(48, sound_seconds=2.0), VideoFacts(64, 48, 2.0, 1 / 24)),
    "sound longer than the picture": (lambda: video_file(24, sound_seconds=3.0), VideoFacts(64, 48, 1.0, 1 / 24)),
    "many B-frames": (
        lambda: video_file(240, options={"preset": "veryslow", "bf": "8", "b_strategy": "2", "g": "60"}),
        VideoFacts(64, 48, 10.0, 1 / 24),
    ),
    "no B-frames": (lambda: video_file(48, options={"bf": "0"}), VideoFacts(64, 48, 2.0, 1 / 24)),
    "one key frame in a long file": (lambda: video_file(240, options={"g": "1000"}), VideoFacts(64, 48, 10.0, 1 / 24)),
    "another codec": (lambda: video_file(24, codec="mpeg4"), VideoFacts(64, 48, 1.0, 1 / 24)),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_file_is_measured_exactly(name: str) -> None:
    """Size, length and frame time, whatever the order of frames and the place of the index."""
    make, expected = SOUND[name]

    found = facts(make())

    assert (found.width, found.height) == (expected.width, expected.height)
    assert found.seconds == pytest.approx(expected.seconds, abs=0.002)
    assert found.frame_seconds == pytest.approx(expected.frame_seconds, rel=0.001)


def test_frames_that_begin_late_are_no_part_of_the_length() -> None:
    """A file whose first frame is shown at 0.5 s has the length of its frames."""
    assert facts(video_file(24, first_frame=12)).seconds == pytest.approx(1.0, abs=0.002)


@cache
def whole(*, fast_start: bool = True) -> bytes:
    """Return a sound file of ten seconds."""
    return video_file(240, fast_start=fast_start, options={"g": "24"})


def share(numerator: int, denominator: int, *, fast_start: bool = True) -> bytes:
    """Return the first part of it."""
    content = whole(fast_start=fast_start)
    return content[: len(content) * numerator // denominator]


def start_of_frames() -> int:
    """Return where its frames begin."""
    return whole().index(b"mdat") + 4


BROKEN: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "one byte": lambda: b"\0",
    "JSON": lambda: b'{"error": {"message": "the video is stored elsewhere"}}',
    "HTML": lambda: b"<html><body>Please log in.</body></html>" * 100,
    "noise": lambda: bytes(number * 7919 % 251 for number in range(20_000)),
    "zeros": lambda: bytes(20_000),
    "a picture": lambda: b"\x89PNG\r\n\x1a\n" + bytes(200),
    "only the file type": lambda: whole()[:32],
    "half of a fast-start file": lambda: share(1, 2),
    "nine tenths of a fast-start file": lambda: share(9, 10),
    "half of a file with its index at the end": lambda: share(1, 2, fast_start=False),
    "all but the end of the index": lambda: whole(fast_start=False)[:-1000],
    "an index without frames": lambda: whole()[: start_of_frames()],
    "frames overwritten with zeros": lambda: whole()[: start_of_frames()] + bytes(len(whole()) - start_of_frames()),
    "only sound": lambda: video_file(0, sound_seconds=1.0),
    "AVI": lambda: video_file(24, container="avi", codec="mpeg4"),
    "WebM": lambda: video_file(24, container="webm", codec="libvpx"),
    "Matroska": lambda: video_file(24, container="matroska"),
    "a stream without a container": lambda: video_file(24, container="h264"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_played_is_refused(name: str) -> None:
    """Whatever it calls itself, and also where only its end is missing."""
    with pytest.raises(InvalidUpstreamVideo):
        facts(BROKEN[name]())


@pytest.mark.parametrize("lost_bytes", [1, 30, 300, 3000])
@pytest.mark.parametrize("b_frames", ["0", "3"])
def test_a_file_whose_last_bytes_are_cut_off_is_refused(lost_bytes: int, b_frames: str) -> None:
    """Its boxes promise more than is there; a decoder would not notice a frame or two."""
    content = video_file(240, options={"bf": b_frames, "g": "24"})

    with pytest.raises(InvalidUpstreamVideo):
        facts(content[:-lost_bytes])


@pytest.mark.parametrize("lost_frames", [3, 10, 100])
def test_a_file_that_was_closed_over_lost_frames_is_refused(lost_frames: int) -> None:
    """The boxes are whole, but the index speaks of frames that are not in them."""
    content = video_file(240, options={"bf": "0", "g": "24"})
    start = content.index(b"mdat") - 4
    cut = len(content) - sum(frame_sizes(content)[-lost_frames:])

    with pytest.raises(InvalidUpstreamVideo):
        facts(content[:start] + (cut - start).to_bytes(4) + content[start + 4 : cut])


def frame_sizes(content: bytes) -> list[int]:
    """Return the size of each frame in bytes."""
    with av.open(io.BytesIO(content), "r") as file:
        return [packet.size for packet in file.demux(video=0) if packet.size]


@pytest.mark.parametrize("more", [b"\0", bytes(7), bytes(5000), b"\0\0\0\x08free"])
def test_what_follows_the_last_box_does_no_harm(more: bytes) -> None:
    """Some servers pad."""
    assert facts(whole() + more) == facts(whole())


def test_a_box_with_a_long_size_is_read() -> None:
    """As files of more than 4 GB have them: the free box before the frames makes room for it."""
    content = whole(fast_start=False)
    frames = content.index(b"mdat") - 4
    size = int.from_bytes(content[frames : frames + 4])
    header = (1).to_bytes(4) + b"mdat" + (size + 8).to_bytes(8)

    assert facts(content[: frames - 8] + header + content[frames + 8 :]) == facts(content)
    with pytest.raises(InvalidUpstreamVideo):
        facts(content[: frames - 8] + (1).to_bytes(4) + b"mdat" + (size + 10**6).to_bytes(8) + content[frames + 8 :])


def test_errors_of_the_file_pass_through() -> None:
    """Storage in trouble is not a broken video."""

    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise StorageUnavailable(f"no {size} bytes")

    with pytest.raises(StorageUnavailable):
        probe(Failing(whole()))


def test_errors_of_the_file_in_the_middle_pass_through() -> None:
    """Also once the file has been opened."""

    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > self.getbuffer().nbytes // 3:
                raise StorageUnavailable(f"no {size} bytes")
            return super().read(size)

    with pytest.raises(StorageUnavailable):
        probe(Failing(whole(fast_start=False)))
