"""How many jobs are taken in, over the whole app on a clock that skips."""

from pathlib import Path

from shared.wiring import Limits
from tests.support.whole_app import START
from tests.whole.troubled_app import troubled_app


async def test_a_full_line_takes_in_nobody_until_one_has_left_it(tmp_path: Path) -> None:
    """429 with a moment to ask again; what was accepted before goes on."""
    async with troubled_app(tmp_path, limits=Limits(renders=1, waiting_jobs=3)) as app:
        rendering = await app.submit("rendering")
        await app.pass_time(seconds=3)
        waiting = [await app.submit(str(number)) for number in range(3)]

        refused = await app.post("one too many")
        await app.until_ended(rendering)
        await app.pass_time(seconds=3)
        let_in = await app.submit("one too many")
        ends = await app.until_ended(*waiting, let_in)

    assert refused.status == 429
    assert refused.headers["retry-after"] == "60"
    assert set(ends.values()) == {"completed"}
    assert len(app.service.renders) == 5


async def test_a_day_that_is_used_up_takes_in_nobody_until_midnight(tmp_path: Path) -> None:
    """In UTC, exact to the job, also over a restart; the answer says how long that is."""
    async with troubled_app(tmp_path, limits=Limits(jobs_a_day=3)) as app:
        jobs = [await app.submit(str(number)) for number in range(3)]
        refused = await app.post("one too many")
        await app.restart()
        still = await app.post("one too many")
        await app.until_ended(*jobs)

        midnight = START.replace(hour=23, minute=59, second=59)
        await app.leap(seconds=(midnight - app.clock.now()).total_seconds())
        late = await app.post("one too many")
        await app.leap(seconds=1)
        let_in = await app.submit("one too many")
        ends = await app.until_ended(let_in)

    assert (refused.status, refused.headers["retry-after"]) == (429, str(11 * 3600 + 59 * 60 + 30))
    assert (still.status, late.status) == (429, 429)
    assert late.headers["retry-after"] == "1"
    assert ends == {let_in: "completed"}
