"""The contract's JavaScript example, unchanged, on a page of the same origin."""

from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Page

pytestmark = [pytest.mark.stack, pytest.mark.timeout(90)]

EXAMPLE: Final = Path(__file__).parents[1] / "scenarios" / "contract_examples" / "browser_client.js"


async def test_example_makes_a_video(front_end: Page) -> None:
    """Generate, poll every two seconds, and report the video's address, as a front end's first version would."""
    await front_end.add_script_tag(content=EXAMPLE.read_text(encoding="utf-8"))

    async with front_end.expect_console_message(timeout=60_000) as awaited:
        await front_end.evaluate("createVideo()")

    message = await awaited.value
    assert message.type == "log", message.text
    assert message.text.startswith("Video ready: /api/download/gen_")
