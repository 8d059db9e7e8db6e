"""What a crowd does to an HTTP server: pollers and downloads at the same time, and how long each had to wait."""

import asyncio
import itertools
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp

POLL_SECONDS: Final = 2.0
"""The interval of the contract's own clients, and what `Retry-After` says."""

PATIENCE_SECONDS: Final = 5.0
"""For any answer to begin and for any silence in it: that of the contract's client."""


@dataclass
class Figures:
    """What was seen: waits in seconds by kind of request, bytes received, and every failure in a few words."""

    waits: dict[str, list[float]] = field(default_factory=dict)
    received: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)

    def add(self, kind: str, seconds: float) -> None:
        """Note how long one request of a kind had to wait."""
        self.waits.setdefault(kind, []).append(seconds)

    def merge(self, other: "Figures") -> None:
        """Take in what was seen in another stretch of the run."""
        for kind, waits in other.waits.items():
            self.waits.setdefault(kind, []).extend(waits)
        self.received += other.received
        self.seconds += other.seconds
        self.failures += other.failures

    def percentile(self, kind: str, part: float) -> float:
        """Return the wait in seconds that `part` (0 to 1) of a kind's requests stayed within."""
        waits = sorted(self.waits[kind])
        return waits[min(len(waits) - 1, int(part * len(waits)))]


@dataclass(frozen=True)
class File:
    """A file to download, and what its bytes must add up to."""

    url: str
    size: int
    checksum: int


@asynccontextmanager
async def crowd(
    *,
    pollers: int,
    poll: Callable[[], str],
    downloads: int,
    file: File,
) -> AsyncIterator[Figures]:
    """Let `pollers` read what `poll` names and `downloads` fetch the file, over and over, while the context is open."""
    figures = Figures()
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None, connect=PATIENCE_SECONDS, sock_read=PATIENCE_SECONDS)
    began = time.perf_counter()
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        tasks = [
            *(asyncio.create_task(_poll(session, poll, figures, number / pollers)) for number in range(pollers)),
            *(asyncio.create_task(_download(session, file, figures)) for _ in range(downloads)),
        ]
        try:
            yield figures
        finally:
            for task in tasks:
                task.cancel()
            await _over(tasks)
            figures.seconds = time.perf_counter() - began


async def _over(tasks: Sequence["asyncio.Task[None]"]) -> None:
    """Wait for tasks that were cancelled; raise what ended one before."""
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended


@contextmanager
def _answer_due(figures: Figures, kind: str) -> Iterator[None]:
    """Count a request that is still unanswered after the caller's patience when the crowd is called off."""
    began = time.perf_counter()
    try:
        yield
    except asyncio.CancelledError:
        if (waited := time.perf_counter() - began) > PATIENCE_SECONDS:
            figures.failures.append(f"{kind}: no answer after {waited:.0f} s")
        raise


async def _poll(session: aiohttp.ClientSession, poll: Callable[[], str], figures: Figures, phase: float) -> None:
    await asyncio.sleep(phase * POLL_SECONDS)  # so that the crowd does not come all at once
    while True:
        began = time.perf_counter()
        try:
            with _answer_due(figures, "status"):
                response = await session.get(poll())
            async with response:
                await response.read()
                if response.status != 200:
                    figures.failures.append(f"status answered {response.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            figures.failures.append(f"status: {type(error).__name__}")
        waited = time.perf_counter() - began
        figures.add("status", waited)
        await asyncio.sleep(max(0.0, POLL_SECONDS - waited))


async def _download(session: aiohttp.ClientSession, file: File, figures: Figures) -> None:
    while True:
        began = time.perf_counter()
        size = checksum = 0
        try:
            with _answer_due(figures, "download"):
                response = await session.get(file.url)
            async with response:
                async for piece in response.content.iter_any():
                    if not size:
                        figures.add("first byte", time.perf_counter() - began)
                    size += len(piece)
                    figures.received += len(piece)
                    checksum = zlib.crc32(piece, checksum)
                if (response.status, size, checksum) != (200, file.size, file.checksum):
                    figures.failures.append(f"download answered {response.status}, {size} bytes")
        except (aiohttp.ClientError, TimeoutError) as error:
            figures.failures.append(f"download: {type(error).__name__} after {size} bytes")
        figures.add("download", time.perf_counter() - began)


class Jobs:
    """A number of jobs that are always under way: one that ends is followed by the next."""

    def __init__(self, app: str, number: int, figures: Figures) -> None:
        self._app = app
        self._number = number
        self._figures = figures
        self._turn = itertools.count()
        self._running: dict[int, str] = {}
        self._all_accepted = asyncio.Event()
        self.completed = 0

    @asynccontextmanager
    async def under_way(self) -> AsyncIterator[None]:
        """Keep them going while the context is open, from the moment that the first of each is accepted."""
        timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
        async with aiohttp.ClientSession(self._app, timeout=timeout) as session:
            tasks = [asyncio.create_task(self._follow(session, place)) for place in range(self._number)]
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._all_accepted.wait()
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await _over(tasks)

    def some_status(self) -> str:
        """Return the address of one job's status, of another job each time."""
        running: Sequence[str] = list(self._running.values())
        return f"{self._app}/api/status/{running[next(self._turn) % len(running)]}"

    async def _follow(self, session: aiohttp.ClientSession, place: int) -> None:
        while True:
            try:
                await self._run_one(session, place)
            except (aiohttp.ClientError, TimeoutError) as error:
                self._figures.failures.append(f"a job: {type(error).__name__}")
                await asyncio.sleep(POLL_SECONDS)

    async def _run_one(self, session: aiohttp.ClientSession, place: int) -> None:
        request = {"prompt": f"A calm lake, number {place}", "duration": 1, "width": 256, "height": 256}
        began = time.perf_counter()
        async with session.post("/api/generate", json=request, raise_for_status=True) as response:
            job: dict[str, Any] = await response.json()
        self._figures.add("generate", time.perf_counter() - began)
        self._running[place] = job["job_id"]
        if len(self._running) == self._number:
            self._all_accepted.set()
        while job["status"] not in {"completed", "failed"}:
            await asyncio.sleep(1)
            async with session.get(f"/api/status/{job['job_id']}", raise_for_status=True) as response:
                job = await response.json()
        if job["status"] == "failed":
            self._figures.failures.append(f"a job failed: {job['error']}")
        else:
            self.completed += 1


def resident_mb(pid: int) -> float:
    """Return a process's resident memory in MB (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024
