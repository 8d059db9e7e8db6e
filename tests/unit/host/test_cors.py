"""Cross-origin requests, as ASP.NET Core's CORS middleware answers them."""

from collections.abc import Mapping

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from devtools.host.cors import Cors, CorsError, CorsPolicy

HERE = "http://localhost:3000"
TWO = f"{HERE},https://example.com"
PREFLIGHT = {"Access-Control-Request-Method": "PUT"}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Stands for the host: says that it was reached, streams, fails, or has a mind of its own about CORS."""
    answers: dict[str, Response] = {
        "/stream": StreamingResponse(iter(["a", "b"]), media_type="text/plain"),
        "/error": PlainTextResponse("broken", 500),
        "/varies": PlainTextResponse("x", headers={"Vary": "Accept"}),
        "/own": PlainTextResponse("x", headers={"Access-Control-Allow-Origin": "https://own.example"}),
    }
    method = Request(scope).method
    answer = answers.get(scope["path"], PlainTextResponse(f"reached by {method}"))
    await answer(scope, receive, send)


async def ask(
    origins: str,
    method: str = "GET",
    path: str = "/",
    headers: Mapping[str, str] | None = None,
    *,
    credentials: bool = False,
) -> httpx.Response:
    """One request through the middleware."""
    policy = CorsPolicy.from_text(origins, credentials=credentials)
    assert policy is not None
    transport = httpx.ASGITransport(Cors(app, policy))
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        return await client.request(method, path, headers=headers or {})


def cors_headers(response: httpx.Response) -> dict[str, str]:
    """What an answer says about origins."""
    return {
        name: value for name, value in response.headers.items() if name.startswith("access-control-") or name == "vary"
    }


async def test_preflight_of_an_allowed_origin_is_granted_what_it_asks_for() -> None:
    """204 without a body, from the host alone; any method, any header."""
    wanted = {"Origin": HERE, **PREFLIGHT, "Access-Control-Request-Headers": "content-type, x-functions-key"}

    response = await ask(HERE, "OPTIONS", headers=wanted)

    assert (response.status_code, response.content) == (204, b"")
    assert cors_headers(response) == {
        "access-control-allow-origin": HERE,
        "access-control-allow-methods": "PUT",
        "access-control-allow-headers": "content-type,x-functions-key",
    }


@pytest.mark.parametrize("origin", ["https://else.example", "http://localhost:3000/", "HTTP://LOCALHOST:3000", ""])
async def test_preflight_of_another_origin_is_answered_without_grants(origin: str) -> None:
    """204 all the same, and nothing in it; origins are compared letter by letter."""
    response = await ask(TWO, "OPTIONS", headers={"Origin": origin, **PREFLIGHT})

    assert (response.status_code, response.content, cors_headers(response)) == (204, b"", {})


@pytest.mark.parametrize("headers", [{}, {"Origin": HERE}, PREFLIGHT])
async def test_options_that_are_no_preflight_reach_the_app(headers: dict[str, str]) -> None:
    """Without an origin or without the method that is to follow."""
    response = await ask(HERE, "OPTIONS", headers=headers)

    assert (response.status_code, response.text) == (200, "reached by OPTIONS")


async def test_answer_to_an_allowed_origin_names_it() -> None:
    """One allowed origin needs no `Vary`."""
    response = await ask(HERE, headers={"Origin": HERE})

    assert response.text == "reached by GET"
    assert cors_headers(response) == {"access-control-allow-origin": HERE}


@pytest.mark.parametrize(("path", "status", "body"), [("/stream", 200, "ab"), ("/error", 500, "broken")])
async def test_streams_and_errors_are_granted_too(path: str, status: int, body: str) -> None:
    """A page must be able to read what went wrong."""
    response = await ask(HERE, path=path, headers={"Origin": HERE})

    assert (response.status_code, response.text) == (status, body)
    assert response.headers["access-control-allow-origin"] == HERE


async def test_answers_vary_where_there_are_several_origins() -> None:
    """Beside what the app says itself; a preflight too."""
    answer = await ask(TWO, path="/varies", headers={"Origin": "https://example.com"})
    preflight = await ask(TWO, "OPTIONS", headers={"Origin": HERE, **PREFLIGHT})

    assert answer.headers.get_list("vary") == ["Accept", "Origin"]
    assert preflight.headers.get_list("vary") == ["Origin"]


async def test_request_of_another_origin_is_answered_without_grants() -> None:
    """It reaches the app: keeping the answer from the page is the browser's part."""
    response = await ask(TWO, headers={"Origin": "https://else.example"})

    assert (response.text, cors_headers(response)) == ("reached by GET", {})


async def test_the_policy_wins_over_a_header_of_the_app() -> None:
    """One `Access-Control-Allow-Origin`, as browsers demand."""
    response = await ask(HERE, path="/own", headers={"Origin": HERE})

    assert response.headers.get_list("access-control-allow-origin") == [HERE]


async def test_any_origin_is_a_star() -> None:
    """Never the origin's own name, and nothing varies."""
    response = await ask("*", headers={"Origin": "https://else.example"})

    assert cors_headers(response) == {"access-control-allow-origin": "*"}


async def test_credentials_are_allowed_where_they_are_asked_for() -> None:
    """On preflights and on answers."""
    preflight = await ask(HERE, "OPTIONS", headers={"Origin": HERE, **PREFLIGHT}, credentials=True)
    answer = await ask(HERE, headers={"Origin": HERE}, credentials=True)

    assert preflight.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-allow-credentials"] == "true"


def test_origins_are_read_in_lower_case() -> None:
    """As browsers send them; empty parts do not count."""
    assert CorsPolicy.from_text("HTTP://LocalHost:3000,,null") == CorsPolicy((HERE, "null"))
    assert CorsPolicy.from_text("") is None


@pytest.mark.parametrize(
    "text",
    [
        "localhost:3000",
        "http://localhost:3000/",
        "https://example.com/app",
        "http://a.example, http://b.example",
        "https://*.example.com",
        "*,http://a.example",
        "https://bücher.example",
        "https://user@example.com",
    ],
)
def test_text_that_no_browser_would_send_is_refused(text: str) -> None:
    """Rather than never matched."""
    with pytest.raises(CorsError, match="is not an origin"):
        CorsPolicy.from_text(text)


def test_any_origin_with_credentials_is_refused() -> None:
    """Browsers would refuse it, and ASP.NET Core does not start."""
    with pytest.raises(CorsError, match="exclude each other"):
        CorsPolicy.from_text("*", credentials=True)
