"""Clients as the contract's examples write them: httpx with five seconds of patience, fetch in Node, curl."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import av
import httpx
import pytest

from devtools.environment_node import find_node
from devtools.stack import Stack
from tests.support.caller import wait_until

pytestmark = [pytest.mark.stack, pytest.mark.any_host]


def is_video(path: Path) -> bool:
    with av.open(path, "r") as video:
        return next(video.decode(video.streams.video[0]), None) is not None


def test_the_contracts_python_example_as_it_stands(stack: Stack, tmp_path: Path) -> None:
    """Typed in from the contract, with nothing changed but the port: defaults and all, to a file on disk."""
    example = Path(__file__).with_name("contract_examples") / "python_client.py"
    host = stack.app.removeprefix("http://").replace("127.0.0.1", "localhost")
    script = tmp_path / "client.py"
    script.write_text(example.read_text(encoding="utf-8").replace("localhost:8000", host), encoding="utf-8")

    ran = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=55, check=False
    )

    assert (ran.stdout, ran.returncode) == ("Video downloaded successfully!\n", 0), ran.stderr
    assert is_video(tmp_path / "generated_video.mp4")


async def test_an_async_python_client(stack: Stack, tmp_path: Path) -> None:
    """httpx.AsyncClient with its defaults: no redirects followed, five seconds for every answer."""
    async with httpx.AsyncClient() as client:
        created = await client.post(
            f"{stack.app}/api/generate",
            json={"prompt": "A peaceful mountain lake at sunset", "duration": 1, "width": 256, "height": 256},
        )
        created.raise_for_status()
        job_id = created.json()["job_id"]
        while True:
            response = await client.get(f"{stack.app}/api/status/{job_id}")
            response.raise_for_status()
            job = response.json()
            if job["status"] not in ("queued", "processing"):
                break
            await asyncio.sleep(0.2)  # as clients do
        file_id = job["video_url"].split("/")[-1]
        video = await client.get(f"{stack.app}/api/download/{file_id}")
        video.raise_for_status()

    (tmp_path / "video.mp4").write_bytes(video.content)
    assert is_video(tmp_path / "video.mp4")


def test_a_front_end_with_fetch(stack: Stack, tmp_path: Path) -> None:
    """Node's fetch, written as for a browser."""
    node = find_node(Path(sys.prefix), dict(os.environ))
    assert node is not None, "the storage emulator runs on Node.js, so it is here"
    script = Path(__file__).with_name("contract_client.mjs")
    file = tmp_path / "video.mp4"

    ran = subprocess.run(
        [node, script, stack.app, "A cat playing with a ball", file],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert is_video(file)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_saves_the_file_under_its_own_name(stack: Stack, tmp_path: Path) -> None:
    """Content-Disposition names the file."""

    def curl(*arguments: str) -> str:
        command = ["curl", "--silent", "--show-error", "--fail", "--max-time", "20", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, timeout=30).stdout

    body = json.dumps({"prompt": "A bustling city street at night", "duration": 1, "width": 256, "height": 256})
    job_id = json.loads(
        curl("-X", "POST", f"{stack.app}/api/generate", "-H", "Content-Type: application/json", "-d", body)
    )["job_id"]
    video_url = wait_until(
        lambda: json.loads(curl(f"{stack.app}/api/status/{job_id}")).get("video_url"),
        seconds=40,
        description="the job is completed",
    )
    curl("--remote-name", "--remote-header-name", f"{stack.app}{video_url}")

    assert is_video(tmp_path / f"gen_{job_id}.mp4")
