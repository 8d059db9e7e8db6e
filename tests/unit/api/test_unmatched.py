import pytest

from tests.unit.api.calling import ask


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "TRACE", "PURGE"])
@pytest.mark.parametrize("path", ["/", "/nope", "/api", "/api/status/", "/api/generate/more", "/favicon.ico"])
async def test_path_that_no_route_has_is_not_found(method: str, path: str) -> None:
    """Whatever is done to it, an unknown path is one, in the contract's form."""
    answer = await ask(method, path)

    assert (answer.status, answer.body) == (404, b'{"detail":"Not Found"}')
    assert answer.headers["content-type"] == "application/json"
    assert "allow" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/api/generate", "POST"),
        ("OPTIONS", "/api/generate", "POST"),
        ("PURGE", "/API/GENERATE/", "POST"),
        ("POST", "/api/status/x", "GET, HEAD"),
        ("PUT", "/api/jobs/x", "GET, HEAD, DELETE"),
        ("DELETE", "/api/download/x", "GET, HEAD"),
        ("PUT", "/openapi.json", "GET, HEAD"),
        ("POST", "/api/docs", "GET, HEAD"),
    ],
)
async def test_method_that_a_path_does_not_take_is_told_which_it_takes(method: str, path: str, allow: str) -> None:
    """405 names the methods that would have been answered."""
    answer = await ask(method, path)

    assert (answer.status, answer.body) == (405, b'{"detail":"Method Not Allowed"}')
    assert answer.headers["allow"] == allow
    assert answer.headers["cache-control"] == "no-store"
