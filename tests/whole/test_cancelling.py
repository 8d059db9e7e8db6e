"""Cancelling jobs, over the whole app on a clock that skips."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from devtools.fakes.fake_provider import ANSWER_LOST
from shared.api import jobs as jobs_route
from shared.errors import ProviderRejected, ProviderUnavailable
from shared.wiring import Limits
from tests.whole import on_record
from tests.whole.troubled_app import TroubledApp, troubled_app

CANCELLED = ("failed", "Job was cancelled")
DOWN = ProviderUnavailable("down on request")

UNTIL_IT_IS_WRITTEN = 2
"""Calls to storage for a cancellation, until it is on record."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait in real time for an end that nobody brings."""
    monkeypatch.setattr(jobs_route, "NOTICE_SECONDS", 0.05)
    monkeypatch.setattr(jobs_route, "LOOK_AGAIN_SECONDS", 0.01)


def end_of(details: dict[str, Any]) -> tuple[str, str]:
    """Return a job's status and error."""
    return details["status"], details["error"]


async def cancelled(app: TroubledApp, job_id: str) -> dict[str, Any]:
    """Cancel a job, and return the answer."""
    answer = await app.cancel(job_id)
    assert answer.status == 200, answer
    details: dict[str, Any] = json.loads(answer.body)
    return details


async def test_a_waiting_job_ends_at_once_and_the_next_goes_on(tmp_path: Path) -> None:
    """It leaves the line and asks for no render; who stood behind it gets the next place."""
    async with troubled_app(tmp_path, limits=Limits(renders=1)) as app:
        first, second, third = [await app.submit(prompt) for prompt in ("first", "second", "third")]
        await app.settle()

        ended = await cancelled(app, second)
        await app.settle()
        assert on_record.waiting(app.storage) == [third]
        ends = await app.until_ended(first, second, third)

    assert end_of(ended) == CANCELLED
    assert ended["submits"] == 0
    assert list(ends.values()) == ["completed", "failed", "completed"]
    assert [render.spec.prompt for render in app.service.renders] == ["first", "third"]


async def test_cancelling_while_rendering_stops_the_render_and_frees_its_place(tmp_path: Path) -> None:
    """Its caller is told at once, and the next in line need not wait for a render that nobody wants."""
    async with troubled_app(tmp_path, limits=Limits(renders=1)) as app:
        first, second = [await app.submit(prompt) for prompt in ("first", "second")]
        await app.settle()

        ended = await cancelled(app, first)
        await app.settle()

        assert end_of(ended) == CANCELLED
        assert app.service.renders[0].cancelled
        assert list(on_record.places(app.storage).places) == [second]
        await app.until_ended(second)
        assert end_of(await app.job(first)) == CANCELLED


async def test_a_cancellation_of_which_the_story_never_heard_is_repeated_by_the_sweep(tmp_path: Path) -> None:
    """It is on record before anybody is told, so that the lost message costs a minute and nothing else."""
    async with troubled_app(tmp_path, limits=Limits(renders=1)) as app:
        job_id = await app.submit("a calm lake")
        await app.settle()
        app.service.endless.add(app.service.renders[0].upstream_id)
        app.losses.events = 1

        told = await cancelled(app, job_id)
        assert told["status"] == "processing"
        await app.pass_time(minutes=1)

        assert end_of(await app.job(job_id)) == CANCELLED
        assert app.service.renders[0].cancelled
        await app.pass_time(minutes=1)
        assert on_record.cancellations(app.storage) == []


async def test_cancelling_again_or_too_late_changes_nothing(tmp_path: Path) -> None:
    """Whatever a job's end was, it stays that."""
    async with troubled_app(tmp_path) as app:
        wanted, unwanted = [await app.submit(prompt) for prompt in ("wanted", "unwanted")]
        await cancelled(app, unwanted)
        await app.until_ended(wanted)

        again = await cancelled(app, unwanted)
        late = await cancelled(app, wanted)
        await app.pass_time(minutes=2)

        assert end_of(again) == CANCELLED
        assert late["status"] == "completed"
        assert await app.status(wanted) == "completed"
        assert (await app.download(wanted)).status == 200
        assert on_record.cancellations(app.storage) == []


