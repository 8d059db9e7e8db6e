"""`/api/health` and `/api/ready`: who asks, what is asked for them, how often, and what they learn."""

import asyncio
import json
import logging
from collections.abc import Iterator

import pytest

from devtools.fakes.in_memory_store import InMemoryStore
from shared import wiring
from shared.api import readiness
from shared.api.readiness import NOBODY, NOT_READY_SECONDS, READY_SECONDS, Checks, Readiness
from shared.errors import StorageUnavailable
from shared.jobs.ids import new_job_id, parse_job_id
from tests.support.durable_client import BACKEND_ERROR, FakeDurableClient
from tests.unit.api.calling import Answer, get_health, get_ready

GOOD: Checks = {"settings": "ok", "storage": "ok", "backend": "ok"}
BAD: Checks = {"settings": "ok", "storage": "failing", "backend": "ok"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits two seconds for what hangs."""
    monkeypatch.setattr(readiness, "LOOK_SECONDS", 0.05)


def body(answer: Answer) -> object:
    return json.loads(answer.body)


@pytest.mark.usefixtures("no_settings")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_process_is_alive_whatever_its_settings(method: str) -> None:
    """200, not to be kept, and no service was made for it."""
    answer = await get_health(method=method)

    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    assert body(answer) == {"status": "alive"}
    assert wiring._current == []


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_app_is_ready_where_storage_and_backend_answer(store: InMemoryStore, method: str) -> None:
    """One cheap question to each."""
    client = FakeDurableClient()

    answer = await get_ready(client, method=method)

    assert (answer.status, body(answer)) == (200, {"status": "ready"})
    assert answer.headers["cache-control"] == "no-store"
    assert len(store.calls) == 1
    assert client.reads == [NOBODY]


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize(
    "error",
    [StorageUnavailable("https://account.blob.core.windows.net"), RuntimeError("/home/site/wwwroot")],
    ids=lambda error: type(error).__name__,
)
async def test_storage_that_fails_is_named_and_nothing_else_about_it(
    store: InMemoryStore, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever was raised; the log has what an operator needs."""
    store.fail_call(error=error)

    answer = await get_ready(FakeDurableClient())

    assert answer.status == 503
    assert answer.body == (b'{"status":"not ready","checks":{"settings":"ok","storage":"failing","backend":"ok"}}')
    [line] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "storage" in line.getMessage()


@pytest.mark.usefixtures("use_store")
async def test_backend_that_answers_with_an_error_is_named() -> None:
    """Only "no such instance" is an answer."""
    client = FakeDurableClient()
    client.read_answer = BACKEND_ERROR

    answer = await get_ready(client)

    assert answer.status == 503
    assert body(answer) == {"status": "not ready", "checks": {**GOOD, "backend": "failing"}}


@pytest.mark.usefixtures("use_store")
async def test_backend_that_hangs_is_not_waited_for() -> None:
    """The caller gets an answer before its own patience ends."""
    client = FakeDurableClient()
    client.read_hangs = True

    answer = await asyncio.wait_for(get_ready(client), timeout=5)

    assert body(answer) == {"status": "not ready", "checks": {**GOOD, "backend": "failing"}}


async def test_app_without_settings_is_not_ready_and_does_not_say_why(
    no_settings: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The name of what is missing is for the log; nothing is asked, and no secret is told."""
    client = FakeDurableClient()

    answer = await get_ready(client)

    assert answer.status == 503
    assert body(answer) == {
        "status": "not ready",
        "checks": {"settings": "failing", "storage": "unknown", "backend": "unknown"},
    }
    assert client.calls == 0
    assert "OPENAI_BASE_URL" in caplog.text
    assert no_settings not in caplog.text


@pytest.mark.usefixtures("use_store")
async def test_all_who_ask_at_once_share_one_look(store: InMemoryStore) -> None:
    """A crowd costs no more than one."""
    client = FakeDurableClient()

    answers = await asyncio.gather(*(get_ready(client) for _ in range(50)))

    assert {answer.status for answer in answers} == {200}
    assert len(store.calls) == 1
    assert len(client.reads) == 1


class Looks:
    """Looks that find what they are told to; the hands of a clock beside them."""

    def __init__(self, *findings: Checks) -> None:
        self.findings: Iterator[Checks] = iter(findings)
        self.now = 100.0
        self.count = 0

    def time(self) -> float:
        return self.now

    async def look(self) -> Checks:
        self.count += 1
        await asyncio.sleep(0)
        return next(self.findings)


@pytest.mark.parametrize(("found", "seconds"), [(GOOD, READY_SECONDS), (BAD, NOT_READY_SECONDS)])
async def test_answer_holds_for_a_while(found: Checks, seconds: float) -> None:
    """A good one longer than a bad one."""
    looks = Looks(found, GOOD)
    ready = Readiness(looks.time)
    await ready.checks(looks.look)

    looks.now += seconds - 0.001
    assert await ready.checks(looks.look) == found
    assert looks.count == 1

    looks.now += 0.001
    assert await ready.checks(looks.look) == GOOD
    assert looks.count == 2


async def test_caller_who_leaves_does_not_take_the_answer_from_others() -> None:
    """Who was waiting for the same look makes one of its own."""
    looks = Looks(GOOD)
    ready = Readiness(looks.time)
    gone_looking = asyncio.Event()

    async def never() -> Checks:
        gone_looking.set()
        await asyncio.Event().wait()
        raise AssertionError

    leaver = asyncio.create_task(ready.checks(never))
    await gone_looking.wait()
    other = asyncio.create_task(ready.checks(looks.look))

    leaver.cancel()

    assert await asyncio.wait_for(other, timeout=5) == GOOD


def test_nobody_is_an_id_that_no_job_gets() -> None:
    """It can be asked for like any other, and is earlier than all of them."""
    assert parse_job_id(NOBODY) == NOBODY
    assert new_job_id() > NOBODY
