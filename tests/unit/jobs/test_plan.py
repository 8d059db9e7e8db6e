import pytest

from shared.jobs.models import RenderSpec, VideoRequest
from shared.jobs.plan import render_spec


def test_even_request_is_rendered_as_asked() -> None:
    """What can be delivered as it was asked for is asked for as it is."""
    request = VideoRequest(prompt="a calm lake", duration=15, width=1280, height=720)

    assert render_spec(request) == RenderSpec(prompt="a calm lake", seconds=15, width=1280, height=720)


@pytest.mark.parametrize(
    ("asked", "rendered"),
    [((257, 719), (258, 720)), ((256, 257), (256, 258)), ((4095, 4095), (4096, 4096)), ((256, 4096), (256, 4096))],
)
def test_odd_sides_are_rounded_up(asked: tuple[int, int], rendered: tuple[int, int]) -> None:
    """A video has even sides; it is never smaller than what was asked for."""
    spec = render_spec(VideoRequest(prompt="a", width=asked[0], height=asked[1]))

    assert (spec.width, spec.height) == rendered
