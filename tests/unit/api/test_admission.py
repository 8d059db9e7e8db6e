"""`POST /api/generate` where too many jobs wait, or too many were accepted today: 429, and nothing is started."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from devtools.fakes.in_memory_store import InMemoryStore
from shared.jobs.ids import JobId, new_job_id, tally_blob, waiting_blob
from shared.ledger.waiting import WaitingJobs
from shared.wiring import Limits, Services, use_services
from tests.support.durable_client import FakeDurableClient
from tests.unit.api.calling import Answer, post_generate
from tests.unit.api.conftest import services_over

BODY = b'{"prompt":"a calm lake","duration":5,"width":1280,"height":720}'
TOO_MANY = b'{"detail":"Too many jobs are waiting"}'
NOON = datetime(2026, 3, 1, 12, 0, 0, 400_000, tzinfo=UTC)


class Day:
    """An app that takes so many jobs, on a clock that is set; its line is looked at afresh for every request."""

    def __init__(self, store: InMemoryStore, limits: Limits) -> None:
        self.store = store
        self.now = NOON
        self.client = FakeDurableClient()
        self.services: Services = services_over(store, limits=limits, now=lambda: self.now)
        self._seconds = 0.0
        self.services.kept["waiting"] = WaitingJobs(store, limits.waiting_jobs, time=self._time)

    def _time(self) -> float:
        self._seconds += 60
        return self._seconds

    async def post(self, body: bytes = BODY, *, key: str | None = None) -> Answer:
        """Ask for one more video."""
        with use_services(self.services):
            return await post_generate(self.client, body, key=key)

    async def someone_waits(self) -> JobId:
        """Let another process put a job into the line."""
        job_id = new_job_id()
        await self.store.create_record(waiting_blob(job_id), {"job_id": job_id})
        return job_id


def is_refused(answer: Answer, seconds: int) -> bool:
    assert (answer.status, answer.body) == (429, TOO_MANY)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    return answer.headers["retry-after"] == str(seconds)


async def test_full_line_takes_no_further_job(store: InMemoryStore) -> None:
    """The last place is given away, the next job is refused, and it leaves no trace and uses up no number."""
    day = Day(store, Limits(waiting_jobs=2))
    await day.someone_waits()
    assert (await day.post()).status == 200
    names, started = store.names(), len(day.client.started)

    answer = await day.post()

    assert is_refused(answer, 60)
    assert store.names() == names
    assert len(day.client.started) == started


async def test_line_that_has_moved_on_takes_the_next_job(store: InMemoryStore) -> None:
    """Whoever was refused may come again, and need not wait for anything but a place in line."""
    day = Day(store, Limits(waiting_jobs=1))
    first = await day.someone_waits()
    assert is_refused(await day.post(), 60)

    await store.delete_record(waiting_blob(first))

    assert (await day.post()).status == 200


async def test_jobs_that_this_process_let_in_count_before_the_line_is_looked_at_again(store: InMemoryStore) -> None:
    """A burst within the moment that one look serves must not overfill the line."""
    day = Day(store, Limits(waiting_jobs=3))
    day.services.kept["waiting"] = WaitingJobs(store, 3, time=lambda: 0.0)

    answers = [await day.post() for _ in range(5)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]


@pytest.mark.parametrize(
    ("now", "seconds"),
    [
        pytest.param(NOON, 43_200, id="at noon"),
        pytest.param(datetime(2026, 3, 1, tzinfo=UTC), 86_400, id="at midnight"),
        pytest.param(datetime(2026, 3, 1, 23, 59, 59, 900_000, tzinfo=UTC), 1, id="a moment before it"),
    ],
)
async def test_day_that_is_used_up_takes_no_further_job(store: InMemoryStore, now: datetime, seconds: int) -> None:
    """Its caller reads when the next one begins, in Greenwich; nothing is started."""
    day = Day(store, Limits(jobs_a_day=2))
    day.now = now
    accepted = [await day.post() for _ in range(2)]

    answer = await day.post()

    assert [each.status for each in accepted] == [200, 200]
    assert is_refused(answer, seconds)
    assert len(day.client.started) == 2


async def test_next_day_takes_jobs_again(store: InMemoryStore) -> None:
    """Each day has a number of its own."""
    day = Day(store, Limits(jobs_a_day=1))
    await day.post()
    assert (await day.post()).status == 429

    day.now += timedelta(hours=12)

    assert (await day.post()).status == 200
    assert (await day.post()).status == 429
    assert {tally_blob(NOON), tally_blob(day.now)} <= set(store.names())


async def test_day_is_shared_by_all_processes(store: InMemoryStore) -> None:
    """Two that know nothing of each other do not accept more than one would."""
    limits = Limits(jobs_a_day=3)
    here, there = Day(store, limits), Day(store, limits)

    answers = [await each.post() for each in (here, there, here, there, here)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]


async def test_callers_who_keep_asking_on_a_used_up_day_cost_no_write(store: InMemoryStore) -> None:
    """A tally has an end, and a flood of requests must not reach it."""
    day = Day(store, Limits(jobs_a_day=1))
    await day.post()
    await day.post()
    store.calls.clear()

    await day.post()

    assert "count_up" not in [call.method for call in store.calls]


async def test_refused_job_leaves_its_key_free(store: InMemoryStore) -> None:
    """A caller that waits as it was told, and repeats its request, gets a new job."""
    day = Day(store, Limits(waiting_jobs=1))
    first = await day.someone_waits()
    assert is_refused(await day.post(key="k"), 60)
    await store.delete_record(waiting_blob(first))

    answer = await day.post(key="k")

    assert answer.status == 200
    assert "idempotency-replayed" not in answer.headers


@pytest.mark.parametrize("limits", [Limits(waiting_jobs=1), Limits(jobs_a_day=1)], ids=["the line", "the day"])
async def test_job_that_was_accepted_is_answered_by_its_key_all_the_same(store: InMemoryStore, limits: Limits) -> None:
    """A repeated request is no further job, however full everything is, and does not count as one."""
    day = Day(store, limits)
    first = await day.post(key="k")
    assert (await day.post()).status == 429

    again = await day.post(key="k")

    assert (again.status, again.body) == (200, first.body)
    assert again.headers["idempotency-replayed"] == "true"


async def test_refusal_is_told_in_the_log_with_its_reason(
    store: InMemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    """An operator sees which limit it was; callers need not know."""
    line, busy = Day(store, Limits(waiting_jobs=0)), Day(store, Limits(jobs_a_day=0))

    await line.post()
    await busy.post()

    assert "job not accepted: 0 jobs are waiting" in caplog.text
    assert "job not accepted: 0 jobs were accepted today" in caplog.text
    assert "a calm lake" not in caplog.text


async def test_invalid_request_counts_for_nothing(store: InMemoryStore) -> None:
    """What is refused for its own sake is refused first: it was never a job."""
    day = Day(store, Limits(jobs_a_day=1, waiting_jobs=1))

    answers = [await day.post(b'{"prompt":""}') for _ in range(3)]

    assert [answer.status for answer in answers] == [400, 400, 400]
    assert store.calls == []
    assert json.loads((await day.post()).body)["status"] == "queued"


async def test_limits_are_those_of_the_settings(store: InMemoryStore) -> None:
    """The same app with another limit answers otherwise."""
    day = Day(store, Limits(jobs_a_day=1))
    await day.post()
    day.services = replace(day.services, limits=Limits(jobs_a_day=2), kept={})

    assert (await day.post()).status == 200
