"""Places at the video service, over the whole app on a clock that skips."""

import json
from datetime import timedelta
from pathlib import Path

from shared.errors import ProviderThrottled
from shared.wiring import Limits
from tests.support.whole_app import START
from tests.whole import on_record, promises
from tests.whole.troubled_app import TroubledApp, troubled_app

FULL = ProviderThrottled("full on request")


def prompts(app: TroubledApp) -> list[str]:
    """Return what was rendered, in the order in which it was submitted."""
    return [render.spec.prompt for render in app.service.renders]


async def submitted(app: TroubledApp, number: int) -> list[str]:
    """Have so many jobs accepted, and return their ids; their prompts are their numbers."""
    return [await app.submit(str(each)) for each in range(number)]


async def test_no_more_renders_than_places_and_in_order_of_arrival(tmp_path: Path) -> None:
    """Thirty jobs at once against two places: all end, thirty renders, two at a time, first come first served.

    Who got a place submits on its own, so that of two neighbours the later one may be a moment faster.
    """
    places = 2
    async with troubled_app(tmp_path, limits=Limits(renders=places)) as app:
        ends = await app.until_ended(*await submitted(app, 30))

    order = [int(prompt) for prompt in prompts(app)]
    assert set(ends.values()) == {"completed"}
    assert sorted(order) == list(range(30))
    assert all(abs(number - position) < places for position, number in enumerate(order))
    assert app.service.peak_running == places
    assert app.never_went_back()


async def test_only_so_many_submits_a_minute_reach_the_service(tmp_path: Path) -> None:
    """Azure takes two: ten jobs with a place each are submitted over five minutes, and all end."""
    async with troubled_app(tmp_path, limits=Limits(renders=10, submits_per_minute=2)) as app:
        ends = await app.until_ended(*await submitted(app, 10))

        promises.submits_keep_to_the_quota(app)

    assert set(ends.values()) == {"completed"}
    assert len(app.service.submitted) == 10
    assert app.service.submitted[-1] - app.service.submitted[0] < timedelta(minutes=4, seconds=10)


async def test_who_is_throttled_goes_to_the_head_of_the_line_and_others_wait(tmp_path: Path) -> None:
    """Its place is not given away: whoever waits behind it would be throttled as well."""
    async with troubled_app(tmp_path, limits=Limits(renders=1), retry_first_seconds=30) as app:
        app.service.script("submit", FULL, FULL)
        jobs = await submitted(app, 3)
        await app.pass_time(seconds=20)

        assert on_record.waiting(app.storage) == jobs
        assert not on_record.places(app.storage).places
        assert len(app.service.submitted) == 1

        await app.until_ended(*jobs)

    assert prompts(app) == ["0", "1", "2"]
    assert len(app.service.submitted) == 5


async def test_a_pause_that_the_service_asks_for_is_kept_by_everybody(tmp_path: Path) -> None:
    """`Retry-After` of one answer holds for all jobs, also for those with a place that was free anyway."""
    async with troubled_app(tmp_path, limits=Limits(renders=3), looks_needed=1) as app:
        app.service.script("submit", ProviderThrottled("full on request", retry_after_seconds=600))
        first = await app.submit("0")
        await app.pass_time(seconds=5)
        others = [await app.submit(str(number)) for number in (1, 2)]

        await app.until_ended(first, *others)

    assert prompts(app) == ["0", "1", "2"]
    assert app.service.submitted[1] - app.service.submitted[0] >= timedelta(seconds=600)


async def test_a_service_with_fewer_places_than_it_was_said_to_have_is_used_to_its_full(tmp_path: Path) -> None:
    """It says 429 to every other one; all jobs end all the same, one after the other."""
    async with troubled_app(tmp_path, limits=Limits(renders=3)) as app:
        app.service.most_running = 1
        ends = await app.until_ended(*await submitted(app, 6))

    assert set(ends.values()) == {"completed"}
    assert app.service.peak_running == 1
    assert app.clock.now() - START < timedelta(minutes=15)


async def test_a_job_that_waits_too_long_for_a_place_ends(tmp_path: Path) -> None:
    """It says why, leaves the line, and asks for no render."""
    async with troubled_app(tmp_path, limits=Limits(renders=1), wait_timeout_seconds=1800) as app:
        await app.submit("endless")
        await app.settle()
        app.service.endless.add(app.service.renders[0].upstream_id)
        late = await app.submit("late")

        await app.pass_time(minutes=29)
        assert await app.status(late) == "queued"
        await app.pass_time(minutes=2)
        details = await app.job(late)
        in_line = on_record.waiting(app.storage)

    assert (details["status"], details["error"]) == ("failed", "The video service is at capacity")
    assert in_line == []
    assert prompts(app) == ["endless"]


async def test_a_job_ends_at_its_deadline_whatever_stage_it_is_in(tmp_path: Path) -> None:
    """Each stage has time left, and the job has none: its render is stopped, and the place goes to the next."""
    limits = Limits(renders=1)
    async with troubled_app(tmp_path, limits=limits, job_timeout_seconds=1800, render_timeout_seconds=7200) as app:
        slow = await app.submit("endless")
        await app.settle()
        app.service.endless.add(app.service.renders[0].upstream_id)
        other = await app.submit("other")

        await app.pass_time(minutes=31)
        details = await app.job(slow)
        await app.pass_time(minutes=1)
        ended = await app.status(other)

    assert details["error"] == "Video generation timed out"
    assert app.service.renders[0].cancelled
    assert ended == "failed", "it has waited for just as long"


async def test_a_waiting_job_costs_nothing(tmp_path: Path) -> None:
    """Fifty wait for an hour: nobody tells their stories, and storage is asked by the sweep alone."""
    told: list[str] = []

    def heard(trigger: str, _: str) -> None:
        told.append(json.loads(trigger)["instanceId"])

    limits = Limits(renders=1)
    async with troubled_app(tmp_path, limits=limits, on_episode=heard, render_timeout_seconds=7200) as app:
        jobs = await submitted(app, 51)
        await app.settle()
        app.service.endless.add(app.service.renders[0].upstream_id)
        await app.pass_time(minutes=10)
        told.clear()
        calls = len(app.storage.calls)

        await app.pass_time(hours=1)

    assert len(app.storage.calls) - calls <= 5 * 60
    assert set(told) == {jobs[0]}
    assert app.never_went_back()
