"""Downloads over real connections: other people's clients, and connections, callers and storage that go away."""

import asyncio
import hashlib
import http.client
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import requests

from devtools.stack import Stack
from shared.jobs.ids import JobId, file_id, new_job_id, video_blob
from shared.storage.blob import AzureBlobStore
from tests.support.azurite import connection_string
from tests.support.caller import wait_until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]

MB = 1024 * 1024
LARGE = 96 * MB
"""More than all buffers between storage and a client that reads slowly."""


@dataclass(frozen=True)
class StoredFile:
    """A file that can be downloaded, and its bytes."""

    job_id: JobId
    url: str
    content: bytes


def store_file(stack: Stack, content: bytes, job_id: JobId | None = None) -> StoredFile:
    """Put a verified video of a job, over the one that is there."""
    job = job_id or new_job_id()

    async def pieces() -> AsyncIterator[bytes]:
        yield content

    async def store() -> None:
        port = urlsplit(stack.blob).port
        blobs = AzureBlobStore.from_connection_string(connection_string(port or 0), "sora-videos")
        try:
            await blobs.delete_record(video_blob(job))
            await blobs.write_video(video_blob(job), pieces())
            video = await blobs.find_video(video_blob(job))
            assert video is not None
            await blobs.mark_verified(video_blob(job), video, {})
        finally:
            await blobs.close()

    asyncio.run(store())
    return StoredFile(job, f"{stack.app}/api/download/{file_id(job)}", content)


def noise(size: int, seed: int = 1) -> bytes:
    """Return bytes of which no two parts are alike, the same for the same seed."""
    return hashlib.shake_128(seed.to_bytes(4)).digest(size)


@pytest.fixture(scope="module")
def file(impatient: Stack) -> StoredFile:
    """A file of some pieces and a little more."""
    return store_file(impatient, noise(3 * MB + 7))


@pytest.fixture(scope="module")
def large_file(impatient: Stack) -> StoredFile:
    """A file that is not sent while nobody reads it."""
    return store_file(impatient, bytes(LARGE))


def with_httpx(url: str, headers: Mapping[str, str]) -> bytes:
    """Fetch as httpx does."""
    return httpx.get(url, headers=dict(headers)).raise_for_status().content


def with_urllib(url: str, headers: Mapping[str, str]) -> bytes:
    """Fetch as the standard library does."""
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 - the address is the test's own
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - as above
        content: bytes = response.read()
    return content


def with_requests(url: str, headers: Mapping[str, str]) -> bytes:
    """Fetch as requests does."""
    response = requests.get(url, headers=dict(headers), timeout=30)
    response.raise_for_status()
    return response.content


def with_curl(url: str, headers: Mapping[str, str]) -> bytes:
    """Fetch as curl does."""
    lines = [argument for name, value in headers.items() for argument in ("-H", f"{name}: {value}")]
    return subprocess.run([curl(), "-sSf", *lines, url], capture_output=True, check=True, timeout=30).stdout


def curl() -> str:
    """Return where curl is."""
    found = shutil.which("curl")
    if found is None:
        pytest.skip("curl is not installed")
    return found


@pytest.fixture(params=[with_httpx, with_urllib, with_requests, with_curl], ids=lambda client: client.__name__)
def client(request: pytest.FixtureRequest) -> Callable[[str, Mapping[str, str]], bytes]:
    """One of the clients that people use."""
    chosen: Callable[[str, Mapping[str, str]], bytes] = request.param
    return chosen


def begun(url: str, size: int) -> tuple[bytes, httpx.Headers]:
    """Read about `size` bytes of a download, then hang up; give them and the response's headers."""
    taken = b""
    with httpx.stream("GET", url, timeout=30) as response:
        for piece in response.iter_raw():
            taken += piece
            if len(taken) >= size:
                break
    return taken, response.headers


def test_client_gets_the_whole_file(file: StoredFile, client: Callable[[str, Mapping[str, str]], bytes]) -> None:
    """Every byte, in order."""
    assert client(file.url, {}) == file.content


@pytest.mark.parametrize("asked", ["0-0", "262143-262144", "1000000-2999999", "3000000-", "-100000"])
def test_client_gets_the_range_it_asks_for(
    file: StoredFile, client: Callable[[str, Mapping[str, str]], bytes], asked: str
) -> None:
    """One byte, two at a seam, a middle, an end by position and an end by length."""
    first, _, last = asked.partition("-")
    expected = file.content[int(first) : int(last or len(file.content)) + 1] if first else file.content[-int(last) :]

    assert client(file.url, {"Range": f"bytes={asked}"}) == expected


def test_head_has_the_headers_of_get(file: StoredFile) -> None:
    """Also where a range is asked for, which is for GET only."""
    whole = httpx.get(file.url)
    head = httpx.head(file.url, headers={"Range": "bytes=0-99"})

    assert (head.status_code, head.content) == (200, b"")
    assert {**head.headers, "date": ""} == {**whole.headers, "date": ""}
    assert head.headers["content-length"] == str(len(file.content))


def test_broken_download_is_completed_by_range_and_entity_tag(file: StoredFile) -> None:
    """What was read before the connection broke, and the rest, are the file."""
    taken, headers = begun(file.url, MB)

    rest = httpx.get(file.url, headers={"Range": f"bytes={len(taken)}-", "If-Range": headers["etag"]})

    assert 0 < len(taken) < len(file.content)
    assert rest.status_code == 206
    assert rest.headers["content-range"] == f"bytes {len(taken)}-{len(file.content) - 1}/{len(file.content)}"
    assert taken + rest.content == file.content


