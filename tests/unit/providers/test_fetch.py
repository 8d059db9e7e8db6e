"""How `VideosApiProvider.fetch` streams a file, and what it refuses to take for one."""

from typing import Any

import pytest

from shared.errors import (
    FailureCode,
    InvalidUpstreamVideo,
    ProviderError,
    ProviderJobLost,
    ProviderThrottled,
    ProviderUnavailable,
)
from shared.providers.videos_api import VideosApiProvider
from tests.support.stub_upstream import Answer, Misbehaviour, answer, chunked, stub_upstream
from tests.unit.providers.conftest import KEY, Connect

MP4 = {"content-type": "video/mp4"}
CONTENT = bytes(range(256)) * 20

Refusal = tuple[type[ProviderError], FailureCode]
UNAVAILABLE: Refusal = (ProviderUnavailable, "upstream_unavailable")
INVALID: Refusal = (InvalidUpstreamVideo, "invalid_upstream_video")


async def fetched(provider: VideosApiProvider) -> bytes:
    """Fetch a file to its end."""
    async with provider.fetch("video_1") as rendered:
        return b"".join([piece async for piece in rendered.chunks])


async def refused(provider: VideosApiProvider) -> ProviderError:
    """Fetch and return the error, which must be one of the port's."""
    with pytest.raises(ProviderError) as raised:
        await fetched(provider)
    return raised.value


async def test_the_file_is_asked_for_plainly_and_arrives_unchanged(upstream: Connect) -> None:
    """No `variant`, which some servers take for an index; no compression, which would hide the length."""
    async with upstream(answer(200, CONTENT, headers=MP4)) as (provider, stub):
        assert await fetched(provider) == CONTENT

    [request] = stub.requests
    assert request.target == "/v1/videos/video_1/content"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["authorization"] == f"Bearer {KEY}"


async def test_the_promised_length_is_told(upstream: Connect) -> None:
    """Where the server promises one."""
    async with upstream(answer(200, CONTENT, headers=MP4)) as (provider, _), provider.fetch("video_1") as rendered:
        assert rendered.size == len(CONTENT)


async def test_a_file_of_unknown_length_arrives_too(upstream: Connect) -> None:
    """In chunks, without a promise."""
    reply = chunked(CONTENT, b"and more", headers=MP4)
    async with upstream(reply) as (provider, _), provider.fetch("video_1") as rendered:
        assert rendered.size is None
        assert b"".join([piece async for piece in rendered.chunks]) == CONTENT + b"and more"


@pytest.mark.parametrize(
    "kind",
    [
        "video/mp4",
        "VIDEO/MP4; codecs=avc1",
        "video/quicktime",
        "application/octet-stream",
        "binary/octet-stream",
        "application/mp4",
        None,
    ],
)
async def test_what_may_be_a_video_is_taken(upstream: Connect, kind: str | None) -> None:
    """The bytes decide later; object stores often know no type."""
    headers = {"content-type": kind} if kind else {}
    async with upstream(answer(200, CONTENT, headers=headers)) as (provider, _):
        assert await fetched(provider) == CONTENT


@pytest.mark.parametrize("kind", ["application/json", "text/html; charset=utf-8", "text/plain", "image/webp"])
async def test_what_says_that_it_is_no_video_is_refused(upstream: Connect, kind: str) -> None:
    """An error or a login page must not be stored as an MP4."""
    async with upstream(answer(200, CONTENT, headers={"content-type": kind})) as (provider, _):
        error = await refused(provider)

    assert (type(error), error.code) == INVALID


@pytest.mark.parametrize("empty", [answer(200, b"", headers=MP4), answer(204), chunked(headers=MP4)])
async def test_an_empty_file_is_no_video(upstream: Connect, empty: Answer) -> None:
    """Whether or not it was announced."""
    async with upstream(empty) as (provider, _):
        error = await refused(provider)

    assert (type(error), error.code) == INVALID


