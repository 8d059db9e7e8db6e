"""Waiting for a video element, each time with an end."""

from typing import Any, Final

from playwright.async_api import Locator

_AFTER: Final = """(video, [event, seconds]) => new Promise((happened, failed) => {
    const state = () => ({
        time: video.currentTime, duration: video.duration, width: video.videoWidth, height: video.videoHeight,
    });
    const fail = (why) => failed(new Error(`${why}: ${video.error?.message} ${JSON.stringify(state())}`));
    video.addEventListener(event, () => happened(state()), { once: true });
    video.addEventListener("error", () => fail("cannot be played"), { once: true });
    setTimeout(() => fail(`no ${event}`), seconds * 1000);
    %s
})"""

_PLAYED: Final = """(video, seconds) => new Promise((happened, failed) => {
    const since = video.currentTime;
    video.addEventListener("timeupdate", () => video.currentTime > since + 0.3 && happened());
    setTimeout(() => failed(new Error(`stands at ${video.currentTime}`)), seconds * 1000);
    video.play().catch(failed);
})"""


async def after(video: Locator, event: str, do: str, *, seconds: float = 15) -> dict[str, Any]:
    """Do something to a video (JavaScript), and return its state when the event has happened."""
    state: dict[str, Any] = await video.evaluate(_AFTER % do, [event, seconds])
    return state


async def plays(video: Locator, *, seconds: float = 15) -> None:
    """Play a video, and return when a third of a second has been shown."""
    await video.evaluate(_PLAYED, seconds)
