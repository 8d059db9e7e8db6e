"""Idempotency keys, and what becomes of requests over which the process dies: the whole app on a clock that skips."""

import json
from pathlib import Path

import pytest

from shared.errors import ProviderRejected
from shared.jobs import client as job_client
from tests.unit.api.calling import Answer
from tests.whole import on_record
from tests.whole.troubled_app import TroubledApp, troubled_app

LAKE, FOX = "a calm lake", "a fox"
KEY = "order-66"
BEFORE_THE_START = range(1, 8)
"""The calls to storage that are made for a request with a key, before its story is started."""


def job_of(answer: Answer) -> str:
    """Return the job that was accepted."""
    assert answer.status == 200, answer
    return str(json.loads(answer.body)["job_id"])


async def killed_over(app: TroubledApp, key: str | None, call: int, *, after_effect: bool) -> None:
    """Let the process die over a request, at one of its calls to storage."""
    app.fuse.light(call, after_effect=after_effect)
    assert await app.asked(app.post(LAKE, key)) is None
    assert app.service.renders == []


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("call", BEFORE_THE_START)
async def test_who_asks_again_with_the_key_has_the_job_started_at_once(
    tmp_path: Path, call: int, after_effect: bool
) -> None:
    """Wherever the process died over the first request, there is one job and one render."""
    async with troubled_app(tmp_path) as app:
        await killed_over(app, KEY, call, after_effect=after_effect)

        job_id = job_of(await app.post(LAKE, KEY))
        await app.settle()
        begun = len(app.service.renders)
        ends = await app.until_ended(job_id)
        await app.pass_time(minutes=5)

    assert begun == 1
    assert ends == {job_id: "completed"}
    assert len(app.service.renders) == 1
    assert list(on_record.records(app.storage)) == [job_id]


async def test_a_job_with_a_key_that_nobody_asks_for_again_is_started_by_the_sweep(tmp_path: Path) -> None:
    """Its caller may still come back with the key: a minute or two after the request, and the key leads to it."""
    async with troubled_app(tmp_path) as app:
        await killed_over(app, KEY, BEFORE_THE_START[-1], after_effect=True)

        await app.pass_time(minutes=1)
        assert app.service.renders == []
        await app.pass_time(minutes=2)
        assert len(app.service.renders) == 1
        again = await app.post(LAKE, KEY)
        ends = await app.until_ended(job_of(again))

    assert again.headers["idempotency-replayed"] == "true"
    assert list(ends.values()) == ["completed"]
    assert len(app.service.renders) == 1


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("call", range(1, 6))
async def test_a_request_without_a_key_over_which_the_process_died_leaves_no_trace(
    tmp_path: Path, call: int, after_effect: bool
) -> None:
    """Nobody has its id, so nobody can want it: it renders nothing, and only its withdrawal remains."""
    async with troubled_app(tmp_path) as app:
        await killed_over(app, None, call, after_effect=after_effect)

        await app.pass_time(minutes=5)
        left = [name for name in app.storage.names() if not name.startswith(("tallies/", "capacity"))]

    assert app.service.renders == []
    assert all(name.startswith("submissions/") for name in left), left


async def test_a_key_leads_to_its_job_after_that_has_failed(tmp_path: Path) -> None:
    """Asking again is no way to try again: that needs another key."""
    async with troubled_app(tmp_path) as app:
        app.service.script("submit", ProviderRejected("content_policy", "refused on request"))
        job_id = job_of(await app.post(LAKE, KEY))
        await app.until_ended(job_id)

        again = await app.post(LAKE, KEY)
        status = await app.call("status", "GET", f"/api/status/{job_id}", job_id=job_id)

    assert job_of(again) == job_id
    assert again.headers["idempotency-replayed"] == "true"
    assert json.loads(status.body)["error"] == "Content policy violation detected"
    assert app.service.renders == []


async def test_a_key_with_another_request_is_refused(tmp_path: Path) -> None:
    """It would be answered with a video of something else."""
    async with troubled_app(tmp_path) as app:
        job_id = job_of(await app.post(LAKE, KEY))

        refused = await app.post(FOX, KEY)
        await app.until_ended(job_id)

    assert refused.status == 422
    assert json.loads(refused.body)["detail"][0]["loc"] == ["header", "Idempotency-Key"]
    assert [render.spec.prompt for render in app.service.renders] == [LAKE]


async def test_of_two_requests_at_once_the_one_that_fails_does_not_take_the_job_from_the_other(tmp_path: Path) -> None:
    """The durable backend refuses one of the two starts: whoever is told that there is a job, has one."""
    async with troubled_app(tmp_path) as app:
        app.losses.starts.append("refused")
        answers = await app.asked(app.post(LAKE, KEY), app.post(LAKE, KEY))
        told = {job_of(answer) for answer in answers or [] if answer.status == 200}
        job_id = job_of(await app.post(LAKE, KEY))
        ends = await app.until_ended(job_id)

    assert told <= {job_id}
    assert ends == {job_id: "completed"}
    assert len(app.service.renders) == 1


async def test_a_start_that_arrives_after_its_caller_was_told_that_there_is_no_job_renders_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller asks again with the same key, and gets a job of its own."""
    monkeypatch.setattr(job_client, "READ_AGAIN_DEADLINE_SECONDS", 0.05)
    async with troubled_app(tmp_path) as app:
        app.losses.starts.append("late")
        refused = await app.post(LAKE, KEY)
        await app.client.arrive()
        await app.settle()
        assert app.service.renders == []

        job_id = job_of(await app.post(LAKE, KEY))
        ends = await app.until_ended(job_id)
        await app.pass_time(minutes=5)

    assert refused.status == 500
    assert ends == {job_id: "completed"}
    assert len(app.service.renders) == 1
    assert list(on_record.records(app.storage)) == [job_id]
