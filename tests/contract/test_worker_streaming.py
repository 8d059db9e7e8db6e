"""Bodies stream through Microsoft's worker library: downloads of any size, uploads that are refused on the way."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from shared.jobs.ids import JobId, video_blob
from tests.support.app_server_process import AppServer, app_server
from tests.support.app_server_streams import LARGE, LARGE_BYTES, MEGABYTE, STALLED
from tests.support.caller import wait_until

pytest.importorskip("azure_functions_runtime", reason="azure-functions-runtime needs Python 3.13")
pytestmark = pytest.mark.stack

GROWTH_BYTES = 24 * MEGABYTE
PATIENCE_SECONDS = 10.0


@pytest.fixture(scope="module")
def server() -> Iterator[AppServer]:
    with app_server("worker-library", "streams") as running:
        yield running


def connect(server: AppServer) -> "closing[http.client.HTTPConnection]":
    return closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS))


def download(job: JobId) -> str:
    return f"/api/download/gen_{job}"


def streams_that_ended(server: AppServer, job: JobId) -> list[str]:
    return [line for line in server.said().splitlines() if line.startswith(f"stream of {video_blob(job)} ended")]


def test_first_bytes_arrive_while_the_rest_is_still_missing(server: AppServer) -> None:
    """A piece is sent on as it comes; a client that goes away ends the stream in the storage."""
    with connect(server) as connection:
        connection.request("GET", download(STALLED))
        response = connection.getresponse()
        first = response.read(16)

        assert (response.status, first) == (200, bytes(16))
        assert response.getheader("Content-Length") == str(LARGE_BYTES)
        assert streams_that_ended(server, STALLED) == []
        response.close()
    wait_until(
        lambda: streams_that_ended(server, STALLED), seconds=PATIENCE_SECONDS, description="the storage stream ends"
    )


def test_large_download_needs_no_memory(server: AppServer) -> None:
    """200 MB pass through a process that grows by a few."""
    with connect(server) as connection:
        connection.request("GET", download(LARGE), headers={"Range": f"bytes=0-{MEGABYTE}"})
        connection.getresponse().read()
        before = server.most_memory()

        connection.request("GET", download(LARGE))
        response = connection.getresponse()
        received = sum(len(piece) for piece in iter(lambda: response.read(MEGABYTE), b""))

    assert received == LARGE_BYTES
    assert server.most_memory() - before < GROWTH_BYTES


def test_range_begins_and_ends_where_it_was_asked_for(server: AppServer) -> None:
    """Ten bytes across the border of two megabytes, far into the file."""
    start = 100 * MEGABYTE - 4

    with connect(server) as connection:
        connection.request("GET", download(LARGE), headers={"Range": f"bytes={start}-{start + 9}"})
        response = connection.getresponse()
        content = response.read()

    assert (response.status, content) == (206, bytes([99] * 4 + [100] * 6))
    assert response.getheader("Content-Range") == f"bytes {start}-{start + 9}/{LARGE_BYTES}"


def test_head_promises_the_length_and_sends_nothing(server: AppServer) -> None:
    """The connection can be used again at once, so nothing followed the headers."""
    with connect(server) as connection:
        connection.request("HEAD", download(STALLED))
        response = connection.getresponse()
        content = response.read()
        connection.request("GET", "/api/nothing")
        after = connection.getresponse()

    assert (response.status, content) == (200, b"")
    assert response.getheader("Content-Length") == str(LARGE_BYTES)
    assert after.status == 404


def test_upload_is_refused_while_it_is_still_on_the_way(server: AppServer) -> None:
    """A handler sees a body as it comes: of a gigabyte that was announced, 70 kB are enough for a 413."""
    head = (
        f"POST /api/generate HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n"
    )

    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(head.encode() + b"a" * 70_000)
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_upload_of_unknown_length_arrives_whole(server: AppServer) -> None:
    """Chunks are put together before they are read as JSON."""
    pieces = [b'{"prompt":', b'"A calm', b' lake"}']

    with connect(server) as connection:
        connection.request(
            "POST", "/api/generate", iter(pieces), {"Content-Type": "application/json"}, encode_chunked=True
        )
        response = connection.getresponse()

    assert response.status == 200, response.read()
