"""How `VideosApiProvider.find` looks for a render that may or may not have been accepted."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.errors import (
    FailureCode,
    ProviderError,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)
from shared.jobs.models import RenderSpec
from shared.providers.base import RenderCandidate
from shared.providers.videos_api import VideosApiProvider
from tests.support.stub_upstream import Answer, Misbehaviour, answer
from tests.unit.providers.conftest import Connect

SPEC = RenderSpec(prompt="a calm lake", seconds=5, width=1280, height=720)
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
MOMENT = int(SINCE.timestamp())


def job(number: int, after_seconds: float = 1, **changes: Any) -> dict[str, Any]:
    """Return a job as OpenAI shows it, made this long after `SINCE`."""
    shown = {"id": f"video_{number}", "object": "video", "status": "queued", "created_at": MOMENT + int(after_seconds)}
    return {**shown, "model": "sora-2", "prompt": SPEC.prompt, "seconds": "5", "size": "1280x720", **changes}


def page(*jobs: Any, more: bool = False) -> Answer:
    """Return one page of a list."""
    return answer(200, {"object": "list", "data": jobs, "has_more": more})


async def found(provider: VideosApiProvider) -> Sequence[str]:
    """Return the ids of the candidates."""
    return [candidate.upstream_id for candidate in await provider.find(SPEC, SINCE)]


async def refused(provider: VideosApiProvider) -> ProviderError:
    """Search and return the error, which must be one of the port's."""
    with pytest.raises(ProviderError) as raised:
        await provider.find(SPEC, SINCE)
    return raised.value


async def test_an_empty_list_holds_no_candidate(upstream: Connect) -> None:
    """One request for the newest jobs."""
    async with upstream(page()) as (provider, stub):
        assert await found(provider) == []

    assert stub.targets() == ["/v1/videos?limit=100&order=desc"]


async def test_only_renders_that_match_and_are_young_enough_are_candidates(upstream: Connect) -> None:
    """Whatever the server tells about a job must fit."""
    jobs = [
        job(1),
        job(2, prompt="another lake"),
        job(3, seconds="8"),
        job(4, size="720x1280"),
        job(5, -1),
        job(6, 0),
    ]
    async with upstream(page(*jobs)) as (provider, _):
        assert await found(provider) == ["video_1", "video_6"]


async def test_a_candidate_carries_its_time(upstream: Connect) -> None:
    """In UTC."""
    async with upstream(page(job(1, 30))) as (provider, _):
        assert await provider.find(SPEC, SINCE) == [RenderCandidate("video_1", SINCE + timedelta(seconds=30))]


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": None},
        {"prompt": ""},
        {"seconds": None},
        {"seconds": 5},
        {"seconds": 5.0},
        {"seconds": "5.0"},
        {"seconds": 5.04},
        {"seconds": "auto"},
        {"size": None},
        {"size": "1280X720"},
        {"size": "720p"},
        {"size": ""},
        {"created_at": None},
        {"created_at": "2026-01-01T00:00:01Z"},
        {"created_at": "2026-01-01T00:00:01"},
        {"created_at": "yesterday"},
        {"created_at": MOMENT * 1000},
        {"model": "something-else"},
        {"status": "failed"},
    ],
    ids=str,
)
async def test_what_is_not_told_or_told_in_another_form_does_not_rule_a_render_out(
    upstream: Connect, changes: dict[str, Any]
) -> None:
    """A render wrongly ruled out would be paid for twice."""
    async with upstream(page(job(1, **changes))) as (provider, _):
        assert await found(provider) == ["video_1"]


@pytest.mark.parametrize(
    "changes",
    [{"seconds": "4"}, {"seconds": 6}, {"size": "1920X1080"}, {"prompt": "A calm lake"}],
    ids=str,
)
async def test_what_is_told_and_differs_rules_a_render_out(upstream: Connect, changes: dict[str, Any]) -> None:
    """It is somebody else's."""
    async with upstream(page(job(1, **changes))) as (provider, _):
        assert await found(provider) == []


