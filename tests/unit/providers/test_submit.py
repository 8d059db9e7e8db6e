"""What `VideosApiProvider.submit` sends, and how it sorts every way in which it can be answered."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import HTTP
from typing import Any

import pytest

from shared.errors import (
    FailureCode,
    ProviderAmbiguous,
    ProviderError,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)
from shared.jobs.models import RenderSpec
from shared.providers.videos_api import VideosApiProvider
from tests.support.stub_upstream import Answer, Misbehaviour, answer, chunked, stub_upstream
from tests.unit.providers.conftest import KEY, Connect

SPEC = RenderSpec(prompt="a calm lake — «quoted»\r\nsecond line", seconds=5, width=1280, height=720)
ACCEPTED = answer(200, {"id": "video_1", "object": "video", "status": "queued"})

Refusal = tuple[type[ProviderError], FailureCode]

AMBIGUOUS: Refusal = (ProviderAmbiguous, "submission_unknown")
FAILING: Refusal = (ProviderAmbiguous, "upstream_unavailable")
POLICY: Refusal = (ProviderRejected, "content_policy")
REFUSED: Refusal = (ProviderRejected, "invalid_request")
NOT_ALLOWED: Refusal = (ProviderRejected, "upstream_auth")
NO_MODEL: Refusal = (ProviderRejected, "model_unavailable")
FULL: Refusal = (ProviderThrottled, "rate_limited")


async def refused(provider: VideosApiProvider) -> ProviderError:
    """Submit and return the error, which must be one of the port's."""
    with pytest.raises(ProviderError) as raised:
        await provider.submit(SPEC)
    return raised.value


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_an_accepted_submission_returns_the_id_after_one_request(upstream: Connect, status: int) -> None:
    """Any 2xx with an id is an acceptance."""
    async with upstream(answer(status, {"id": "video_1", "status": "queued"})) as (provider, stub):
        assert await provider.submit(SPEC) == "video_1"

    assert stub.targets() == ["/v1/videos"]


async def test_exactly_the_four_standard_fields_are_sent_as_a_multipart_form(upstream: Connect) -> None:
    """The one form that every known server takes; some refuse any further field."""
    async with upstream(ACCEPTED) as (provider, stub):
        await provider.submit(SPEC)

    [request] = stub.requests
    content_type = request.headers["content-type"]
    form = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + request.body, policy=HTTP)
    fields = {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in form.iter_parts()
    }
    assert content_type.startswith("multipart/form-data; boundary=")
    assert fields == {
        "model": b"sora-2",
        "prompt": SPEC.prompt.encode(),
        "seconds": b"5",
        "size": b"1280x720",
    }
    assert all(part.get_filename() is None for part in form.iter_parts())


async def test_the_credential_is_sent_as_a_bearer_token_and_nowhere_else(upstream: Connect) -> None:
    """`Authorization` is the one header that is left out when a redirect leads elsewhere."""
    async with upstream(ACCEPTED) as (provider, stub):
        await provider.submit(SPEC)

    [request] = stub.requests
    assert [name for name, value in request.headers.items() if KEY in value] == ["authorization"]
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert KEY.encode() not in request.body
    assert KEY not in request.target


async def test_a_token_source_is_asked_for_every_request() -> None:
    """A token that was renewed in the meantime is used."""
    tokens = iter(["first", "second"])

    async def token() -> str:
        return next(tokens)

    async with stub_upstream(ACCEPTED) as stub:
        provider = VideosApiProvider(stub.base_url, token, "sora-2", 5)
        await provider.submit(SPEC)
        await provider.submit(SPEC)
        await provider.close()

    assert [request.headers["authorization"] for request in stub.requests] == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize(
    "error", [ProviderRejected("upstream_auth", "no identity"), ProviderUnavailable("identity service down")], ids=repr
)
async def test_without_a_token_nothing_is_sent_and_the_reason_passes_through(error: ProviderError) -> None:
    """A submission that never left is certain not to be accepted."""

    async def token() -> str:
        raise error

    async with stub_upstream(ACCEPTED) as stub:
        provider = VideosApiProvider(stub.base_url, token, "sora-2", 5)

        assert await refused(provider) is error

        await provider.close()
    assert stub.requests == []


