"""How `VideosApiProvider.look` reads the answers of servers that deviate."""

from typing import Any

import pytest

from shared.errors import (
    FailureCode,
    ProviderError,
    ProviderJobLost,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)
from shared.providers.base import RenderLook
from shared.providers.videos_api import VideosApiProvider
from tests.support.stub_upstream import Answer, Misbehaviour, answer, chunked
from tests.unit.providers.conftest import Connect

UNAVAILABLE: tuple[type[ProviderError], FailureCode] = (ProviderUnavailable, "upstream_unavailable")


async def refused(provider: VideosApiProvider) -> ProviderError:
    """Look and return the error, which must be one of the port's."""
    with pytest.raises(ProviderError) as raised:
        await provider.look("video_1")
    return raised.value


LOOKS: dict[str, tuple[dict[str, Any], RenderLook]] = {
    "OpenAI, queued": (
        {"id": "video_1", "object": "video", "status": "queued", "progress": 0, "error": None},
        RenderLook(rendered=False, progress=0),
    ),
    "OpenAI, running": ({"status": "in_progress", "progress": 42}, RenderLook(rendered=False, progress=42)),
    "OpenAI, done": ({"status": "completed", "progress": 100}, RenderLook(rendered=True, progress=100)),
    "TensorRT-LLM": ({"status": "postprocessing", "progress": None}, RenderLook(rendered=False)),
    "LiteLLM over Gemini": ({"status": "processing"}, RenderLook(rendered=False)),
    "a word nobody knows": ({"status": "paused", "progress": 7}, RenderLook(rendered=False, progress=7)),
    "no status at all": ({"id": "video_1"}, RenderLook(rendered=False)),
    "done with an empty error": ({"status": "succeeded", "error": None}, RenderLook(rendered=True)),
}


@pytest.mark.parametrize("name", LOOKS)
async def test_a_render_that_has_not_failed_is_running_or_rendered(upstream: Connect, name: str) -> None:
    """A word that nobody knows is a render still running, which its deadline ends."""
    body, expected = LOOKS[name]
    async with upstream(answer(200, body)) as (provider, stub):
        assert await provider.look("video_1") == expected

    assert stub.targets() == ["/v1/videos/video_1"]


FAILED: dict[str, tuple[int, dict[str, Any], FailureCode]] = {
    "OpenAI": (200, {"status": "failed", "error": {"code": "server_error", "message": "no"}}, "upstream_failed"),
    "OpenAI, moderated": (
        200,
        {"status": "failed", "error": {"code": "moderation_blocked", "message": "blocked"}},
        "content_policy",
    ),
    "Azure, filtered": (200, {"status": "failed", "error": {"code": "content_filter"}}, "content_policy"),
    "no reason given": (200, {"status": "failed", "error": None}, "upstream_failed"),
    "cancelled": (200, {"status": "cancelled"}, "upstream_failed"),
    "SGLang, no code": (200, {"status": "failed", "error": {"message": "CUDA out of memory"}}, "upstream_failed"),
    "TensorRT-LLM, a string": (200, {"status": "failed", "error": "Video generation failed"}, "upstream_failed"),
    "TensorRT-LLM, a string that says why": (
        200,
        {"status": "failed", "error": "moderation: prompt refused"},
        "content_policy",
    ),
    "vLLM-Omni, HTTP 500": (
        500,
        {"id": "video_1", "object": "video", "status": "failed", "error": {"code": 500, "message": "CUDA error"}},
        "upstream_failed",
    ),
    "vLLM-Omni, HTTP 400": (
        400,
        {"id": "video_1", "object": "video", "status": "failed", "error": {"code": 400, "message": "bad size"}},
        "upstream_failed",
    ),
    "vLLM-Omni, HTTP 404": (
        404,
        {"id": "video_1", "object": "video", "status": "failed", "error": {"code": 404, "message": "gone"}},
        "upstream_failed",
    ),
    "a job that expired": (200, {"status": "expired"}, "upstream_lost"),
    "SGLang, deleted": (200, {"status": "deleted"}, "upstream_lost"),
}


@pytest.mark.parametrize("name", FAILED)
async def test_a_failed_render_is_recognised_whatever_carries_it(upstream: Connect, name: str) -> None:
    """Also as the body of an HTTP error: a poller that takes every 5xx for a passing trouble would never see it."""
    status, body, code = FAILED[name]
    async with upstream(answer(status, body)) as (provider, stub):
        error = await refused(provider)

    assert (type(error), error.code) == (ProviderRejected, code)
    assert len(stub.requests) == 1


