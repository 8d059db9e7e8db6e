"""What `VideosApiProvider.cancel` sends, and how it sorts every way in which it can be answered."""

import socket
from contextlib import closing
from typing import Any

import pytest

from shared.errors import FailureCode, ProviderError, ProviderRejected, ProviderThrottled, ProviderUnavailable
from shared.providers.videos_api import VideosApiProvider
from tests.support.stub_upstream import Answer, Misbehaviour, answer, chunked, stub_upstream
from tests.unit.providers.conftest import KEY, Connect

Refusal = tuple[type[ProviderError], FailureCode]

UNAVAILABLE: Refusal = (ProviderUnavailable, "upstream_unavailable")
NO_KEY: Refusal = (ProviderUnavailable, "upstream_auth")
NO_WAY: Refusal = (ProviderRejected, "upstream_failed")
TOO_SOON: Refusal = (ProviderThrottled, "rate_limited")


async def refused(provider: VideosApiProvider) -> ProviderError:
    """Cancel and return the error, which must be one of the port's."""
    with pytest.raises(ProviderError) as raised:
        await provider.cancel("video_1")
    return raised.value


async def test_one_delete_with_the_key_and_without_a_body_is_sent(upstream: Connect) -> None:
    """Nothing but the id says what is meant."""
    deleted = answer(200, {"id": "video_1", "object": "video.deleted", "deleted": True})
    async with upstream(deleted) as (provider, stub):
        await provider.cancel("video_1")

    [request] = stub.requests
    assert (request.method, request.target, request.body) == ("DELETE", "/v1/videos/video_1", b"")
    assert request.headers["authorization"] == f"Bearer {KEY}"


GONE: dict[str, Answer] = {
    "OpenAI": answer(200, {"id": "video_1", "object": "video.deleted", "deleted": True}),
    "SGLang, the job": answer(200, {"id": "video_1", "object": "video", "status": "deleted"}),
    "a job that is being cancelled": answer(202, {"id": "video_1", "status": "cancelling"}),
    "Azure's older API, nothing": answer(204),
    "200 and nothing": answer(200),
    "HTML": answer(200, b"<html>Deleted</html>"),
    "half a JSON": answer(200, b'{"id": "vid'),
    "in chunks": chunked(b"{}"),
    "not found": answer(404, {"error": {"message": "not found"}}),
    "FastAPI, not found": answer(404, {"detail": "Video not found"}),
    "HTML, not found": answer(404, b"<html>404</html>"),
    "not there any more": answer(410),
}


@pytest.mark.parametrize("name", GONE)
async def test_a_render_that_is_gone_or_going_is_cancelled(upstream: Connect, name: str) -> None:
    """Whatever the body looks like: the status says it."""
    async with upstream(GONE[name]) as (provider, stub):
        await provider.cancel("video_1")

    assert len(stub.requests) == 1


REFUSED: list[tuple[int, Any, Refusal]] = [
    (400, {"detail": "bad id"}, NO_WAY),
    (401, {"error": {"message": "bad key"}}, NO_KEY),
    (402, b"", NO_WAY),
    (403, b"", NO_KEY),
    (405, {"detail": "Method Not Allowed"}, NO_WAY),  # LiteLLM has no such route
    (406, b"", NO_WAY),
    (408, b"", UNAVAILABLE),
    (409, {"detail": "Cancellation in progress. Please try again later."}, UNAVAILABLE),  # vLLM-Omni
    (418, b"", NO_WAY),
    (422, {"detail": [{"msg": "no"}]}, NO_WAY),
    (425, b"", UNAVAILABLE),
    (429, {"error": {"message": "slow down"}}, TOO_SOON),
    (500, {"error": {"message": "sorry", "type": "server_error"}}, UNAVAILABLE),
    (500, {"id": "video_1", "object": "video", "status": "failed"}, UNAVAILABLE),
    (501, b"", NO_WAY),
    (502, b"<html>502</html>", UNAVAILABLE),
    (503, b"", UNAVAILABLE),
    (504, b"", UNAVAILABLE),
]