def envelope(message: str = "no", *, kind: str | None = None, code: Any = None) -> dict[str, Any]:
    """Return an error in OpenAI's envelope."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


STATUSES: list[tuple[int, Any, Refusal]] = [
    (400, envelope("Invalid value for 'size'", code="invalid_value"), REFUSED),
    (400, {"detail": "Invalid request body: size"}, REFUSED),
    (400, {"error": "n is not supported for video"}, REFUSED),
    (400, b"<html>Bad Request</html>", REFUSED),
    (400, b"", REFUSED),
    (401, envelope("Incorrect API key", code="invalid_api_key"), NOT_ALLOWED),
    (401, {"statusCode": 401, "message": "Access denied due to invalid subscription key."}, NOT_ALLOWED),
    (402, envelope("insufficient credit"), REFUSED),
    (403, envelope("no access"), NOT_ALLOWED),
    (404, envelope("The API deployment does not exist", kind="video_generation_user_error"), NO_MODEL),
    (404, {"detail": "Not Found"}, NO_MODEL),
    (405, {"detail": "Method Not Allowed"}, NO_MODEL),
    (408, envelope("time-out"), AMBIGUOUS),
    (409, envelope("conflict"), AMBIGUOUS),
    (410, envelope("the model is retired"), NO_MODEL),
    (413, b"<html>Request Entity Too Large</html>", REFUSED),
    (415, {"detail": "Unsupported"}, REFUSED),
    (422, {"detail": [{"loc": ["body", "seconds"], "msg": "bad", "type": "value_error"}]}, REFUSED),
    (425, b"", AMBIGUOUS),
    (429, envelope("Too many running tasks", kind="video_generation_user_error"), FULL),
    (429, {"error": {"code": "RateLimitReached", "message": "slow down"}}, FULL),
    (429, b"", FULL),
    (500, envelope("The server had an error", kind="server_error"), FAILING),
    (500, {"detail": "Video generation failed"}, FAILING),
    (501, b"", FAILING),
    (502, b"<html><h1>502 Bad Gateway</h1></html>", FAILING),
    (503, b"", FAILING),
    (504, b"upstream request timeout", FAILING),
    (529, b"", FAILING),
]


@pytest.mark.parametrize(("status", "body", "expected"), STATUSES)
async def test_each_http_error_has_its_class_and_code_after_one_request(
    upstream: Connect, status: int, body: Any, expected: Refusal
) -> None:
    """Only answers that certainly mean "not accepted" are not ambiguous, and none is answered by another request."""
    async with upstream(answer(status, body)) as (provider, stub):
        error = await refused(provider)

    assert (type(error), error.code) == expected
    assert len(stub.requests) == 1


REFUSED_CONTENT: dict[str, tuple[int, Any]] = {
    "OpenAI's code": (400, envelope("Your request was blocked.", code="moderation_blocked")),
    "the screen before it": (400, envelope("Hmmm something didn't look right.", code="sentinel_block")),
    "Azure's code": (400, envelope("filtered", code="content_policy_violation")),
    "Azure's filter": (400, envelope("The response was filtered", code="content_filter")),
    "Azure's flat form": (
        400,
        {"code": "BadRequest", "message": "no", "inner_error": {"code": "ResponsibleAIPolicyViolation"}},
    ),
    "Azure's nested form": (
        400,
        {"error": {"code": "BadRequest", "innererror": {"code": "ResponsibleAIPolicyViolation"}}},
    ),
    "safety": (400, envelope("no", code="content_safety_violation")),
    "words in the message only": (400, envelope("Rejected by our content policy.")),
    "words in a plain string": (400, {"error": "prompt refused: content policy violation"}),
    "words in a detail": (400, {"detail": "blocked by content_filter"}),
    "another status": (403, envelope("no", code="content_policy_violation")),
    "422": (422, envelope("no", code="moderation_blocked")),
    "a gateway that wraps it": (502, envelope("upstream said no", code="moderation_blocked")),
}


@pytest.mark.parametrize("name", REFUSED_CONTENT)
async def test_refused_content_is_recognised_in_every_known_form(upstream: Connect, name: str) -> None:
    """Whatever the status: it will be refused again, so it is not tried again."""
    status, body = REFUSED_CONTENT[name]
    async with upstream(answer(status, body)) as (provider, stub):
        error = await refused(provider)

    assert (type(error), error.code) == POLICY
    assert len(stub.requests) == 1


async def test_an_echoed_prompt_does_not_make_a_refusal_of_content(upstream: Connect) -> None:
    """Only what describes the error is read."""
    body = {**envelope("Invalid size"), "prompt": "a talk about content policy and moderation"}
    async with upstream(answer(400, body)) as (provider, _):
        error = await refused(provider)

    assert (type(error), error.code) == REFUSED


@pytest.mark.parametrize("status", [429, 503, 409])
async def test_a_wait_that_the_server_asks_for_is_passed_on(upstream: Connect, status: int) -> None:
    """Waiting is the story's; the adapter only says how long."""
    async with upstream(answer(status, envelope(), headers={"retry-after": "17"})) as (provider, stub):
        error = await refused(provider)

    assert error.retry_after_seconds == 17
    assert len(stub.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_means_a_wrong_address(upstream: Connect, status: int) -> None:
    """Followed, most of them would turn the order into a question, and the others send the credential on."""
    async with stub_upstream(ACCEPTED) as elsewhere:
        redirect = answer(status, headers={"location": f"{elsewhere.base_url}/videos"})
        async with upstream(redirect) as (provider, stub):
            error = await refused(provider)

    assert (type(error), error.code) == NOT_ALLOWED
    assert len(stub.requests) == 1
    assert elsewhere.requests == []


UNCLEAR: dict[str, Answer] = {
    "no id": answer(200, {"object": "video", "status": "queued"}),
    "an id of null": answer(200, {"id": None}),
    "an empty id": answer(200, {"id": ""}),
    "a number as id": answer(200, {"id": 17}),
    "an endless id": answer(200, {"id": "v" * 513}),
    "a list": answer(200, [{"id": "video_1"}]),
    "HTML": answer(200, b"<html>Please log in</html>", headers={"content-type": "text/html"}),
    "half a JSON": answer(200, b'{"id": "vid', headers={"content-type": "application/json"}),
    "bytes that are no text": answer(200, b"\xff\xfe\x00\xd8", headers={"content-type": "application/json"}),
    "JSON without end": answer(200, b"[" * 100_000, headers={"content-type": "application/json"}),
    "nothing": answer(200),
    "no content": answer(204),
    "a body that breaks off": answer(200, b'{"id": "video_1"', length=1000),
    "chunks that break off": chunked(b'{"id":', ended=False),
    "a lie about compression": answer(200, b"not gzip", headers={"content-encoding": "gzip"}),
    "no HTTP at all": b"220 smtp.example ESMTP\r\n\r\n",
    "a reset": Misbehaviour.RESET,
    "a closed connection": Misbehaviour.CLOSE,
}


@pytest.mark.parametrize("name", UNCLEAR)
async def test_an_order_that_was_sent_without_a_clear_answer_is_in_doubt(upstream: Connect, name: str) -> None:
    """The server may be rendering: nothing may be sent again before it is known."""
    async with upstream(UNCLEAR[name]) as (provider, stub):
        error = await refused(provider)

    assert (type(error), error.code) == AMBIGUOUS
    assert len(stub.requests) == 1


async def test_a_server_that_does_not_answer_in_time_leaves_the_order_in_doubt(upstream: Connect) -> None:
    """The request is given up after the time-out, and not repeated."""
    async with upstream(Misbehaviour.HANG, timeout=0.3) as (provider, stub):
        error = await refused(provider)

    assert (type(error), error.code) == AMBIGUOUS
    assert len(stub.requests) == 1


@contextmanager
def full_backlog() -> Iterator[int]:
    """A port that takes no further connection: attempts hang until they time out."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = []
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(address)
            waiting.append(client)
        try:
            yield address[1]
        finally:
            for client in waiting:
                client.close()


def closed_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize("host", ["127.0.0.1:{closed}", "127.0.0.1:{full}", "no-such-host.invalid"])
async def test_an_order_that_never_reached_the_server_was_certainly_not_accepted(host: str) -> None:
    """Nobody listens, nobody takes the connection, or the name has no address: it may safely be sent again."""
    with full_backlog() as full:
        base_url = f"http://{host.format(closed=closed_port(), full=full)}/v1"
        provider = VideosApiProvider(base_url, KEY, "sora-2", 1)

        error = await refused(provider)

        await provider.close()
    assert (type(error), error.code) == (ProviderUnavailable, "upstream_unavailable")


async def test_no_error_text_shows_the_key_or_the_prompt(upstream: Connect) -> None:
    """What the server echoes stays out of the exception that is logged."""
    body = envelope(f"Incorrect key {KEY} for {SPEC.prompt}")
    async with upstream(answer(401, body)) as (provider, _):
        error = await refused(provider)

    assert KEY not in str(error)
    assert "lake" not in str(error)