REFUSED: list[tuple[int, Any, tuple[type[ProviderError], FailureCode]]] = [
    (400, {"detail": "bad id"}, UNAVAILABLE),
    (401, {"error": {"message": "bad key"}}, (ProviderUnavailable, "upstream_auth")),
    (403, b"", (ProviderUnavailable, "upstream_auth")),
    (404, {"error": {"message": "not found"}}, (ProviderJobLost, "upstream_lost")),
    (404, {"detail": "Video not found"}, (ProviderJobLost, "upstream_lost")),
    (404, b"<html>404</html>", (ProviderJobLost, "upstream_lost")),
    (410, b"", (ProviderJobLost, "upstream_lost")),
    (408, b"", UNAVAILABLE),
    (429, {"error": {"message": "slow down"}}, (ProviderThrottled, "rate_limited")),
    (500, {"error": {"message": "sorry", "type": "server_error"}}, UNAVAILABLE),
    (500, {"error": {"code": 500, "message": "sorry"}, "status": "failed"}, UNAVAILABLE),
    (502, b"<html>502</html>", UNAVAILABLE),
    (503, b"", UNAVAILABLE),
]


@pytest.mark.parametrize(("status", "body", "expected"), REFUSED)
async def test_each_http_error_has_its_class_and_code_after_one_request(
    upstream: Connect, status: int, body: Any, expected: tuple[type[ProviderError], FailureCode]
) -> None:
    """Looking costs nothing, so everything but a lost job is a passing trouble; the waiting is the story's."""
    async with upstream(answer(status, body, headers={"retry-after": "3"})) as (provider, stub):
        error = await refused(provider)

    assert (type(error), error.code) == expected
    assert error.retryable
    assert len(stub.requests) == 1


@pytest.mark.parametrize("status", [401, 429, 503])
async def test_a_wait_that_the_server_asks_for_is_passed_on(upstream: Connect, status: int) -> None:
    """`Retry-After` reaches the story."""
    async with upstream(answer(status, headers={"retry-after": "3"})) as (provider, _):
        assert (await refused(provider)).retry_after_seconds == 3


UNREADABLE: dict[str, Answer] = {
    "HTML": answer(200, b"<html>Please log in</html>"),
    "a list": answer(200, [1, 2]),
    "half a JSON": answer(200, b'{"status": "comp'),
    "nothing": answer(200),
    "a body that breaks off": answer(200, b'{"status": "completed"}', length=1000),
    "chunks that break off": chunked(b'{"status": "completed"}', ended=False),
    "an error whose body breaks off": answer(500, b"{", length=1000),
    "a lie about compression": answer(200, b"not gzip", headers={"content-encoding": "gzip"}),
    "no HTTP at all": b"220 smtp.example ESMTP\r\n\r\n",
    "a reset": Misbehaviour.RESET,
    "a closed connection": Misbehaviour.CLOSE,
    "a redirect without end": answer(307, headers={"location": "/v1/videos/video_1"}),
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_an_answer_that_cannot_be_read_is_a_passing_trouble(upstream: Connect, name: str) -> None:
    """Nothing is concluded from garbage, least of all that the video is ready."""
    async with upstream(UNREADABLE[name]) as (provider, _):
        error = await refused(provider)

    assert (type(error), error.code) == UNAVAILABLE


async def test_a_server_that_does_not_answer_in_time_is_a_passing_trouble(upstream: Connect) -> None:
    """The look is given up after the time-out."""
    async with upstream(Misbehaviour.HANG, timeout=0.3) as (provider, stub):
        error = await refused(provider)

    assert (type(error), error.code) == UNAVAILABLE
    assert len(stub.requests) == 1


@pytest.mark.parametrize(
    ("upstream_id", "segment"),
    [
        ("video_bGl0ZWxsbTpj+dXN0b20/bGxt==", "video_bGl0ZWxsbTpj%2BdXN0b20%2FbGxt%3D%3D"),
        ("../../admin?x#y", "..%2F..%2Fadmin%3Fx%23y"),
        ("ä b", "%C3%A4%20b"),
        ("v" * 512, "v" * 512),
    ],
)
async def test_an_id_is_always_one_segment_of_the_path(upstream: Connect, upstream_id: str, segment: str) -> None:
    """Ids are opaque: a LiteLLM proxy's hold `/`, `+` and `=`."""
    async with upstream(answer(200, {"status": "queued"}), answer(200, b"x")) as (provider, stub):
        await provider.look(upstream_id)
        async with provider.fetch(upstream_id):
            pass

    assert stub.targets() == [f"/v1/videos/{segment}", f"/v1/videos/{segment}/content"]
