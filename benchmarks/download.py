"""How a download through the app compares with a direct one from the storage emulator, and what it costs in memory.

    python -m benchmarks.download [--size-mb 1024] [--pairs 5] [--stalled 50]
    python -m benchmarks.download --url http://127.0.0.1:7071 --pid 4711 --storage "<connection string>"

Starts the local stack, or measures a server that runs already: `--pid` is the process that serves, `--storage` the
account that it reads from. The same client fetches the same blob from both in turn, so that a machine that gets busier
slows both. Then some readers take the beginning of the file and no more. Exits with 1 where a limit is missed.
"""

import argparse
import asyncio
import http.client
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Final
from urllib.parse import urlsplit

from azure.storage.blob import BlobClient, BlobSasPermissions, generate_blob_sas

from devtools.host.local_settings import load_values
from devtools.stack import DEFAULT_SETTINGS, Stack
from devtools.stack_settings import ACCOUNT, ACCOUNT_KEY
from shared.jobs.ids import JobId, file_id, video_blob
from shared.storage.blob import AzureBlobStore

MB: Final = 1024 * 1024
JOB: Final = JobId("00000000000000000000000000")
PATIENCE_SECONDS: Final = 60.0
SETTLED_SECONDS: Final = 2.0

FIRST_BYTE_LIMIT_SECONDS: Final = 1.0
GROWTH_LIMIT_MB: Final = 64.0
RATIO_LIMIT: Final = 0.8
STALLED_LIMIT_MB: Final = 2.0


@dataclass(frozen=True)
class Server:
    """What is measured: its address, its process, and the storage account behind it."""

    url: str
    pid: int
    storage: str

    def memory_mb(self, figure: str) -> float:
        """Return `VmRSS` (now) or `VmHWM` (the most so far)."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines()
        [line] = [line for line in lines if line.startswith(f"{figure}:")]
        return int(line.split()[1]) / 1024


@dataclass(frozen=True)
class Fetch:
    """One download: seconds to the first byte, and MB (10^6 bytes) per second."""

    first_byte: float
    throughput: float


def fetch(url: str) -> Fetch:
    """Download, and throw the bytes away."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE_SECONDS)
    began = perf_counter()
    connection.request("GET", f"{parts.path}?{parts.query}", headers={"Connection": "close"})
    response = connection.getresponse()
    if response.status != http.HTTPStatus.OK:
        raise SystemExit(f"{parts.path} was answered with {response.status}")
    promised, size = int(response.headers["Content-Length"]), len(response.read(1))
    first_byte = perf_counter() - began
    buffer = bytearray(256 * 1024)
    while taken := response.readinto(buffer):
        size += taken
    seconds = perf_counter() - began
    connection.close()
    if size != promised:
        raise SystemExit(f"{parts.path} ended after {size} of {promised} bytes")
    return Fetch(first_byte, size / 1e6 / seconds)


@contextmanager
def stalled_readers(url: str, count: int) -> Iterator[None]:
    """Readers that ask for the file and take nothing of it, until the block ends."""
    parts = urlsplit(url)
    with ExitStack() as connections:
        for _ in range(count):
            address = (str(parts.hostname), parts.port or 80)
            reader = connections.enter_context(socket.create_connection(address, timeout=PATIENCE_SECONDS))
            reader.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
            reader.recv(1)
        sleep(SETTLED_SECONDS)
        yield


