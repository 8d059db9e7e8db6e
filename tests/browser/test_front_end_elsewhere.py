"""A front end on another origin, let in by the platform's CORS settings, with a function key in its requests."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from playwright.async_api import Page

from devtools.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(90)]

FRONT_END = """async (api) => {
    const key = { "x-functions-key": "a-function-key" };
    const asked = await fetch(`${api}/api/generate`, {
        method: "POST",
        headers: { ...key, "Content-Type": "application/json" },
        body: JSON.stringify({ prompt: "A lighthouse in the fog", duration: 1, width: 256, height: 256 }),
    });
    let job = await asked.json();
    for (let looks = 0; looks < 100 && ["queued", "processing"].includes(job.status); looks++) {
        await new Promise((rested) => setTimeout(rested, 200));
        job = await (await fetch(`${api}/api/status/${job.job_id}`, { headers: key })).json();
    }
    const file = await fetch(api + job.video_url, { headers: { ...key, Range: "bytes=0-99" } });
    return { job, status: file.status, size: (await file.blob()).size };
}"""


class Blank(BaseHTTPRequestHandler):
    """Answers everything with an empty page."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Another origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Blank) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


async def test_front_end_on_another_origin_makes_a_video(page: Page, stack: Stack, elsewhere: str) -> None:
    """The browser asks before each request whether a key may be sent along, and then sends it."""
    await page.goto(elsewhere)

    made = await page.evaluate(FRONT_END, stack.app)

    assert made["job"]["status"] == "completed"
    assert (made["status"], made["size"]) == (206, 100)
