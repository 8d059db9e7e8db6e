"""The page at `/api/docs` in a browser: what it shows, and a video made by clicks alone."""

import asyncio
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, expect

from devtools.stack import Stack
from tests.browser.playing import plays
from tests.browser.watching import Watched
from tests.unit.api.openapi_reading import described, operations

pytestmark = [pytest.mark.stack, pytest.mark.timeout(90)]


ANSWERED = ".live-responses-table td.response-col_status:not(.col_header)"


def block(page: Page, operation_id: str, tag: str = "Videos") -> Locator:
    """The part of the page that is about an operation."""
    return page.locator(f"#operations-{tag}-{operation_id}")


@pytest.mark.parametrize("address", ["/api/docs", "/api/docs/"])
async def test_page_shows_every_operation_without_a_complaint(
    page: Page, stack: Stack, watched: Watched, address: str
) -> None:
    """Nothing is missing, nothing breaks the page's own content policy, and nobody else is asked for anything."""
    await page.goto(stack.app + address)
    for path, method, operation in operations():
        shown = block(page, operation["operationId"], *operation["tags"])
        await expect(shown.locator(".opblock-summary-method")).to_have_text(method.upper())
        await expect(shown.locator(".opblock-summary-path")).to_have_attribute("data-path", path)

    await expect(page.locator(".opblock")).to_have_count(len(list(operations())))
    await expect(page.locator(".authorize, .authorization__btn")).to_have_count(0)  # the local stack's routes are open
    assert watched.problems == []


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_commands_on_the_page_make_a_video_in_a_shell(page: Page, stack: Stack, tmp_path: Path) -> None:
    """They name the server that the page came from, and can be copied as they are."""
    await page.goto(f"{stack.app}/api/docs")
    commands = await page.locator(".info pre code").inner_text()

    def run() -> None:
        subprocess.run(["sh", "-euc", commands], cwd=tmp_path, check=True, timeout=60, capture_output=True)

    await asyncio.to_thread(run)

    assert (tmp_path / "video.mp4").read_bytes()[4:8] == b"ftyp"


async def test_key_that_is_entered_is_sent_along(page: Page, stack: Stack, watched: Watched) -> None:
    """Where the routes of jobs are closed, the page asks for a key; it goes into the header and nowhere else."""

    async def answer(route: Route) -> None:
        await route.fulfill(json=described(needs_key=True))

    await page.route(f"{stack.app}/openapi.json", answer)
    await page.goto(f"{stack.app}/api/docs")
    await page.get_by_role("button", name="Authorize").click()
    await page.locator(".auth-container").get_by_role("textbox").fill("made-up-key")
    await page.locator(".auth-container").get_by_role("button", name="Apply credentials").click()
    await page.get_by_role("button", name="Close").last.click()

    async with page.expect_request("**/api/generate") as awaited:
        await block(page, "generateVideo").get_by_role("button", name="Execute").click()

    sent = await awaited.value
    assert await sent.header_value("x-functions-key") == "made-up-key"
    assert sent.url == f"{stack.app}/api/generate"
    assert watched.problems == []


async def test_bare_answer_of_the_platform_is_shown(page: Page, stack: Stack) -> None:
    """What stands before the app answers a missing key without a body and without a type."""

    async def answer(route: Route) -> None:
        await route.fulfill(status=401, headers={"content-length": "0"}, body="")

    await page.route(f"{stack.app}/api/generate", answer)
    await page.goto(f"{stack.app}/api/docs")
    generate = block(page, "generateVideo")
    await generate.get_by_role("button", name="Execute").click()

    await expect(generate.locator(ANSWERED)).to_contain_text("401")


@pytest.mark.parametrize(
    ("operation_id", "fields", "status"),
    [
        pytest.param("inspectVideo", {}, "200", id="HEAD"),
        pytest.param("downloadVideo", {"Range": "bytes=0-99"}, "206", id="a part"),
        pytest.param("downloadVideo", {"If-None-Match": "*"}, "304", id="unchanged"),
    ],
)
async def test_answer_that_is_no_whole_video_has_no_player(
    page: Page, finished: tuple[str, str], operation_id: str, fields: dict[str, str], status: str
) -> None:
    """Only what can be played looks as if it could."""
    app, job_id = finished
    await page.goto(f"{app}/api/docs")
    operation = block(page, operation_id)
    await operation.locator(".opblock-summary").click()
    for name, value in {"file_id": f"gen_{job_id}", **fields}.items():
        await operation.locator(f"tr[data-param-name={name}] input").fill(value)
    await operation.get_by_role("button", name="Execute").click()

    await expect(operation.locator(ANSWERED)).to_have_text(status)
    await expect(operation.locator("video")).to_have_count(0)


