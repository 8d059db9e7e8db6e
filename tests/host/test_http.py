"""HTTP as it arrives on the wire: cross-origin requests, strange paths, limits."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.host_process import ROOT, SAMPLE_APP, HostProcess

APP = Path(__file__).parent / "streaming_app"
PAGE = "http://localhost:3000"
PREFLIGHT = {"Origin": PAGE, "Access-Control-Request-Method": "DELETE"}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProcess]:
    """An app with a catch-all for GET and HEAD, that pages of one origin may call."""
    with HostProcess(tmp_path_factory.mktemp("http"), app=APP, options=["--cors", PAGE]) as running:
        yield running


def raw(host: HostProcess, first_line: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to a request of exactly these bytes."""
    with socket.create_connection(("127.0.0.1", host.port), timeout=5) as connection:
        connection.sendall(first_line + b"\r\nHost: app\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), body


@pytest.mark.parametrize(
    "path", ["/upload", "/nowhere", "/admin/host/ping", "/runtime/webhooks/durabletask/instances/x"]
)
def test_preflight_is_the_hosts_on_every_path(host: HostProcess, path: str) -> None:
    """Also where no function takes the method, and on the host's own paths."""
    response = host.http.options(path, headers=PREFLIGHT)

    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["access-control-allow-origin"] == PAGE
    assert response.headers["access-control-allow-methods"] == "DELETE"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/x", 200), ("GET", "/download/1", 200), ("PUT", "/x", 404), ("GET", "/admin/host/ping", 200)],
)
def test_page_may_read_every_answer(host: HostProcess, method: str, path: str, status: int) -> None:
    """Streamed ones and errors too; a page of another origin is answered without the permission."""
    allowed = host.http.request(method, path, headers={"Origin": PAGE})
    other = host.http.request(method, path, headers={"Origin": "https://else.example"})

    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (status, PAGE)
    assert other.status_code == status
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--cors", "localhost:3000"], "CORS: 'localhost:3000' is not an origin"),
        (["--cors", "*", "--cors-credentials"], "exclude each other"),
    ],
)
def test_unusable_origins_are_refused_before_anything_starts(tmp_path: Path, options: list[str], sentence: str) -> None:
    """One sentence, exit code 2, no state folder."""
    command = [sys.executable, "-m", "devtools.host", "--port", "0", "--state", str(tmp_path / "state")]
    command += ["--app", str(SAMPLE_APP), *options]
    environment = {**os.environ, "SAMPLE_MARKS": os.devnull}

    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30, check=False)

    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False)
    assert sentence in ended.stderr
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("line", "status", "body"),
    [
        (b"GET //x HTTP/1.1", 404, b""),
        (b"GET /a//b HTTP/1.1", 200, b"a//b?"),
        (b"GET /a/%2e%2e/b HTTP/1.1", 200, b"b?"),
        (b"GET /a%2Fb HTTP/1.1", 200, b"a%2Fb?"),
        (b"GET /%zz%ff HTTP/1.1", 200, b"%zz%ff?"),
        (b"GET /%00 HTTP/1.1", 400, b""),
        (b"GET /\xe9 HTTP/1.1", 400, b"Invalid HTTP request received."),
        (b"GET x HTTP/1.1", 400, b""),
        (b"GET http://else.example/x HTTP/1.1", 200, b"x?"),
        (b"OPTIONS * HTTP/1.1", 404, b""),
        (b"OPTIONS /x HTTP/1.1", 404, b""),
        (b"PURGE /x HTTP/1.1", 404, b""),
        (b"CONNECT else.example:443 HTTP/1.1", 400, b""),
        (b"get /x HTTP/1.1", 200, b"x?"),
        (b"nonsense", 400, b"Invalid HTTP request received."),
    ],
)
def test_strange_request_is_answered_and_the_host_goes_on(
    host: HostProcess, line: bytes, status: int, body: bytes
) -> None:
    """As the real host's server answers it, or with an error."""
    assert raw(host, line) == (status, body)
    assert host.http.get("/x").status_code == 200


def test_long_path_is_served(host: HostProcess) -> None:
    """The real host stops at 8 KB; a longer one does no harm here."""
    assert raw(host, b"GET /" + b"a" * 20_000 + b" HTTP/1.1") == (200, b"a" * 20_000 + b"?")


def test_endless_header_section_is_cut_short(host: HostProcess) -> None:
    """The host hangs up before its memory suffers."""
    with socket.create_connection(("127.0.0.1", host.port), timeout=5) as connection:
        connection.sendall(b"GET /x HTTP/1.1\r\nHost: app\r\nX-Long: ")

        with pytest.raises(ConnectionError):
            connection.sendall(b"a" * 50_000_000)

    assert host.http.get("/x").status_code == 200


def test_answers_have_a_date_and_do_not_name_their_server(host: HostProcess) -> None:
    """What software answers is nobody's business."""
    response = host.http.get("/x")

    assert "date" in response.headers
    assert "server" not in response.headers


def test_faults_are_off_unless_asked_for(host: HostProcess) -> None:
    """A host that was not started for it cannot be told to fail."""
    response = host.http.put("/admin/local/faults", json={"status_reads": {"answer": 500}})

    assert (response.status_code, response.content) == (404, b"")