async def test_a_render_whose_answer_was_lost_keeps_its_place_until_it_is_stopped(tmp_path: Path) -> None:
    """The job has ended for its caller; what the service may be doing for it is found out first, and takes a moment."""
    async with troubled_app(tmp_path, limits=Limits(renders=1)) as app:
        app.service.script("submit", ANSWER_LOST)
        first, second = [await app.submit(prompt) for prompt in ("first", "second")]
        await app.settle()
        app.service.endless.add(app.service.renders[0].upstream_id)
        app.service.script("find", *[DOWN] * 5)

        assert end_of(await cancelled(app, first)) == CANCELLED
        for _ in range(30):
            await app.pass_time(seconds=5)
            assert len(app.service.running()) <= 1
        await app.until_ended(second)

    assert app.service.renders[0].cancelled
    assert app.service.peak_running == 1


async def test_a_job_ends_although_its_render_cannot_be_stopped(tmp_path: Path) -> None:
    """A service that knows no stopping goes on for nobody; its place is given to the next all the same."""
    async with troubled_app(tmp_path, limits=Limits(renders=1)) as app:
        first, second = [await app.submit(prompt) for prompt in ("first", "second")]
        await app.settle()
        app.service.script("cancel", ProviderRejected("upstream_failed", "not on request"))

        await cancelled(app, first)
        ends = await app.until_ended(first, second)

    assert list(ends.values()) == ["failed", "completed"]
    assert app.service.unstoppable == {app.service.renders[0].upstream_id}


async def test_a_render_that_could_not_be_looked_at_in_time_is_stopped(tmp_path: Path) -> None:
    """The job fails because the service did not answer, not because it did not work: it might go on for hours."""
    async with troubled_app(tmp_path, limits=Limits(renders=1), render_timeout_seconds=600) as app:
        first, second = [await app.submit(prompt) for prompt in ("first", "second")]
        app.service.script("look", *[DOWN] * 30)

        await app.until_ended(first)
        details = await app.job(first)
        await app.until_ended(second)

    assert details["error"] == "Azure OpenAI service is currently unavailable"
    assert app.service.renders[0].cancelled
    assert app.service.peak_running == 1


@pytest.mark.parametrize("minutes", [1, 3, 5, 11, 14])
async def test_a_render_is_stopped_before_its_place_is_free_however_long_storage_is_away(
    tmp_path: Path, minutes: int
) -> None:
    """The outage begins when the cancellation has just been written: the story gives up, and the sweep goes on."""
    async with troubled_app(tmp_path, limits=Limits(renders=1)) as app:
        first, second = [await app.submit(prompt) for prompt in ("first", "second")]
        await app.settle()
        app.service.endless.add(app.service.renders[0].upstream_id)
        app.storage.go_away(app.clock.now() + timedelta(minutes=minutes), ["fails"], after=UNTIL_IT_IS_WRITTEN)

        await app.cancel(first)
        await app.pass_time(minutes=minutes + 3)
        ends = await app.until_ended(first, second)

        assert on_record.end(app.storage, first) is not None

    assert list(ends.values()) == ["failed", "completed"]
    assert app.service.renders[0].cancelled
    assert app.service.peak_running == 1


async def test_a_process_that_dies_at_any_call_while_it_cancels_loses_nothing(tmp_path: Path) -> None:
    """Told again or not, the job ends, its render is stopped once, and nothing is left to do."""
    for call in range(1, 14):
        folder = tmp_path / str(call)
        folder.mkdir()
        async with troubled_app(folder, limits=Limits(renders=1)) as app:
            first, second = [await app.submit(prompt) for prompt in ("first", "second")]
            await app.settle()
            app.service.endless.add(app.service.renders[0].upstream_id)

            app.fuse.light(call, after_effect=call % 2 == 0)
            heard = await app.asked(app.cancel(first))
            if heard is None:
                await app.cancel(first)
            await app.pass_time(minutes=3)
            ends = await app.until_ended(first, second)

            assert list(ends.values()) == ["failed", "completed"], call
            assert end_of(await app.job(first)) == CANCELLED, call
            assert app.service.renders[0].cancelled, call
            assert on_record.cancellations(app.storage) == [], call
            assert not on_record.places(app.storage).places, call