@pytest.mark.parametrize(("status", "body", "expected"), REFUSED)
async def test_each_http_error_has_its_class_and_code_after_one_request(
    upstream: Connect, status: int, body: Any, expected: Refusal
) -> None:
    """What a server cannot do or will not do is final; all else may be asked for again."""
    async with upstream(answer(status, body, headers={"retry-after": "3"})) as (provider, stub):
        error = await refused(provider)

    assert (type(error), error.code) == expected
    assert error.retryable == (expected != NO_WAY)
    assert error.retry_after_seconds == (None if expected == NO_WAY else 3)
    assert str(status) in str(error)
    assert len(stub.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(upstream: Connect, status: int) -> None:
    """It may turn the DELETE into a GET, whose good answer says nothing of a cancellation."""
    async with stub_upstream(answer(200, {"id": "video_1", "status": "in_progress"})) as elsewhere:
        redirect = answer(status, headers={"location": f"{elsewhere.base_url}/videos/video_1"})
        async with upstream(redirect) as (provider, stub):
            error = await refused(provider)

    assert (type(error), error.code) == NO_WAY
    assert (len(stub.requests), elsewhere.requests) == (1, [])


UNREADABLE: dict[str, Answer] = {
    "a body that breaks off": answer(200, b"{", length=1000),
    "chunks that break off": chunked(b"{}", ended=False),
    "an error whose body breaks off": answer(405, b"{", length=1000),
    "a lie about compression": answer(200, b"not gzip", headers={"content-encoding": "gzip"}),
    "no HTTP at all": b"220 smtp.example ESMTP\r\n\r\n",
    "a reset": Misbehaviour.RESET,
    "a closed connection": Misbehaviour.CLOSE,
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_an_answer_that_cannot_be_read_is_a_passing_trouble(upstream: Connect, name: str) -> None:
    """Asked again, the server says that the render is gone, or cancels it."""
    async with upstream(UNREADABLE[name], answer(404)) as (provider, stub):
        error = await refused(provider)
        await provider.cancel("video_1")

    assert (type(error), error.code) == UNAVAILABLE
    assert len(stub.requests) == 2


async def test_a_server_that_does_not_answer_in_time_is_a_passing_trouble(upstream: Connect) -> None:
    """The cancellation is given up after the provider's time-out."""
    async with upstream(Misbehaviour.HANG, timeout=0.3) as (provider, stub):
        error = await refused(provider)

    assert (type(error), error.code) == UNAVAILABLE
    assert len(stub.requests) == 1


async def test_a_server_that_cannot_be_reached_is_a_passing_trouble() -> None:
    """Nobody listens there."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    provider = VideosApiProvider(f"http://127.0.0.1:{port}/v1", KEY, "sora-2", 5)

    error = await refused(provider)

    assert (type(error), error.code) == UNAVAILABLE
    await provider.close()


async def test_a_token_that_cannot_be_had_keeps_its_own_word() -> None:
    """It is the identity that is refused, not the cancellation."""

    async def no_token() -> str:
        refusal = ProviderUnavailable("no token")
        refusal.code = "upstream_auth"
        raise refusal

    provider = VideosApiProvider("http://127.0.0.1:9/v1", no_token, "sora-2", 5)

    error = await refused(provider)

    assert (type(error), error.code) == NO_KEY
    await provider.close()


@pytest.mark.parametrize(
    ("upstream_id", "segment"),
    [
        ("video_bGl0ZWxsbTpj+dXN0b20/bGxt==", "video_bGl0ZWxsbTpj%2BdXN0b20%2FbGxt%3D%3D"),
        ("../../admin?x#y", "..%2F..%2Fadmin%3Fx%23y"),
        ("v" * 512, "v" * 512),
    ],
)
async def test_an_id_is_always_one_segment_of_the_path(upstream: Connect, upstream_id: str, segment: str) -> None:
    """Nothing but the render that is meant can be removed."""
    async with upstream(answer(204)) as (provider, stub):
        await provider.cancel(upstream_id)

    assert stub.targets() == [f"/v1/videos/{segment}"]
