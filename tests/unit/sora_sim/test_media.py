"""The films themselves, opened and decoded again. Sizes are small because encoding is real here."""

from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from av.video.frame import VideoFrame
from PIL import Image, ImageChops

from devtools.sora_sim.media.caption import SMALLEST_FONT, draw_caption
from devtools.sora_sim.media.landscape import Landscape
from devtools.sora_sim.media.palette import choose_palette, dice_for
from devtools.sora_sim.media.tone import melody
from devtools.sora_sim.media.typeface import Typeface
from devtools.sora_sim.media.video import render_video

FRAME = 1 / 24


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds, wide."""
    path = tmp_path_factory.mktemp("films") / "film.mp4"
    render_video(path, prompt="A golden retriever playing in a sunny park", width=320, height=180, seconds=3)
    return path


def test_a_film_has_exactly_the_size_and_length_ordered(film: Path) -> None:
    """Frames are counted, not believed."""
    with av.open(str(film)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        frames = [frame.pts for frame in container.decode(video)]

        assert (video.codec_context.width, video.codec_context.height) == (320, 180)
        assert len(frames) == 72
        assert frames == [frame * (frames[1] or 0) for frame in range(72)]
        assert container.duration is not None
        assert abs(container.duration / 1_000_000 - 3) <= FRAME
        assert video.duration is not None
        assert video.time_base is not None
        assert abs(float(video.duration * video.time_base) - 3) <= FRAME
        assert audio.duration is not None
        assert audio.time_base is not None
        assert 3 - FRAME <= float(audio.duration * audio.time_base) <= 3 + FRAME


def test_a_film_is_what_every_player_plays(film: Path) -> None:
    """H.264 in yuv420p at 24 frames a second, AAC."""
    with av.open(str(film)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]

        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert float(video.average_rate or 0) == 24
        assert audio.codec_context.name == "aac"


def test_the_index_comes_before_the_pictures(film: Path) -> None:
    """A browser can start to play before it has everything."""
    boxes = list(_boxes(film.read_bytes()))

    assert boxes.index(b"moov") < boxes.index(b"mdat")


def test_the_sound_can_be_heard(film: Path) -> None:
    """The track is no silence."""
    with av.open(str(film)) as container:
        loudest = max(max(abs(v) for v in memoryview(frame.planes[0]).cast("f")) for frame in container.decode(audio=0))

    assert loudest > 0.05


def test_the_picture_moves(film: Path) -> None:
    """Frames a second apart differ above the bar that shows elapsed time."""
    with av.open(str(film)) as container:
        pictures = [_picture(frame).crop((0, 0, 320, 120)) for frame in container.decode(video=0)]

    assert _difference(pictures[0], pictures[24]) > 0.5
    assert _difference(pictures[24], pictures[60]) > 0.5


def test_the_lands_scroll_past() -> None:
    """Not only what floats in the sky moves: below, behind the caption, there is nothing but land."""
    dice = dice_for("a fox")
    landscape = Landscape(160, 90, choose_palette(dice), dice)

    now, later = (landscape.frame(second).crop((0, 54, 160, 80)) for second in (0, 4))

    assert _difference(now, later) > 0.5


def test_the_same_prompt_makes_the_same_film_and_another_makes_another() -> None:
    """Picture and sound follow from the prompt alone."""
    prompts = ("a fox", "a fox", "a bear", "a lighthouse", "Schnee")

    first, again, *others = (_first_frame(prompt) for prompt in prompts)
    tone, same_tone, *other_tones = (melody(dice_for(prompt)) for prompt in prompts)

    assert _difference(first, again) == 0
    assert all(_difference(first, other) > 5 for other in others)
    assert tone == same_tone
    assert tone not in other_tones


@pytest.mark.parametrize(("width", "height", "seconds"), [(64, 64, 1), (16, 16, 1), (180, 320, 1), (4096, 64, 1)])
def test_any_even_size_can_be_had(tmp_path: Path, width: int, height: int, seconds: int) -> None:
    """Also where no caption could be read."""
    path = tmp_path / "film.mp4"

    render_video(path, prompt="A fox", width=width, height=height, seconds=seconds)

    with av.open(str(path)) as container:
        codec = container.streams.video[0].codec_context
        assert (codec.width, codec.height) == (width, height)
        assert len(list(container.decode(video=0))) == 24 * seconds


@pytest.mark.parametrize("size", [(63, 64, 1), (64, 63, 1), (64, 64, 0)])
def test_an_impossible_film_is_refused(tmp_path: Path, size: tuple[int, int, int]) -> None:
    """Odd sides have no 4:2:0."""
    with pytest.raises(ValueError, match="even sides"):
        render_video(tmp_path / "film.mp4", prompt="x", width=size[0], height=size[1], seconds=size[2])


def test_an_interrupted_render_leaves_nothing(tmp_path: Path) -> None:
    """The file appears complete or not at all."""

    def give_up(share: float) -> None:
        if share > 0.5:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        render_video(tmp_path / "film.mp4", prompt="x", width=64, height=64, seconds=1, report=give_up)

    assert list(tmp_path.iterdir()) == []


PLAIN = Typeface(names=())
"""The one that every machine has."""

LONG = " ".join(f"word{n}" for n in range(200))[:1000]


@pytest.mark.parametrize("typeface", [PLAIN, Typeface()], ids=["plain", "system"])
@pytest.mark.parametrize(
    "prompt",
    ["tiny", "A bustling city street at night", LONG, "x" * 1000, "日本語" * 40, "é\u0301 🎉\n\tß"],
    ids=["tiny", "usual", "long", "one word", "no spaces", "odd"],
)
@pytest.mark.parametrize(("width", "height"), [(256, 256), (720, 1280), (4096, 256)])
def test_the_whole_prompt_fits_the_frame(prompt: str, width: int, height: int, typeface: Typeface) -> None:
    """Nothing is cut off for any prompt that the product accepts; the plate lies within the frame."""
    caption = draw_caption(prompt, width, height, typeface)

    left, top = caption.position
    assert "".join(caption.lines).replace(" ", "") == typeface.legible(prompt).replace(" ", "")
    assert min(left, top) >= 0
    assert left + caption.image.width <= width
    assert top + caption.image.height <= height
    assert caption.font_size >= 7


def test_a_short_prompt_leaves_the_picture_free() -> None:
    """The plate keeps to the lower part of the frame."""
    caption = draw_caption("A golden retriever playing in a sunny park", 1280, 720, PLAIN)

    assert caption.position[1] > 720 * 0.6
    assert caption.font_size >= 24


def test_lines_are_even() -> None:
    """No last word stands alone."""
    font = PLAIN.font(20)

    caption = draw_caption("the lighthouse keeper feeds his", 256, 256, PLAIN)

    lengths = [font.getlength(line) for line in caption.lines]
    assert len(lengths) > 1
    assert min(lengths) > 0.6 * max(lengths)


def test_the_text_stands_out_from_its_plate() -> None:
    """White on nearly black, whatever is behind."""
    caption = draw_caption("HELLO", 640, 360, PLAIN)

    shades = caption.image.convert("RGBA").getcolors(100_000) or []
    solid = [(count, colour) for count, colour in shades if isinstance(colour, tuple) and colour[3] > 150]
    assert any(min(colour[:3]) > 240 for _, colour in solid)
    assert max(solid)[1][:3] < (30, 30, 30)


def test_a_text_without_end_gets_an_ellipsis() -> None:
    """Upstreams accept 32,000 characters; no frame does."""
    caption = draw_caption("word " * 6000, 256, 256, PLAIN)

    assert caption.font_size == SMALLEST_FONT
    assert caption.lines[-1].endswith("…")
    assert caption.image.height <= 256


def test_a_prompt_of_nothing_printable_says_so() -> None:
    """A plate is never empty."""
    assert draw_caption("\u200b\n", 256, 256, PLAIN).lines == ("(no prompt)",)


def test_accents_fall_off_where_only_the_plain_font_is() -> None:
    """An e is better than an empty box."""
    assert PLAIN.legible("Café\n über  naïve") == "Cafe uber naive"


def _first_frame(prompt: str) -> Image.Image:
    dice = dice_for(prompt)
    return Landscape(160, 90, choose_palette(dice), dice).frame(0)


def _picture(frame: VideoFrame) -> Image.Image:
    picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call] # PyAV leaves Pillow untyped
    return picture


def _difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of two pictures, 0 to 255."""
    histogram = ImageChops.difference(one, other).convert("L").histogram()
    return sum(shade * count for shade, count in enumerate(histogram)) / (one.width * one.height)


def _boxes(content: bytes) -> Iterator[bytes]:
    """The names of an MP4's top-level boxes."""
    position = 0
    while position < len(content):
        yield content[position + 4 : position + 8]
        position += int.from_bytes(content[position : position + 4], "big")
