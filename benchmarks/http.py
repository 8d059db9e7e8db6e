"""How the API answers a crowd: 200 pollers and 20 downloads of 50 MB at a time, while jobs run.

    python -m benchmarks.http [--seconds 60] [--rounds 3] [--pollers 200] [--downloads 20] [--file-mb 50] [--jobs 5]

Starts the local stack, puts a file into its storage, and sends the crowd by turns to the app and to what cannot be
beaten: a bare Starlette app for the status, the storage emulator itself for the file. Prints what either had to wait
for and how the app's memory went. Exits with 1 where a request to the app failed, where 95 of 100 status answers, new
jobs or first bytes took longer than 2 s, or where memory grew.

As a module only: as a script, this file would be taken for the standard library's `http`.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import aiohttp

from benchmarks.load import Figures, File, Jobs, crowd, resident_mb
from devtools.stack import Stack
from devtools.stack_ports import free_row
from devtools.stack_settings import ACCOUNT, ACCOUNT_KEY
from shared.jobs.ids import file_id, new_job_id, video_blob
from shared.storage.blob import AzureBlobStore

P95_SECONDS: Final = 2.0
GROWTH_MB: Final = 8.0
"""Noise of the allocator, from the first to the last third of the warm part of the run. The longer the run, the smaller
the leak that it finds: at 100 requests a second, ten minutes show 0.3 KB a request."""

WARM_UP: Final = 0.25
"""The part of a run after which memory must be flat."""

SHORTEST_SECONDS: Final = 5

KINDS: Final = ("status", "generate", "first byte", "download")

BARE: Final = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

async def status(request):
    return JSONResponse({"job_id": request.path_params["job_id"], "status": "processing"})

app = Starlette(routes=[Route("/api/status/{job_id}", status)])
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False)
"""


@contextmanager
def bare_app() -> Iterator[str]:
    """Serve a status route with nothing behind it; yields its address."""
    (port,) = free_row(1)
    process = subprocess.Popen([sys.executable, "-c", BARE, str(port)])
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


async def put_file(blob: str, size: int) -> tuple[File, File]:
    """Store a file of `size` bytes as some job's video; return it as the app has it, and as storage has it."""
    from azure.storage.blob import BlobSasPermissions, generate_blob_sas  # noqa: PLC0415 - only here

    connection = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};BlobEndpoint={blob};"
    container = "sora-videos"
    job_id = new_job_id()
    name = video_blob(job_id)
    piece = os.urandom(1024 * 1024)
    checksum = 0
    for _ in range(size // len(piece)):
        checksum = zlib.crc32(piece, checksum)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(size // len(piece)):
            yield piece

    store = AzureBlobStore.from_connection_string(connection, container)
    try:
        await store.write_video(name, pieces())
        video = await store.find_video(name)
        if video is None:
            raise RuntimeError("the file that was just stored is not there")
        await store.mark_verified(name, video, {})
    finally:
        await store.close()
    expiry = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86_400))
    sas = generate_blob_sas(
        ACCOUNT, container, name, account_key=ACCOUNT_KEY, permission=BlobSasPermissions(read=True), expiry=expiry
    )
    whole = size // len(piece) * len(piece)
    return (
        File(f"/api/download/{file_id(job_id)}", whole, checksum),
        File(f"{blob}/{container}/{name}?{sas}", whole, checksum),
    )


async def run(options: argparse.Namespace) -> bool:
    """Measure, print, and say whether all limits were kept."""
    ours, theirs, memory = Figures(), Figures(), list[tuple[float, float]]()
    with TemporaryDirectory() as folder, Stack(Path(folder), render_seconds=3) as stack, bare_app() as bare:
        in_app, in_storage = await put_file(stack.blob, options.file_mb * 1024 * 1024)
        jobs = Jobs(stack.app, options.jobs, ours)
        file = File(stack.app + in_app.url, in_app.size, in_app.checksum)
        async with jobs.under_way():
            await _answers(f"{bare}/api/status/x")
            for number in range(options.rounds):
                print(f"round {number + 1} of {options.rounds}", flush=True)
                async with crowd(
                    pollers=options.pollers,
                    poll=lambda: f"{bare}/api/status/x",
                    downloads=options.downloads,
                    file=in_storage,
                ) as seen:
                    await asyncio.sleep(options.seconds / options.rounds / 4)
                theirs.merge(seen)
                async with crowd(
                    pollers=options.pollers, poll=jobs.some_status, downloads=options.downloads, file=file
                ) as seen:
                    await _watch(stack.pids["app"], options.seconds / options.rounds, memory)
                ours.merge(seen)
    return _report(ours, theirs, memory, jobs.completed)


