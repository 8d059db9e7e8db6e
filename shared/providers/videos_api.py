"""The OpenAI-style videos API (`/v1/videos`), spoken by Azure OpenAI, gateways and self-hosted servers alike.

The only importer of `openai`. Its client gives transport and authentication through the generic `post` and `get`; the
`videos.*` methods are not used, because they are deprecated, repeat a paid request on their own and hold whole files in
memory. Retries are off: waiting is the story's.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx2
from openai import APIConnectionError, APIError, APIStatusError, AsyncOpenAI, AsyncStream, OpenAIError

from shared.errors import (
    FailureCode,
    InvalidUpstreamVideo,
    ProviderAmbiguous,
    ProviderError,
    ProviderJobLost,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)
from shared.jobs.models import RenderSpec
from shared.providers import wire
from shared.providers.base import RenderCandidate, RenderedFile, RenderLook

_NEVER_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
)
"""Transport errors after which the server certainly saw nothing of the request."""

_CHUNK_BYTES = 1024 * 1024
_LIST_PAGE = 100
_LIST_SECONDS = 120.0
_LIST_PAGES = 20
"""A search looks back over this many pages at most: 2,000 jobs are more than any service takes in a few minutes."""

_UPSTREAM_ID_LONGEST = 512


def azure_base_url(endpoint: str) -> str:
    """Return the address of the v1 API of an Azure OpenAI resource, given with or without its path."""
    root = endpoint.rstrip("/").removesuffix("/v1").removesuffix("/openai")
    return f"{root}/openai/v1/"


class VideosApiProvider:
    """A `VideoProvider` over one base address, credential and model (on Azure: the deployment's name)."""

    def __init__(
        self, base_url: str, api_key: str | Callable[[], Awaitable[str]], model: str, timeout_seconds: float
    ) -> None:
        # The credential goes into `Authorization` alone, on Azure too: of all headers, that one is left out when a
        # redirect leads to another host.
        # Connecting ends well before the whole call does: only then is it known that nothing has been sent.
        timeout = httpx2.Timeout(timeout_seconds, connect=min(10.0, timeout_seconds / 2))
        self._client = AsyncOpenAI(base_url=base_url, api_key=api_key, max_retries=0, timeout=timeout)
        self._model = model
        self._timeout_seconds = timeout_seconds

    async def submit(self, spec: RenderSpec) -> str:
        """See `VideoProvider`."""
        body = {
            "model": self._model,
            "prompt": spec.prompt,
            "seconds": str(spec.seconds),
            "size": f"{spec.width}x{spec.height}",
        }
        # Multipart is the one form that every known server takes; a redirect would turn the POST into a GET.
        options: Any = {"headers": {"Content-Type": "multipart/form-data"}, "follow_redirects": False}
        try:
            async with asyncio.timeout(self._timeout_seconds):
                response = await self._client.post("/videos", cast_to=httpx2.Response, body=body, options=options)
        except APIStatusError as error:
            raise _refused_submit(error) from error
        except APIConnectionError as error:
            if isinstance(error.__cause__, _NEVER_SENT):
                raise ProviderUnavailable(_cause(error)) from error
            raise ProviderAmbiguous("submission_unknown", _cause(error)) from error
        except (OpenAIError, httpx2.HTTPError, TimeoutError) as error:
            raise ProviderAmbiguous("submission_unknown", type(error).__name__) from error

        upstream_id = wire.json_object(response.content).get("id")
        if not isinstance(upstream_id, str) or not 0 < len(upstream_id) <= _UPSTREAM_ID_LONGEST:
            detail = f"HTTP {response.status_code} without a job id"
            raise ProviderAmbiguous("submission_unknown", detail, accepted=True)
        return upstream_id

    async def look(self, upstream_id: str) -> RenderLook:
        """See `VideoProvider`."""
        job = await self._read(_path(upstream_id), {}, _refused_read, upstream_id)
        match wire.phase(job):
            case "failed":
                raise ProviderRejected(wire.failure_code(job), f"render {upstream_id!r} failed")
            case "lost":
                raise ProviderRejected("upstream_lost", f"render {upstream_id!r} is {job.get('status')!r}")
            case phase:
                return RenderLook(rendered=phase == "rendered", progress=wire.progress(job))

    @asynccontextmanager
    async def fetch(self, upstream_id: str) -> AsyncIterator[RenderedFile]:
        """See `VideoProvider`."""
        # No `variant`: some servers read it as an index and answer 404.
        path = f"{_path(upstream_id)}/content"
        headers = {"Accept": "video/mp4, application/octet-stream", "Accept-Encoding": "identity"}
        try:
            stream = await self._client.get(
                path,
                cast_to=object,
                options={"headers": headers},
                stream=True,
                stream_cls=AsyncStream[object],
            )
        except (OpenAIError, httpx2.HTTPError) as error:
            raise _refused_read(error) from error
        try:
            yield _rendered_file(stream.response)
        finally:
            await stream.close()

    async def cancel(self, upstream_id: str) -> None:
        """See `VideoProvider`."""
        # Followed, a redirect may turn the DELETE into a GET, which is answered well and stops nothing.
        options: Any = {"follow_redirects": False}
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._client.delete(_path(upstream_id), cast_to=httpx2.Response, options=options)
        except (OpenAIError, httpx2.HTTPError, TimeoutError) as error:
            refused = _refused_cancel(error)
            if not isinstance(refused, ProviderJobLost):  # gone already is what was asked for
                raise refused from error

    async def find(self, spec: RenderSpec, since: datetime) -> Sequence[RenderCandidate]:
        """See `VideoProvider`."""
        try:
            async with asyncio.timeout(_LIST_SECONDS):
                return await self._find(spec, since)
        except TimeoutError as error:
            raise ProviderUnavailable(f"the list of renders takes longer than {_LIST_SECONDS:.0f} s") from error

    async def _find(self, spec: RenderSpec, since: datetime) -> Sequence[RenderCandidate]:
        found: list[RenderCandidate] = []
        query: dict[str, object] = {"limit": _LIST_PAGE, "order": "desc"}
        for _ in range(_LIST_PAGES):
            page = await self._read("/videos", query, _refused_list)
            jobs = page.get("data")
            if not isinstance(jobs, list):
                raise ProviderUnavailable("the list of renders is not a list")
            known = [job for job in jobs if isinstance(job, dict) and isinstance(job.get("id"), str)]
            if len(known) < len(jobs):
                raise ProviderRejected("submission_unknown", "the list holds renders without a readable id")
            for job in known:
                moment = wire.created_at(job) or since
                if moment >= since and wire.matches(job, spec):
                    found.append(RenderCandidate(job["id"], moment, certain=wire.tells_prompt(job)))
            if not known or not page.get("has_more") or wire.ends_before(known, since):
                return found
            query["after"] = known[-1]["id"]
        raise ProviderUnavailable("the list of renders does not end")

    async def close(self) -> None:
        """See `VideoProvider`."""
        await self._client.close()

    async def _read(
        self,
        path: str,
        query: dict[str, object],
        refused: Callable[[Exception], ProviderError],
        upstream_id: str | None = None,
    ) -> dict[str, object]:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                response = await self._client.get(path, cast_to=httpx2.Response, options={"params": dict(query)})
        except (OpenAIError, httpx2.HTTPError, TimeoutError) as error:
            if isinstance(error, APIStatusError):
                answer = wire.json_object(error.response.content)
                if upstream_id is not None and wire.is_failed_job(answer, upstream_id):
                    return answer
            raise refused(error) from error
        answer = wire.json_object(response.content)
        if not answer:
            raise ProviderUnavailable(f"HTTP {response.status_code} without a JSON object")
        return answer


def _path(upstream_id: str) -> str:
    return f"/videos/{quote(upstream_id, safe='')}"


def _rendered_file(response: httpx2.Response) -> RenderedFile:
    kind = response.headers.get("content-type", "video/mp4").partition(";")[0].strip().lower()
    if not kind.startswith("video/") and kind not in _UNTYPED:
        raise InvalidUpstreamVideo(f"the content is {kind!r}, not a video")
    promised = response.headers.get("content-length", "")
    plain = response.headers.get("content-encoding", "identity").lower() == "identity"
    size = int(promised) if plain and promised.isdigit() else None
    return RenderedFile(_chunks(response), size)


_UNTYPED = ("application/mp4", "application/octet-stream", "binary/octet-stream")
"""What object stores, which content may be redirected to, call a file that nobody gave a type."""


async def _chunks(response: httpx2.Response) -> AsyncIterator[bytes]:
    # The transport itself raises where fewer bytes arrive than the answer promised.
    received = 0
    try:
        async for piece in response.aiter_bytes(_CHUNK_BYTES):
            received += len(piece)
            yield piece
    except httpx2.HTTPError as error:
        raise ProviderUnavailable(f"the content broke off: {type(error).__name__}") from error
    if not received:
        raise InvalidUpstreamVideo("the content is empty")


def _refused_submit(error: APIStatusError) -> ProviderError:
    """Sort an HTTP error to a submission. Only answers that certainly mean "not accepted" are not ambiguous."""
    status, answer = error.status_code, wire.json_object(error.response.content)
    detail = f"HTTP {status}"
    if wire.is_refusal(answer, codes_only=status == 429 or status >= 500):
        return ProviderRejected("content_policy", detail)
    if status == 429:
        return ProviderThrottled(detail, retry_after_seconds=_retry_after(error))
    if status >= 500:
        return ProviderAmbiguous("upstream_unavailable", detail, retry_after_seconds=_retry_after(error))
    if status in (408, 409, 425):
        return ProviderAmbiguous("submission_unknown", detail, retry_after_seconds=_retry_after(error))
    return ProviderRejected(_SUBMIT_CODES.get(status, "invalid_request"), detail)


_SUBMIT_CODES: dict[int, FailureCode] = {
    301: "upstream_auth",
    302: "upstream_auth",
    303: "upstream_auth",
    307: "upstream_auth",
    308: "upstream_auth",
    401: "upstream_auth",
    403: "upstream_auth",
    404: "model_unavailable",
    405: "model_unavailable",
    410: "model_unavailable",
}
"""A redirected or missing endpoint is a wrong setting as much as a refused key: `not configured correctly`."""


def _refused_read(error: Exception) -> ProviderError:
    """Sort an error while looking, listing or fetching: nothing is paid for by asking again."""
    if not isinstance(error, APIStatusError):
        return ProviderUnavailable(_cause(error))
    status, detail = error.status_code, f"HTTP {error.status_code}"
    if status in (404, 410):
        return ProviderJobLost(detail)
    if status == 429:
        return ProviderThrottled(detail, retry_after_seconds=_retry_after(error))
    unavailable = ProviderUnavailable(detail, retry_after_seconds=_retry_after(error))
    if status in (401, 403):
        # The render is paid for: a key that is being rotated must not cost it, so the story keeps asking.
        unavailable.code = "upstream_auth"
    return unavailable


def _refused_cancel(error: Exception) -> ProviderError:
    """Sort an error while cancelling: a service that has no way to do it, or refuses, will not do it later either."""
    status = error.status_code if isinstance(error, APIStatusError) else None
    if status == 501 or (status is not None and status < 500 and status not in _NO_REFUSALS):
        return ProviderRejected("upstream_failed", f"the render cannot be cancelled: HTTP {status}")
    return _refused_read(error)


_NO_REFUSALS = (401, 403, 404, 408, 409, 410, 425, 429)
"""Answers below 500 to a cancellation that do not refuse it; 409 comes while one that was asked for is under way."""


def _refused_list(error: Exception) -> ProviderError:
    """Sort an error while listing: a server without a list will not have one later, whatever it answers for that."""
    if isinstance(error, APIStatusError) and error.status_code in (400, 404, 405, 410, 422, 501):
        return ProviderRejected("submission_unknown", f"renders cannot be listed: HTTP {error.status_code}")
    return _refused_read(error)


def _retry_after(error: APIStatusError) -> float | None:
    return wire.retry_after_seconds(error.response.headers, datetime.now(UTC))


def _cause(error: Exception) -> str:
    cause = error.__cause__ if isinstance(error, APIError) and error.__cause__ is not None else error
    return type(cause).__name__