def test_curl_completes_a_broken_download(file: StoredFile, tmp_path: Path) -> None:
    """`curl -C -` goes on with what lies there."""
    target = tmp_path / "video.mp4"
    target.write_bytes(file.content[:1_234_567])

    subprocess.run([curl(), "-sSf", "-C", "-", "-o", str(target), file.url], check=True, timeout=30)

    assert target.read_bytes() == file.content


def test_download_of_a_file_that_has_changed_meanwhile_starts_over(impatient: Stack) -> None:
    """The rest of another version would spoil what is there; the whole of it does not."""
    older = store_file(impatient, noise(2 * MB, seed=2))
    taken, headers = begun(older.url, MB)
    newer = store_file(impatient, noise(2 * MB + 1, seed=3), older.job_id)

    answer = httpx.get(newer.url, headers={"Range": f"bytes={len(taken)}-", "If-Range": headers["etag"]})
    insisting = httpx.get(newer.url, headers={"Range": f"bytes={len(taken)}-", "If-Match": headers["etag"]})

    assert (answer.status_code, answer.content) == (200, newer.content)
    assert (insisting.status_code, insisting.json()) == (412, {"detail": "Precondition failed"})


def test_many_readers_of_many_parts_get_theirs(file: StoredFile) -> None:
    """Connections to storage are shared, bytes are not."""
    offsets = range(0, len(file.content), 100_003)

    with httpx.Client() as http, ThreadPoolExecutor(16) as readers:
        parts = list(
            readers.map(lambda at: http.get(file.url, headers={"Range": f"bytes={at}-{at + 100_002}"}).content, offsets)
        )

    assert b"".join(parts) == file.content


def app_log(stack: Stack) -> str:
    """Return what the host has written so far."""
    return (stack.folder.path / "logs" / "app.log").read_text(encoding="utf-8")


def unread_from_storage(stack: Stack) -> int:
    """Count the connections from storage on which bytes wait to be read: those of downloads that nobody takes."""
    port = f":{urlsplit(stack.blob).port:04X}"
    lines = Path(f"/proc/{stack.pids['app']}/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    waiting = [fields[4].partition(":")[2] for fields in map(str.split, lines) if fields[2].endswith(port)]
    return sum(1 for length in waiting if int(length, 16) > 0)


@pytest.fixture
def readers(large_file: StoredFile) -> Iterator[list[socket.socket]]:
    """Twenty connections, each of which has the head of the large file and takes no more."""
    address = urlsplit(large_file.url)
    opened = []
    for _ in range(20):
        reader = socket.create_connection((str(address.hostname), address.port or 80), timeout=30)
        reader.sendall(f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        assert reader.recv(12) == b"HTTP/1.1 200"
        opened.append(reader)
    yield opened
    for reader in opened:
        reader.close()


def test_callers_that_leave_release_storage_and_are_no_news(impatient: Stack, readers: list[socket.socket]) -> None:
    """Their connections to storage are closed soon, and the log does not mention them."""
    logged = app_log(impatient)
    wait_until(lambda: unread_from_storage(impatient) == len(readers), seconds=10, description="all of them stall")

    for reader in readers:
        reader.close()

    wait_until(lambda: unread_from_storage(impatient) == 0, seconds=10, description="storage is released")
    assert app_log(impatient).removeprefix(logged) == ""


def test_slow_readers_keep_nobody_else_waiting(file: StoredFile, readers: list[socket.socket]) -> None:
    """A file is read while twenty others take nothing."""
    assert httpx.get(file.url).content == file.content
    assert len(readers) == 20


def test_storage_that_is_restarted_in_the_middle_goes_unnoticed(impatient: Stack) -> None:
    """The app asks again for the rest of the same version, and the caller gets every byte once."""
    file = store_file(impatient, noise(LARGE, seed=5))
    with httpx.stream("GET", file.url, timeout=60) as response:
        pieces = response.iter_raw()
        taken = [next(pieces)]
        impatient.end("blob")
        impatient.restart("blob")
        taken.extend(pieces)

    assert b"".join(taken) == file.content


def test_storage_that_goes_away_breaks_the_download_and_the_rest_can_be_had_later(impatient: Stack) -> None:
    """The body is visibly incomplete; the log says so once, with the job; the download is completed afterwards."""
    file = store_file(impatient, noise(LARGE, seed=4))
    logged = app_log(impatient)
    with httpx.stream("GET", file.url, timeout=60) as response:
        pieces = response.iter_raw()
        taken = [next(pieces)]
        impatient.end("blob")
        try:
            with pytest.raises(httpx.RemoteProtocolError):
                taken.extend(pieces)
        finally:
            impatient.restart("blob")
    said = app_log(impatient).removeprefix(logged)
    have = sum(map(len, taken))

    rest = httpx.get(file.url, headers={"Range": f"bytes={have}-", "If-Range": response.headers["etag"]}, timeout=60)

    assert rest.status_code == 206
    assert b"".join(taken) + rest.content == file.content
    assert said.count(f"[{file.job_id}]") == 1
    assert "Traceback" not in said


def test_connection_is_used_again_after_a_download(file: StoredFile) -> None:
    """A complete answer leaves the connection open for the next request."""
    address = urlsplit(file.url)
    connection = http.client.HTTPConnection(address.netloc, timeout=30)
    contents = []
    for _ in range(3):
        connection.request("GET", address.path, headers={"Range": "bytes=0-99"})
        contents.append(connection.getresponse().read())
        assert connection.sock is not None
    connection.close()

    assert contents == [file.content[:100]] * 3
