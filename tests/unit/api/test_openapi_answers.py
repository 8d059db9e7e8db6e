"""Every answer in the OpenAPI document, got from the functions: status, headers, media type and body."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import pytest

from devtools.fakes.in_memory_store import InMemoryStore
from shared import wiring
from shared.api import generate, jobs
from shared.api.openapi_examples import FILE_ID, REQUESTS
from shared.api.openapi_known_jobs import JOB_ID, JOBS, KnownJob
from shared.api.refusals import REFUSALS
from shared.errors import StorageUnavailable
from shared.jobs.ids import JobId, job_blob, video_blob, waiting_blob
from shared.storage.base import StoredVideo
from shared.wiring import Limits, use_services
from tests.support.durable_client import BACKEND_ERROR, FakeDurableClient, instance
from tests.unit.api.calling import (
    Answer,
    StalledUpload,
    delete_job,
    get_download,
    get_health,
    get_job,
    get_ready,
    get_status,
    post_generate,
)
from tests.unit.api.conftest import services_over
from tests.unit.api.openapi_reading import operation, operations, validator

Asked = Callable[[InMemoryStore], Awaitable[Answer]]
About = Callable[[FakeDurableClient, str], Awaitable[Answer]]

BODY: Final = json.dumps(REQUESTS["quick"][1]).encode()

SIZE: Final = 2048
BY_PLATFORM: Final = "401"
UNSAID: Final = {"content-length", "content-type"}
"""Headers that the document's own form says (the media type), or that are nobody's business (a JSON body's length)."""


async def accepted(_: InMemoryStore) -> Answer:
    return await post_generate(FakeDurableClient(), BODY)


async def replayed(_: InMemoryStore) -> Answer:
    client = FakeDurableClient()
    await post_generate(client, BODY, key="a-key")
    return await post_generate(client, BODY, key="a-key")


async def key_reused(_: InMemoryStore) -> Answer:
    client = FakeDurableClient()
    await post_generate(client, BODY, key="a-key")
    return await post_generate(client, b'{"prompt":"Another"}', key="a-key")


def too_many(limits: Limits) -> Asked:
    async def ask(store: InMemoryStore) -> Answer:
        with use_services(services_over(store, limits=limits)):
            return await post_generate(FakeDurableClient(), BODY)

    return ask


async def too_slow(_: InMemoryStore) -> Answer:
    return await post_generate(FakeDurableClient(), StalledUpload([b"{"]))


def refused(name: str) -> Asked:
    async def ask(_: InMemoryStore) -> Answer:
        row = REFUSALS[name]
        return await post_generate(FakeDurableClient(), row.body, row.content_type, key=row.key)

    return ask


async def not_accepted(store: InMemoryStore) -> Answer:
    store.fail_call(1, error=StorageUnavailable("down"))
    return await accepted(store)


def status(runtime: str, shown: object = None, output: object = None) -> Asked:
    async def ask(_: InMemoryStore) -> Answer:
        return await get_status(FakeDurableClient({JOB_ID: instance(runtime, shown, output)}), JOB_ID)

    return ask


def unknown_job(about: About) -> Asked:
    async def ask(_: InMemoryStore) -> Answer:
        return await about(FakeDurableClient(), JOB_ID)

    return ask


def unreadable_job(about: About) -> Asked:
    async def ask(_: InMemoryStore) -> Answer:
        client = FakeDurableClient()
        client.read_answer = BACKEND_ERROR
        return await about(client, JOB_ID)

    return ask


def known(name: str, about: About = get_job) -> Asked:
    """Ask about a job of the document's examples, which shows itself as it says there."""

    async def ask(store: InMemoryStore) -> Answer:
        return await about(FakeDurableClient({JOB_ID: await shown(JOBS[name], store)}), JOB_ID)

    return ask


def cancelled(name: str) -> Asked:
    """Cancel a job that shows itself, after that, as an example does."""

    async def ask(store: InMemoryStore) -> Answer:
        client = FakeDurableClient({JOB_ID: instance("Running", {"status": "processing", "stage": "render"})})
        after = await shown(JOBS[name], store)
        client.on_event = lambda job_id, _: client.instances.update({job_id: after})
        return await delete_job(client, JOB_ID)

    return ask


async def shown(job: KnownJob, store: InMemoryStore) -> dict[str, object]:
    """Put a job on record and into its place in line, and return its instance."""
    await store.create_record(job_blob(JOB_ID), job.record.model_dump(mode="json"))
    before = [JobId(f"01jyg74z6ee6e9y23ceq2fmw{number:02d}") for number in range(job.position or 0)]
    for job_id in [*before[1:], JOB_ID] if job.position else []:
        await store.create_record(waiting_blob(job_id), {"job_id": job_id})
    sight = job.sight
    parts = {
        "status": sight.view.status,
        "code": sight.view.code,
        "stage": sight.stage,
        "progress": sight.progress,
        "submits": sight.submits,
        "times": dict(sight.times),
        "expires_at": sight.expires_at,
    }
    return instance("Completed", None, parts) if sight.told else instance("Running", parts)


def file(method: str, **headers: str) -> Asked:
    async def ask(store: InMemoryStore) -> Answer:
        etag = await put(store)
        sent = {name.replace("_", "-"): value.format(etag=etag) for name, value in headers.items()}
        return await get_download(FILE_ID, sent, method=method)

    return ask


async def put(store: InMemoryStore) -> str:
    """Store the job's verified video and return its tag."""

    async def chunks() -> AsyncIterator[bytes]:
        yield bytes(SIZE)

    blob = video_blob(JOB_ID)
    await store.write_video(blob, chunks())
    await store.mark_verified(blob, await found(store, blob), {})
    return (await found(store, blob)).etag


async def found(store: InMemoryStore, blob: str) -> StoredVideo:
    video = await store.find_video(blob)
    assert video is not None
    return video


def unknown_file(method: str) -> Asked:
    async def ask(_: InMemoryStore) -> Answer:
        return await get_download(FILE_ID, method=method)

    return ask


def unreadable_file(method: str) -> Asked:
    async def ask(store: InMemoryStore) -> Answer:
        store.fail_call(1, error=StorageUnavailable("down"))
        return await get_download(FILE_ID, method=method)

    return ask


async def alive(_: InMemoryStore) -> Answer:
    return await get_health()


async def ready(_: InMemoryStore) -> Answer:
    return await get_ready(FakeDurableClient())


async def not_configured(_: InMemoryStore) -> Answer:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "_current", [])
        for name in ("AzureWebJobsStorage", "AzureWebJobsStorage__accountName", "AzureWebJobsStorage__blobServiceUri"):
            patch.delenv(name, raising=False)
        return await get_ready(FakeDurableClient())


