"""From what the caller asked to what the video service is asked for."""

from shared.jobs.models import RenderSpec, VideoRequest


def render_spec(request: VideoRequest) -> RenderSpec:
    """Return the render that delivers `request`.

    Odd sides round up to even: H.264 with 4:2:0 colour, the only kind that every browser plays, has no odd sizes.
    """
    return RenderSpec(
        prompt=request.prompt,
        seconds=request.duration,
        width=_even(request.width),
        height=_even(request.height),
    )


def _even(pixels: int) -> int:
    return pixels + pixels % 2
