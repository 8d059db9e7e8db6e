"""Bodies of any size pass through the host in pieces."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.host_process import HostProcess, wait_until

MEGABYTE = 1024 * 1024
APP = Path(__file__).parent / "streaming_app"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProcess]:
    with HostProcess(tmp_path_factory.mktemp("streaming"), app=APP) as running:
        yield running


def memory(host: HostProcess) -> int:
    """The most memory that the process has had so far, in bytes."""
    assert host.process is not None
    status = Path(f"/proc/{host.process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def test_large_download_needs_no_memory(host: HostProcess) -> None:
    """200 MB in pieces of 1 MB."""
    host.http.get("/download/2")
    before = memory(host)

    with host.http.stream("GET", "/download/200") as response:
        size = sum(len(piece) for piece in response.iter_raw())

    assert size == 200 * MEGABYTE
    assert memory(host) - before < 20 * MEGABYTE


def test_large_upload_needs_no_memory(host: HostProcess) -> None:
    """100 MB, sent without a length."""
    before = memory(host)

    response = host.http.post("/upload", content=(bytes(MEGABYTE) for _ in range(100)))

    assert response.text == str(100 * MEGABYTE)
    assert memory(host) - before < 20 * MEGABYTE


def test_client_that_goes_away_ends_the_stream(host: HostProcess) -> None:
    """The function's generator is closed long before its end."""
    host.marks.unlink(missing_ok=True)

    with host.http.stream("GET", "/download/1000000") as response:
        next(response.iter_raw())

    wait_until(host.marks.exists, "the function notices")


def test_host_ends_in_time_though_a_download_runs(tmp_path: Path) -> None:
    """The connection breaks, the exit code is 0."""
    with HostProcess(tmp_path, app=APP) as host, host.http.stream("GET", "/download/1000000") as response:
        next(response.iter_raw())

        assert host.stop() == 0


def test_catch_all_gets_every_other_path_and_declared_methods_only(host: HostProcess) -> None:
    """HEAD has no body, and an undeclared method is a bare 404."""
    found = host.http.get("/openapi.json?a=b")
    head = host.http.head("/x")
    missing = host.http.delete("/x")

    assert found.text == "openapi.json?a=b"
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "2")
    assert (missing.status_code, missing.content) == (404, b"")