BROKEN: dict[str, Answer] = {
    "before its promised end": answer(200, CONTENT, headers=MP4, length=len(CONTENT) + 1),
    "long before its promised end": answer(200, CONTENT, headers=MP4, length=10**12),
    "between chunks": chunked(CONTENT, ended=False, headers=MP4),
    "before the first byte": answer(200, b"", headers=MP4, length=1000),
    "by a reset": Misbehaviour.RESET,
    "before the answer": Misbehaviour.CLOSE,
    "with an error whose body breaks off": answer(500, b"{", length=1000),
    "with garbage in place of HTTP": b"220 smtp.example ESMTP\r\n\r\n",
    "by a lie about compression": answer(200, b"not gzip", headers={**MP4, "content-encoding": "gzip"}),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_transfer_that_breaks_off_is_a_passing_trouble(upstream: Connect, name: str) -> None:
    """A shortened file is never taken for a whole one, and it is there to be fetched again."""
    async with upstream(BROKEN[name]) as (provider, stub):
        error = await refused(provider)

    assert (type(error), error.code) == UNAVAILABLE
    assert len(stub.requests) == 1


async def test_a_server_that_falls_silent_is_a_passing_trouble(upstream: Connect) -> None:
    """No answer within the time-out."""
    async with upstream(Misbehaviour.HANG, timeout=0.3) as (provider, _):
        error = await refused(provider)

    assert (type(error), error.code) == UNAVAILABLE


STATUSES: list[tuple[int, Any, Refusal]] = [
    (400, {"error": {"message": "the video is stored elsewhere"}}, UNAVAILABLE),
    (401, {"error": {"message": "bad key"}}, (ProviderUnavailable, "upstream_auth")),
    (403, b"<Error><Code>AccessDenied</Code></Error>", (ProviderUnavailable, "upstream_auth")),
    (404, {"detail": "Generation is still in-progress"}, (ProviderJobLost, "upstream_lost")),
    (404, {"error": {"message": "expired"}}, (ProviderJobLost, "upstream_lost")),
    (410, b"", (ProviderJobLost, "upstream_lost")),
    (422, {"detail": "the job failed"}, UNAVAILABLE),
    (429, b"", (ProviderThrottled, "rate_limited")),
    (500, {"error": {"message": "sorry"}}, UNAVAILABLE),
    (503, b"", UNAVAILABLE),
]


@pytest.mark.parametrize(("status", "body", "expected"), STATUSES)
async def test_each_http_error_has_its_class_and_code_after_one_request(
    upstream: Connect, status: int, body: Any, expected: Refusal
) -> None:
    """The render is paid for: nothing that can pass is taken for final."""
    async with upstream(answer(status, body, headers={"retry-after": "3"})) as (provider, stub):
        error = await refused(provider)

    assert (type(error), error.code) == expected
    assert len(stub.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_host_is_followed_without_the_credential(upstream: Connect, status: int) -> None:
    """Content often lies in an object store; our key is none of its business."""
    async with stub_upstream(answer(200, CONTENT, headers=MP4)) as elsewhere:
        redirect = answer(status, headers={"location": f"{elsewhere.base_url}/signed?sig=1"})
        async with upstream(redirect) as (provider, _):
            assert await fetched(provider) == CONTENT

    [request] = elsewhere.requests
    assert request.target == "/v1/signed?sig=1"
    assert "authorization" not in request.headers
    assert KEY not in str(request)


async def test_redirects_without_end_are_a_passing_trouble(upstream: Connect) -> None:
    """They are given up after some."""
    async with upstream(answer(302, headers={"location": "/v1/again"})) as (provider, stub):
        error = await refused(provider)

    assert (type(error), error.code) == UNAVAILABLE
    assert len(stub.requests) < 30


async def test_a_fetch_can_be_left_before_its_end(upstream: Connect) -> None:
    """Leaving the block closes the connection; warnings about an open one are errors here."""
    async with (
        upstream(answer(200, CONTENT * 1000, headers=MP4)) as (provider, _),
        provider.fetch("video_1") as rendered,
    ):
        assert await anext(rendered.chunks)
