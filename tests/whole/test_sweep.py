"""What the sweep makes up for, over the whole app on a clock that skips."""

import json
from pathlib import Path

from shared.wiring import Limits
from tests.whole import on_record
from tests.whole.troubled_app import TroubledApp, troubled_app

ONE_PLACE = Limits(renders=1)


async def rendering_and_waiting(app: TroubledApp) -> tuple[str, str]:
    """Return a job whose render never finishes, and one that waits for its place."""
    first, second = await app.submit("first"), await app.submit("second")
    await app.settle()
    app.service.endless.add(app.service.renders[0].upstream_id)
    return first, second


async def test_a_job_that_never_heard_of_its_place_is_told_within_about_a_minute(tmp_path: Path) -> None:
    """The message was lost: the place is its own all the same, and nobody else's."""
    async with troubled_app(tmp_path, limits=ONE_PLACE) as app:
        first, second = [await app.submit(prompt) for prompt in ("first", "second")]
        await app.settle()
        app.losses.events = 1
        while await app.status(first) != "completed":
            await app.pass_time(seconds=1)
        assert list(on_record.places(app.storage).places) == [second]
        assert len(app.service.renders) == 1

        await app.pass_time(seconds=95)

        assert len(app.service.renders) == 2
        ends = await app.until_ended(second)

    assert ends == {second: "completed"}


async def test_the_place_of_a_job_that_an_operator_ended_is_free_within_about_a_minute(tmp_path: Path) -> None:
    """Its render is stopped first, its end is on record, and the next in line goes on."""
    async with troubled_app(tmp_path, limits=ONE_PLACE) as app:
        first, second = await rendering_and_waiting(app)
        await app.pass_time(minutes=5)

        await app.client.terminate(first, "an operator's wish")
        await app.settle()
        assert await app.status(first) == "failed"
        await app.pass_time(seconds=95)

        end = on_record.end(app.storage, first)
        assert end is not None
        assert (end.status, end.code) == ("failed", "cancelled")
        assert app.service.renders[0].cancelled
        assert len(app.service.renders) == 2
        await app.until_ended(second)

    assert app.service.peak_running == 1
    assert app.never_went_back()


async def test_a_waiting_job_that_an_operator_ended_keeps_nobody_waiting(tmp_path: Path) -> None:
    """Its place in line is passed over when its turn comes."""
    async with troubled_app(tmp_path, limits=ONE_PLACE) as app:
        first, second, third = [await app.submit(prompt) for prompt in ("first", "second", "third")]
        await app.settle()

        await app.client.terminate(second, "an operator's wish")
        ends = await app.until_ended(first, second, third)

    assert list(ends.values()) == ["completed", "failed", "completed"]
    assert [render.spec.prompt for render in app.service.renders] == ["first", "third"]
    assert on_record.waiting(app.storage) == []


async def test_a_story_that_reacts_to_nothing_is_ended_an_hour_after_its_deadline(tmp_path: Path) -> None:
    """Suspended and forgotten, with a render that never finishes: the job fails, and its place goes to the next."""
    async with troubled_app(tmp_path, limits=ONE_PLACE, job_timeout_seconds=7200, wait_timeout_seconds=86_400) as app:
        stuck, _ = await rendering_and_waiting(app)
        app.suspend(stuck)

        await app.pass_time(hours=2, minutes=59)
        assert await app.status(stuck) == "processing"
        await app.pass_time(minutes=3)
        status = await app.call("status", "GET", f"/api/status/{stuck}", job_id=stuck)
        end = on_record.end(app.storage, stuck)

    assert json.loads(status.body)["error"] == "Internal error"
    assert end is not None
    assert (end.status, end.code) == ("failed", "internal")
    assert app.service.renders[0].cancelled
    assert stuck not in on_record.places(app.storage).places
    assert app.never_went_back()


async def test_a_job_that_could_not_be_closed_is_closed_when_storage_is_back(tmp_path: Path) -> None:
    """Its caller has read its end all the while; its place is free within a minute of the storage's return."""
    async with troubled_app(tmp_path, limits=ONE_PLACE) as app:
        first, second = await rendering_and_waiting(app)
        await app.client.terminate(first, "an operator's wish")
        app.storage.go_away(app.clock.now().replace(hour=13), ["fails"])

        await app.pass_time(minutes=59)
        assert await app.status(first) == "failed"
        assert len(app.service.renders) == 1
        await app.pass_time(minutes=3)

        assert on_record.end(app.storage, first) is not None
        ends = await app.until_ended(second)

    assert ends == {second: "completed"}
    assert app.service.peak_running == 1


async def test_the_sweep_may_die_at_any_of_its_calls(tmp_path: Path) -> None:
    """The next one does what is left."""
    for call in range(1, 20):
        folder = tmp_path / str(call)
        folder.mkdir()
        async with troubled_app(folder, limits=ONE_PLACE) as app:
            first, second = await rendering_and_waiting(app)
            await app.client.terminate(first, "an operator's wish")
            await app.host.advance(app.clock.now().replace(minute=5, second=0) - app.clock.now())

            app.fuse.light(call, after_effect=call % 2 == 0)
            await app.sweep()
            ends = await app.until_ended(second)
            await app.pass_time(minutes=1)

            assert ends == {second: "completed"}, call
            assert on_record.end(app.storage, first) is not None, call
            assert app.service.renders[0].cancelled, call
            assert not on_record.places(app.storage).places, call
            assert app.service.peak_running == 1, call
