"""Functions that load and fail when they are called: the same bytes over both carriers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.app_server_process import CARRIERS, AppServer, app_server
from tests.support.golden_exchange import Request, exchange, golden_form

pytestmark = pytest.mark.stack

APP = Path(__file__).parent / "failing_app"

FAILED = b"""HTTP/1.1 500
cache-control: no-store
content-length: 47
content-type: application/json

{"detail":"Service is temporarily unavailable"}"""


@pytest.fixture(scope="module", params=CARRIERS)
def server(request: pytest.FixtureRequest) -> Iterator[AppServer]:
    with app_server(request.param, "golden", "--app", str(APP)) as running:
        yield running


@pytest.mark.parametrize("path", ["raises", "answers/none", "answers/text", "not/awaitable"])
def test_failing_function_is_answered_for_in_the_apis_form(server: AppServer, path: str) -> None:
    """Nothing of the error goes out."""
    assert golden_form(exchange(server.port, Request("GET", f"/{path}"))) == FAILED


def test_log_holds_what_the_answer_does_not(server: AppServer) -> None:
    """An operator finds the error and where it was raised."""
    exchange(server.port, Request("GET", "/raises"))

    assert "RuntimeError: sk-secret for http://" in server.said()
    assert "in raises" in server.said()


def test_plain_function_runs_on_a_thread(server: AppServer) -> None:
    """So the ones above fail for what they do."""
    answer = exchange(server.port, Request("GET", "/works"))

    assert golden_form(answer).endswith(b"\n\nGET")
