"""A real browser on the local stack: Chromium as the system has it, driven by Playwright."""

import json
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from typing import Final

import pytest
from playwright.async_api import Browser, Page, Route, async_playwright

from devtools.stack import DEFAULT_SETTINGS, Stack
from tests.browser.watching import Watched
from tests.support.caller import Caller
from tests.support.stack import machine

FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
QUICK: Final = {"POLL_FIRST_SECONDS": "0.3", "POLL_LONGEST_SECONDS": "1"}
ANYWHERE: Final = {"CORS": "*"}
"""The section `Host` of the stack's settings: a front end from any origin may use this API."""


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is; tests that need it are skipped where it is not."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not path:
        pytest.skip("Chromium is not installed: install the package `chromium`, or set CHROMIUM to its path")
    return path


@pytest.fixture(scope="session")
def stack(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The local stack with quick looks and renders."""
    assert chromium, "there is no use in a stack without a browser"
    folder = tmp_path_factory.mktemp("browser")
    settings = folder / "local.settings.json"
    example = json.loads(DEFAULT_SETTINGS.read_text(encoding="utf-8"))
    settings.write_text(json.dumps({**example, "Host": ANYWHERE}), encoding="utf-8")
    with Stack(folder / "state", render_seconds=0.5, settings=settings, overrides=QUICK, caller=machine()) as running:
        yield running


@pytest.fixture(scope="session")
def finished(stack: Stack) -> tuple[str, str]:
    """The app's address and the id of a completed job."""
    caller = Caller(stack.app)
    with caller.http:
        job_id = caller.submit("A calm lake")
        assert caller.wait(job_id)["status"] == "completed"
    return stack.app, job_id


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """A fresh browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser) -> Page:
    """An empty page."""
    return await browser.new_page()


@pytest.fixture
async def front_end(page: Page, stack: Stack) -> Page:
    """An empty page of the API's own origin, where a front end would be."""
    address = f"{stack.app}/front-end"
    empty = "<!doctype html><html lang=en><title>Front end</title><link rel=icon href=data:,><body></body></html>"

    async def answer(route: Route) -> None:
        await route.fulfill(body=empty, content_type="text/html")

    await page.route(address, answer)
    await page.goto(address)
    return page


@pytest.fixture
def watched(page: Page, stack: Stack) -> Watched:
    """What goes wrong on that page, and which other hosts it asks."""
    return Watched(page, stack.app)