async def store_video(storage: str, container: str, size: int) -> None:
    """Put a verified video of a made-up job where the app finds it, unless it is there already."""

    async def content() -> AsyncIterator[bytes]:
        for number in range(size // MB):
            yield number.to_bytes(8, "big") * (MB // 8)

    store = AzureBlobStore.from_connection_string(storage, container)
    try:
        there = await store.find_video(video_blob(JOB))
        if there is None or there.size != size:
            await store.delete_record(video_blob(JOB))
            await store.write_video(video_blob(JOB), content())
            written = await store.find_video(video_blob(JOB))
            if written is None:
                raise SystemExit("the video was stored and is not there")
            await store.mark_verified(video_blob(JOB), written, {})
    finally:
        await store.close()


def direct_link(storage: str, container: str) -> str:
    """Return the blob's own address, with leave to read it."""
    blob = BlobClient.from_connection_string(storage, container, video_blob(JOB))
    leave = generate_blob_sas(
        ACCOUNT,
        container,
        video_blob(JOB),
        account_key=ACCOUNT_KEY,
        permission=BlobSasPermissions(read=True),
        expiry=datetime.now(UTC) + timedelta(hours=6),
    )
    return f"{blob.url}?{leave}"


def measure(server: Server, container: str, size: int, pairs: int, stalled: int) -> bool:
    """Measure, print, and say whether all limits are kept."""
    asyncio.run(store_video(server.storage, container, size))
    direct, ours = direct_link(server.storage, container), f"{server.url}/api/download/{file_id(JOB)}"
    with stalled_readers(ours, 1):
        pass  # the first request loads the libraries
    before = server.memory_mb("VmHWM")
    results = [(fetch(direct), fetch(ours)) for _ in range(pairs)]
    growth = server.memory_mb("VmHWM") - before
    before = server.memory_mb("VmRSS")
    with stalled_readers(ours, stalled):
        held = (server.memory_mb("VmRSS") - before) / stalled
    first_byte = max(through.first_byte for _, through in results)
    ratio = median(through.throughput / straight.throughput for straight, through in results)
    print(f"{size / MB:.0f} MB, {pairs} pairs, Python {sys.version.split()[0]}")
    for straight, through in results:
        print(f"  direct {straight.throughput:5.0f} MB/s   through the app {through.throughput:5.0f} MB/s")
    print(f"first byte        {first_byte:6.3f} s   (the slowest; limit {FIRST_BYTE_LIMIT_SECONDS})")
    print(f"throughput ratio  {ratio:6.3f}     (median of the pairs; limit {RATIO_LIMIT})")
    print(f"growth            {growth:6.1f} MB  (limit {GROWTH_LIMIT_MB})")
    print(f"stalled reader    {held:6.2f} MB  (each of {stalled}; limit {STALLED_LIMIT_MB})")
    return (
        first_byte <= FIRST_BYTE_LIMIT_SECONDS
        and ratio >= RATIO_LIMIT
        and growth < GROWTH_LIMIT_MB
        and held <= STALLED_LIMIT_MB
    )


def main() -> int:
    """Read the options, measure, and return the exit status."""
    parser = argparse.ArgumentParser(description="Downloads through the app, against direct ones from storage.")
    parser.add_argument("--size-mb", type=int, default=1024)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--stalled", type=int, default=50, help="readers that take nothing")
    parser.add_argument("--url", help="a server that runs already")
    parser.add_argument("--pid", type=int, help="its process")
    parser.add_argument("--storage", help="the connection string of its storage emulator")
    parser.add_argument("--container", default=load_values(DEFAULT_SETTINGS)["VIDEO_CONTAINER"])
    options = parser.parse_args()
    if min(options.size_mb, options.pairs, options.stalled) < 1:
        parser.error("--size-mb, --pairs and --stalled must be at least 1")
    given = [options.url, options.pid, options.storage]
    if any(given) and not all(given):
        parser.error("--url, --pid and --storage belong together")
    with ExitStack() as cleanup:
        if options.url:
            server = Server(options.url.rstrip("/"), options.pid, options.storage)
        else:
            stack = cleanup.enter_context(Stack(Path(cleanup.enter_context(TemporaryDirectory()))))
            server = Server(stack.app, stack.pids["app"], connection_string(stack.blob))
        kept = measure(server, options.container, options.size_mb * MB, options.pairs, options.stalled)
    return 0 if kept else 1


def connection_string(blob: str) -> str:
    """Return what the SDK takes for the storage emulator whose blob service is at `blob`."""
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};BlobEndpoint={blob};"


if __name__ == "__main__":
    sys.exit(main())
