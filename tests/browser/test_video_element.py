"""A video element whose source is the download itself, as on anybody's page."""

import pytest
from playwright.async_api import Page

from devtools.stack import Stack
from tests.browser.playing import after, plays
from tests.browser.watching import Watched
from tests.support.caller import Caller

pytestmark = [pytest.mark.stack, pytest.mark.timeout(90)]


@pytest.fixture
def video_url(stack: Stack) -> str:
    """The address of a video of some megabytes."""
    caller = Caller(stack.app)
    with caller.http:
        job_id = caller.submit("Waves that roll in from far away", duration=20, width=1280, height=720)
        return str(caller.wait(job_id)["video_url"])


async def test_video_element_plays_and_seeks(front_end: Page, watched: Watched, video_url: str) -> None:
    """A viewer may jump to the end without waiting for what lies before: the browser asks for parts and gets them."""
    await front_end.evaluate("document.body.innerHTML = '<video muted preload=metadata></video>'")
    video = front_end.locator("video")

    loaded = await after(video, "loadedmetadata", f"video.src = '{video_url}';")
    end = loaded["duration"] - 1
    there = await after(video, "seeked", f"video.currentTime = {end};")
    await plays(video)

    assert (loaded["width"], loaded["height"]) == (1280, 720)
    assert loaded["duration"] == pytest.approx(20, abs=0.5)
    assert there["time"] == pytest.approx(end, abs=0.1)
    parts = [answer for answer in watched.answers if answer.url.endswith(video_url)]
    assert {answer.status for answer in parts} == {206}
    assert watched.problems == []
