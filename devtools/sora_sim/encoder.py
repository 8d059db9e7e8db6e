"""Renders real videos in child processes: the server stays responsive, and a crash costs one job.

Children are kept and used again, because starting one costs as much as a short video. They end by themselves when this
process is gone, however it went: their pipes break.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path

from devtools.sora_sim.jobs import NewVideo
from devtools.sora_sim.rendering import RenderError

PROCESSES = 2
SILENCE_SECONDS = 60
"""A child reports several times a second; one that is silent for so long is stuck."""
PROJECT_ROOT = Path(__file__).parents[2]


class EncoderPool:
    """A Renderer. Orders beyond PROCESSES wait for a child to be free."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(PROCESSES)
        self._idle: list[Process] = []

    async def render(self, order: NewVideo, path: Path, report: Callable[[float], None]) -> None:
        """Hand the order to a child and wait for its file."""
        async with self._places:
            child = await self._free_child()
            try:
                await _encode(child, order, path, report)
            except BaseException:
                await _kill(child)
                raise
            self._idle.append(child)

    async def _free_child(self) -> Process:
        while self._idle:
            child = self._idle.pop()
            if child.returncode is None:
                return child
        return await _start()

    async def close(self) -> None:
        """End the idle children; busy ones end when their render is cancelled."""
        while self._idle:
            await _kill(self._idle.pop())


async def _start() -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "devtools.sora_sim.media"),
        stdin=PIPE,
        stdout=PIPE,
        cwd=PROJECT_ROOT,
        start_new_session=True,  # Ctrl-C is for the server, which then ends its children in order
    )


async def _encode(child: Process, order: NewVideo, path: Path, report: Callable[[float], None]) -> None:
    if child.stdin is None or child.stdout is None:
        raise RenderError("the encoder has no pipes")
    size = {"width": order.width, "height": order.height, "seconds": order.seconds}
    child.stdin.write(json.dumps({"path": str(path), "prompt": order.prompt, **size}).encode() + b"\n")
    while True:
        try:
            line = await asyncio.wait_for(child.stdout.readline(), SILENCE_SECONDS)
        except TimeoutError:
            raise RenderError(f"the encoder said nothing for {SILENCE_SECONDS} s") from None
        if not line:
            raise RenderError(f"the encoder ended with exit code {await child.wait()}")
        news = json.loads(line)
        if "error" in news:
            raise RenderError(news["error"])
        report(news["share"])
        if news["done"]:
            return


async def _kill(child: Process) -> None:
    if child.returncode is None:
        child.kill()
    await child.wait()
