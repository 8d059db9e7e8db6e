"""What is kept of a job for how long, over the whole app on a clock that skips."""

import json
from datetime import timedelta
from pathlib import Path

from shared.errors import ProviderRejected
from shared.jobs.ids import JobId, job_blob, key_blob, video_blob
from tests.whole import on_record
from tests.whole.troubled_app import TroubledApp, troubled_app

LAKE = "a lake that is mentioned nowhere else"
KEY = "order-66"
SMALL = 500
"""Bytes. A record is kept for good: ten thousand jobs a day for ten years are 18 GB of them."""


def texts(app: TroubledApp) -> str:
    """Return everything that storage holds as records."""
    return json.dumps([app.storage.record(name) for name in app.storage.names() if name.endswith(".json")])


async def test_a_completed_job_is_forgotten_bit_by_bit_and_its_end_never(tmp_path: Path) -> None:
    """History after 7 days, the download after 30, its file 6 hours later and with it all that tells of the prompt."""
    async with troubled_app(tmp_path) as app:
        job_id = await app.submit(LAKE, KEY)
        await app.until_ended(job_id)
        details = await app.job(job_id)
        await app.settle()

        await app.leap(days=6, hours=23)
        assert app.is_there(job_id)
        await app.leap(hours=2)
        assert not app.is_there(job_id)
        assert await app.status(job_id) == "completed"
        assert await app.job(job_id) == details

        await app.leap(days=22, hours=20)
        assert (await app.download(job_id)).status == 200
        await app.leap(hours=3, minutes=3)
        assert (await app.download(job_id)).status == 404
        assert await app.status(job_id) == "completed"
        assert (await app.job(job_id))["video_url"] is None
        assert video_blob(JobId(job_id)) in app.storage.names()

        await app.leap(hours=6, minutes=15)
        assert video_blob(JobId(job_id)) not in app.storage.names()
        assert await app.status(job_id) == "completed"
        assert LAKE not in texts(app)
        assert [name for name in app.storage.names() if not name.startswith(("tallies/", "capacity"))] == [
            job_blob(JobId(job_id))
        ]
        assert len(json.dumps(app.storage.record(job_blob(JobId(job_id))))) < SMALL

        again = await app.submit(LAKE, KEY)

    assert again != job_id
    assert app.never_went_back()


async def test_a_failed_job_keeps_its_key_as_long_as_its_history(tmp_path: Path) -> None:
    """It has no file; what protects from paying twice stays for a week, its end for good."""
    async with troubled_app(tmp_path) as app:
        app.service.script("submit", ProviderRejected("content_policy", "refused on request"))
        job_id = await app.submit(LAKE, KEY)
        await app.until_ended(job_id)

        await app.leap(days=6, hours=23)
        assert await app.submit(LAKE, KEY) == job_id
        await app.leap(hours=2)
        status = await app.call("status", "GET", f"/api/status/{job_id}", job_id=job_id)

    assert key_blob(KEY) not in app.storage.names()
    assert LAKE not in texts(app)
    assert json.loads(status.body)["error"] == "Content policy violation detected"


async def test_a_job_whose_history_is_purged_early_still_protects_from_paying_twice(tmp_path: Path) -> None:
    """A day of history: keys and submissions stay for two."""
    async with troubled_app(tmp_path, history_retention=timedelta(days=1)) as app:
        app.service.script("submit", ProviderRejected("content_policy", "refused on request"))
        job_id = await app.submit(LAKE, KEY)
        await app.until_ended(job_id)

        await app.leap(days=1, hours=23)
        assert not app.is_there(job_id)
        assert await app.submit(LAKE, KEY) == job_id
        await app.leap(hours=2)

        assert await app.submit(LAKE, KEY) != job_id


async def test_chores_that_fell_due_while_nobody_swept_are_all_done_at_once(tmp_path: Path) -> None:
    """An app that was off for two months."""
    async with troubled_app(tmp_path) as app:
        jobs = [await app.submit(str(number)) for number in range(3)]
        await app.until_ended(*jobs)

        await app.leap(days=60)
        words = {await app.status(job_id) for job_id in jobs}
        left = on_record.names(app.storage, "")

    assert words == {"completed"}
    assert [name for name in left if not name.startswith(("tallies/", "capacity"))] == sorted(
        job_blob(JobId(job_id)) for job_id in jobs
    )