async def test_page_says_so_when_it_cannot_show_anything(page: Page, stack: Stack) -> None:
    """A server that fails leaves nobody waiting."""

    async def answer(route: Route) -> None:
        await route.fulfill(status=500, json={"detail": "Service is temporarily unavailable"})

    await page.route(f"{stack.app}/openapi.json", answer)
    await page.goto(f"{stack.app}/api/docs")

    await expect(page.get_by_role("main")).to_have_text(re.compile("could not be loaded"))


async def test_video_is_made_and_played_by_clicks(page: Page, stack: Stack, watched: Watched) -> None:
    """Each step fills in the id for the next and leads there; the last one plays what came."""
    generate, status, download = (block(page, name) for name in ("generateVideo", "getStatus", "downloadVideo"))
    await page.goto(f"{stack.app}/api/docs")

    job = await executed(page, generate)
    await generate.get_by_role("button", name="See its status").click()
    await expect(status.get_by_role("textbox")).to_have_value(job["job_id"])
    await execute_until_completed(page, status)
    await status.get_by_role("button", name="Get the video").click()
    await download.get_by_role("button", name="Execute").click()
    video = download.locator("video")
    await plays(video)

    assert await video.evaluate("video => [video.videoWidth, video.videoHeight]") == [1280, 720]
    await expect(download.get_by_role("link", name=f"Save gen_{job['job_id']}.mp4")).to_be_visible()
    assert watched.problems == []


async def test_job_is_looked_at_in_full_and_cancelled_by_clicks(page: Page, stack: Stack, watched: Watched) -> None:
    """Its id is in every operation that needs it, also where nothing leads there; cancelling has a button as well."""
    await page.goto(f"{stack.app}/api/docs")
    job = await executed(page, block(page, "generateVideo"))

    for operation_id in ("getJob", "cancelJob"):
        operation = block(page, operation_id)
        await operation.locator(".opblock-summary").click()
        await expect(operation.get_by_role("textbox")).to_have_value(job["job_id"])
        shown = await executed(page, operation)

        assert shown["job_id"] == job["job_id"]
        await expect(operation.locator(ANSWERED)).to_have_text("200")
    assert shown["status"] in ("failed", "completed")
    assert watched.problems == []


async def test_job_under_way_is_looked_at_again_where_it_was_looked_at(page: Page, stack: Stack) -> None:
    """The page leads on from the answer that started a job, and keeps whoever reads about it where he is."""
    job = {"job_id": "01jyg74z6ee6e9y23ceq2fmwc4", "status": "queued", "video_url": None}

    async def answer(route: Route) -> None:
        await route.fulfill(json=job)

    await page.route(f"{stack.app}/api/jobs/*", answer)
    await page.goto(f"{stack.app}/api/docs")
    operation = block(page, "getJob")
    await operation.locator(".opblock-summary").click()
    await operation.get_by_role("button", name="Execute").click()

    await expect(operation.get_by_text("execute again in a moment")).to_be_visible()
    await expect(operation.get_by_role("button", name="See its status")).to_have_count(0)


async def test_request_is_sent_with_a_key_only_where_one_is_entered(page: Page, stack: Stack) -> None:
    """The same button pressed twice asks for two videos, unless somebody says that it is the same."""
    await page.goto(f"{stack.app}/api/docs")
    generate = block(page, "generateVideo")
    first, second = await executed(page, generate), await executed(page, generate)
    await generate.locator("tr[data-param-name=Idempotency-Key] input").fill("from-the-page")
    third, fourth = await executed(page, generate), await executed(page, generate)

    assert third == fourth
    assert len({job["job_id"] for job in (first, second, third)}) == 3


async def executed(page: Page, operation: Locator) -> dict[str, Any]:
    """Execute an operation and return the JSON that it answers."""
    async with page.expect_response(re.compile("/api/(generate|status|jobs)")) as awaited:
        await operation.get_by_role("button", name="Execute").click()
    answer = await awaited.value
    body: dict[str, Any] = await answer.json()
    return body


async def execute_until_completed(page: Page, status: Locator) -> None:
    """Look again and again, as the page says, for at most half a minute."""
    async with asyncio.timeout(30):
        while (job := await executed(page, status))["status"] in ("queued", "processing"):
            await expect(status.get_by_text("execute again in a moment")).to_be_visible()
            await asyncio.sleep(0.3)  # another process decides when this comes true
    assert job["status"] == "completed"