async def _answers(url: str) -> None:
    async with aiohttp.ClientSession() as session, asyncio.timeout(20):
        while True:
            try:
                async with session.get(url):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)


async def _watch(pid: int, seconds: float, memory: list[tuple[float, float]]) -> None:
    """Note the process's memory every second, against the seconds of load that it has seen so far."""
    so_far = memory[-1][0] if memory else 0.0
    began = time.perf_counter()
    while (now := time.perf_counter() - began) < seconds:
        memory.append((so_far + now, resident_mb(pid)))
        await asyncio.sleep(min(1.0, seconds - now))


def _report(ours: Figures, theirs: Figures, memory: list[tuple[float, float]], completed: int) -> bool:
    print(f"\n{'seconds':<12}{'':>22}{'count':>8}{'p50':>8}{'p95':>8}{'p99':>8}")
    for kind in KINDS:
        for name, figures in (("app", ours), ("bare Starlette, storage", theirs)):
            if figures.waits.get(kind):
                row = "".join(f"{figures.percentile(kind, part):8.3f}" for part in (0.5, 0.95, 0.99))
                print(f"{kind:<11}{name:>23}{len(figures.waits[kind]):>8}{row}")
    for name, figures in (("app", ours), ("storage", theirs)):
        print(f"{'MB/s':<11}{name:>23}{figures.received / figures.seconds / 1e6:>8.0f}")
    missing = [kind for kind in KINDS if not ours.waits.get(kind)]
    if missing:
        print(f"NOTHING SEEN of {', '.join(missing)}: {sorted(set(ours.failures))}")
        return False
    settled = [mb for at, mb in memory if at >= memory[-1][0] * WARM_UP]
    early, late = median(settled[: len(settled) // 3]), median(settled[-(len(settled) // 3) :])
    print(f"app's memory: {memory[0][1]:.0f} MB at first, {early:.0f} MB when warm, {late:.0f} MB at the end, ", end="")
    print(f"{max(mb for _, mb in memory):.0f} MB at most; {completed} jobs completed meanwhile")
    for failure in sorted(set(ours.failures)):
        print(f"FAILED {ours.failures.count(failure)} times: {failure}")
    slow = [kind for kind in KINDS[:3] if ours.percentile(kind, 0.95) > P95_SECONDS]
    for kind in slow:
        print(f"TOO SLOW: {kind}, p95 above {P95_SECONDS:.0f} s")
    grown = late - early > GROWTH_MB
    if grown:
        print(f"GROWN: memory by more than {GROWTH_MB:.0f} MB")
    return not ours.failures and not slow and not grown


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http", description="The API under a crowd.")
    parser.add_argument("--seconds", type=float, default=60, help="of load on the app, in all rounds together")
    parser.add_argument("--rounds", type=int, default=3, help="turns between the app and what it is compared with")
    parser.add_argument("--pollers", type=int, default=200)
    parser.add_argument("--downloads", type=int, default=20)
    parser.add_argument("--file-mb", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=5, help="jobs that are under way at a time")
    options = parser.parse_args()
    if min(vars(options).values()) <= 0:
        parser.error("every number must be above 0")
    if options.seconds < SHORTEST_SECONDS:
        parser.error(f"--seconds must be at least {SHORTEST_SECONDS}")
    return 0 if asyncio.run(run(options)) else 1


if __name__ == "__main__":
    sys.exit(main())