async def without_storage(store: InMemoryStore) -> Answer:
    store.fail_call()
    return await get_ready(FakeDurableClient())


async def without_backend(_: InMemoryStore) -> Answer:
    client = FakeDurableClient()
    client.read_answer = BACKEND_ERROR
    return await get_ready(client)


ANSWERS: Final[dict[tuple[str, str], dict[str, Asked]]] = {
    ("generateVideo", "200"): {"queued": accepted, "replayed": replayed},
    ("generateVideo", "408"): {"error": too_slow},
    **{
        ("generateVideo", str(status)): {
            **{name: refused(name) for name, row in REFUSALS.items() if row.status == status},
            **({"key-reused": key_reused} if status == 422 else {}),
        }
        for status in sorted({row.status for row in REFUSALS.values()})
    },
    ("generateVideo", "429"): {
        "line-full": too_many(Limits(waiting_jobs=0)),
        "day-full": too_many(Limits(jobs_a_day=0)),
    },
    ("generateVideo", "500"): {"error": not_accepted},
    ("getStatus", "200"): {
        "queued": status("Pending"),
        "processing": status("Running", {"status": "processing"}),
        "completed": status("Completed", None, {"status": "completed"}),
        "failed": status("Completed", None, {"status": "failed", "code": "content_policy"}),
    },
    ("getJob", "200"): {name: known(name) for name in ("waiting", "rendering", "completed", "expired", "failed")},
    ("cancelJob", "200"): {
        "cancelled": cancelled("cancelled"),
        "ending": cancelled("ending"),
        "completed": known("completed", delete_job),
    },
    **{
        (name, answer): {"error": asked(about)}
        for name, about in (("getStatus", get_status), ("getJob", get_job), ("cancelJob", delete_job))
        for answer, asked in {"404": unknown_job, "500": unreadable_job}.items()
    },
    **{
        (name, answer): {"error": asked}
        for name, method in (("downloadVideo", "GET"), ("inspectVideo", "HEAD"))
        for answer, asked in {
            "200": file(method),
            "304": file(method, If_None_Match="{etag}"),
            "404": unknown_file(method),
            "412": file(method, If_Match='"another"'),
            "500": unreadable_file(method),
        }.items()
    },
    ("getHealth", "200"): {"alive": alive},
    ("getReadiness", "200"): {"ready": ready},
    ("getReadiness", "503"): {"settings": not_configured, "storage": without_storage, "backend": without_backend},
    ("downloadVideo", "206"): {"video": file("GET", Range="bytes=0-1023")},
    ("downloadVideo", "416"): {"error": file("GET", Range="bytes=2048-")},
}
"""How to get each answer of the document, and each of its examples by name."""