@pytest.mark.parametrize("entry", [None, 3, "video_9", {}, {"id": 7}], ids=repr)
async def test_a_list_with_entries_that_cannot_be_read_proves_nothing(upstream: Connect, entry: object) -> None:
    """The unreadable one may be ours: whoever asks must not conclude that nothing was accepted."""
    async with upstream(page(entry, job(1))) as (provider, _):
        with pytest.raises(ProviderRejected) as raised:
            await found(provider)

    assert raised.value.code == "submission_unknown"


async def test_later_pages_are_read_until_one_ends_before_the_time_in_question(upstream: Connect) -> None:
    """Each page is asked for after the last id of the one before."""
    pages = [page(job(9, 9), job(8, 8), more=True), page(job(7, 1), job(6, -5), more=True), page(job(1))]
    async with upstream(*pages) as (provider, stub):
        assert await found(provider) == ["video_9", "video_8", "video_7"]

    assert stub.targets() == [
        "/v1/videos?limit=100&order=desc",
        "/v1/videos?limit=100&order=desc&after=video_8",
    ]


async def test_a_server_that_lists_the_oldest_first_is_read_to_its_end(upstream: Connect) -> None:
    """Some ignore the order that they are asked for; a first page of old jobs proves nothing then."""
    pages = [page(job(1, -9), job(2, -8), more=True), page(job(3, -1), job(4, 2))]
    async with upstream(*pages) as (provider, _):
        assert await found(provider) == ["video_4"]


async def test_a_server_that_tells_no_times_is_read_to_its_end(upstream: Connect) -> None:
    """Then every match is a candidate, on whatever page."""
    pages = [page(job(1, created_at=None, prompt="other"), more=True), page(job(2, created_at=None))]
    async with upstream(*pages) as (provider, _):
        assert await found(provider) == ["video_2"]


async def test_a_list_that_does_not_end_cannot_be_asked(upstream: Connect) -> None:
    """A server that ignores `after` gives the same page for ever; the search is bounded."""
    async with upstream(page(job(1), more=True)) as (provider, stub):
        error = await refused(provider)

    assert type(error) is ProviderUnavailable
    assert len(stub.requests) == 20


async def test_an_empty_page_ends_the_list_whatever_it_promises(upstream: Connect) -> None:
    """There is no id after which to go on."""
    async with upstream(page(job(1), more=True), page(more=True)) as (provider, stub):
        assert await found(provider) == ["video_1"]

    assert len(stub.requests) == 2


REFUSED: list[tuple[Answer, type[ProviderError], FailureCode]] = [
    (answer(400, {"detail": "no"}), ProviderRejected, "submission_unknown"),
    (answer(404, {"detail": "Not Found"}), ProviderRejected, "submission_unknown"),
    (answer(405, {"detail": "Method Not Allowed"}), ProviderRejected, "submission_unknown"),
    (answer(422, {"detail": []}), ProviderRejected, "submission_unknown"),
    (answer(501), ProviderRejected, "submission_unknown"),
    (answer(401), ProviderUnavailable, "upstream_auth"),
    (answer(429), ProviderThrottled, "rate_limited"),
    (answer(500), ProviderUnavailable, "upstream_unavailable"),
    (answer(503), ProviderUnavailable, "upstream_unavailable"),
    (answer(200, b"<html>"), ProviderUnavailable, "upstream_unavailable"),
    (answer(200, {"videos": []}), ProviderUnavailable, "upstream_unavailable"),
    (answer(200, {"data": {}}), ProviderUnavailable, "upstream_unavailable"),
    (Misbehaviour.RESET, ProviderUnavailable, "upstream_unavailable"),
]


@pytest.mark.parametrize(("reply", "kind", "code"), REFUSED)
async def test_a_server_without_a_list_is_told_from_one_in_trouble(
    upstream: Connect, reply: Answer, kind: type[ProviderError], code: FailureCode
) -> None:
    """The first will never know; the second may be asked again."""
    async with upstream(reply) as (provider, _):
        error = await refused(provider)

    assert (type(error), error.code) == (kind, code)