CASES: Final = [
    pytest.param(key, name, asked, id=f"{' '.join(key)} {name}")
    for key, answers in ANSWERS.items()
    for name, asked in answers.items()
]


def test_every_answer_of_the_document_is_asked_for() -> None:
    """No status and no example is described that nobody has seen; the platform's 401 is not ours to give."""
    told = {
        (each["operationId"], status): set(example_names(answer))
        for _, _, each in operations()
        for status, answer in each["responses"].items()
        if status != BY_PLATFORM
    }

    assert told.keys() == ANSWERS.keys()
    assert {key: names for key, names in told.items() if not names <= ANSWERS[key].keys()} == {}


def example_names(answer: dict[str, Any]) -> list[str]:
    return [name for content in answer.get("content", {}).values() for name in content.get("examples", {})]


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize(("key", "name", "asked"), CASES)
async def test_answer_is_as_the_document_says(
    key: tuple[str, str], name: str, asked: Asked, store: InMemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its status, every one of its headers and no other, its media type, and the example to the letter."""
    monkeypatch.setattr(generate, "new_job_id", lambda: JOB_ID)
    monkeypatch.setattr(jobs, "NOTICE_SECONDS", 0.01)
    if asked is too_slow:
        monkeypatch.setattr(generate, "BODY_DEADLINE_SECONDS", 0.01)
    told = operation(key[0])["responses"][key[1]]

    answer = await asked(store)

    assert str(answer.status) == key[1]
    names = {each.lower(): header for each, header in told["headers"].items()}
    assert answer.headers.keys() - UNSAID <= names.keys()
    assert {each for each, header in names.items() if header["required"]} <= answer.headers.keys()
    for each, header in names.items():
        if each in answer.headers:
            value = int(answer.headers[each]) if header["schema"].get("type") == "integer" else answer.headers[each]
            validator(header["schema"]).validate(value)
    if "content" in told:
        [(media_type, content)] = told["content"].items()
        assert answer.headers["content-type"] == media_type
        if media_type == "application/json":
            body = json.loads(answer.body)
            validator(content["schema"]).validate(body)
            assert body == content["examples"][name]["value"]


@pytest.mark.usefixtures("use_store")
async def test_headers_of_a_download_are_written_as_in_the_document(store: InMemoryStore) -> None:
    """What is the same for every file is the example; what is the file's own has its form."""
    told = operation("downloadVideo")["responses"]["200"]["headers"]
    own = {"etag", "last-modified", "content-length"}

    answer = await file("GET")(store)

    assert {name: header["example"] for name, header in told.items() if name.lower() not in own} == {
        name: answer.headers[name.lower()] for name in told if name.lower() not in own
    }
    assert all(answer.headers[name].startswith('"') == (name == "etag") for name in own)
    assert told["ETag"]["example"].startswith('"')
