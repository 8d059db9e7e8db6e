import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import timedelta

import pytest

from devtools.fakes.fake_provider import FakeVideoProvider
from devtools.fakes.in_memory_store import PIECE_BYTES, InMemoryStore
from shared.api import download
from shared.errors import StorageUnavailable
from shared.jobs.ids import JobId, video_blob
from shared.jobs.models import FlowSettings
from shared.storage.base import StoredVideo
from shared.wiring import Services, use_services
from tests.support.builders import FLOW, JOB_ID
from tests.unit.api.calling import get_download
from tests.unit.api.conftest import NOW

FILE_ID = f"gen_{JOB_ID}"
BLOB = video_blob(JobId(JOB_ID))
CONTENT = bytes(range(256)) * 4
NOT_FOUND = b'{"detail":"File not found"}'
UNAVAILABLE = b'{"detail":"Service is temporarily unavailable"}'


async def put(
    store: InMemoryStore, content: bytes = CONTENT, *, verified: bool = True, expires_at: str | None = None
) -> str:
    """Store the job's video and return its etag."""

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    await store.write_video(BLOB, chunks())
    video = await store.find_video(BLOB)
    assert video is not None
    if verified:
        await store.mark_verified(BLOB, video, {} if expires_at is None else {"expires_at": expires_at})
        video = await store.find_video(BLOB)
        assert video is not None
    store.calls.clear()
    return video.etag


class HangingStore(InMemoryStore):
    """Storage that never answers."""

    async def find_video(self, name: str) -> StoredVideo | None:
        """Hang."""
        await asyncio.Event().wait()
        return await super().find_video(name)


class ReplacingStore(InMemoryStore):
    """Storage in which a file is replaced right after it has been looked at."""

    def __init__(self, inner: InMemoryStore) -> None:
        super().__init__()
        self._inner = inner

    async def find_video(self, name: str) -> StoredVideo | None:
        """Look, then replace."""
        found = await self._inner.find_video(name)
        await self._inner.delete_record(name)
        await put(self._inner, b"another")
        return found

    def stream(self, name: str, video: StoredVideo, offset: int, length: int) -> AsyncGenerator[bytes, None]:
        """Read what is there now."""
        return self._inner.stream(name, video, offset, length)


@pytest.mark.usefixtures("use_store")
async def test_file_of_a_completed_job_is_sent_whole(store: InMemoryStore) -> None:
    """The contract's headers, everything that a browser needs to play and resume, and every byte."""
    etag = await put(store)

    answer = await get_download(FILE_ID)

    assert (answer.status, answer.body) == (200, CONTENT)
    assert answer.headers == {
        "content-type": "video/mp4",
        "content-disposition": f'attachment; filename="{FILE_ID}.mp4"',
        "content-length": "1024",
        "accept-ranges": "bytes",
        "cache-control": "private, no-cache",
        "etag": etag,
        "last-modified": "Sun, 01 Mar 2026 12:30:15 GMT",
        "x-content-type-options": "nosniff",
    }
    assert etag.startswith('"')


@pytest.mark.usefixtures("use_store")
async def test_file_of_many_pieces_is_sent_whole(store: InMemoryStore) -> None:
    """Streaming puts the pieces together in order."""
    content = b"".join(bytes([number]) * PIECE_BYTES for number in range(4)) + b"end"
    await put(store, content)

    answer = await get_download(FILE_ID)

    assert answer.body == content
    assert answer.headers["content-length"] == str(len(content))


@pytest.mark.usefixtures("use_store")
async def test_head_tells_about_the_file_without_reading_it(store: InMemoryStore) -> None:
    """HEAD has the headers of GET and no body."""
    await put(store)
    whole = await get_download(FILE_ID)
    store.calls.clear()

    answer = await get_download(FILE_ID, method="HEAD")

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers == whole.headers
    assert [call.method for call in store.calls] == ["find_video"]


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize(
    ("asked", "content_range", "content"),
    [
        ("bytes=0-99", "bytes 0-99/1024", CONTENT[:100]),
        ("bytes=1000-", "bytes 1000-1023/1024", CONTENT[1000:]),
        ("bytes=-24", "bytes 1000-1023/1024", CONTENT[1000:]),
    ],
)
async def test_range_is_sent_as_a_part(store: InMemoryStore, asked: str, content_range: str, content: bytes) -> None:
    """A part says which one it is, and is as long as it says."""
    etag = await put(store)

    answer = await get_download(FILE_ID, {"Range": asked})

    assert (answer.status, answer.body) == (206, content)
    assert answer.headers["content-range"] == content_range
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["etag"] == etag


@pytest.mark.usefixtures("use_store")
async def test_broken_download_is_resumed_where_it_broke(store: InMemoryStore) -> None:
    """The rest of the same version, asked for by etag, completes what a caller has."""
    etag = await put(store)
    first = CONTENT[:700]

    rest = await get_download(FILE_ID, {"Range": "bytes=700-", "If-Range": etag})

    assert rest.status == 206
    assert first + rest.body == CONTENT


@pytest.mark.usefixtures("use_store")
async def test_resuming_another_version_starts_over(store: InMemoryStore) -> None:
    """Parts of two versions are never put together."""
    await put(store)

    answer = await get_download(FILE_ID, {"Range": "bytes=700-", "If-Range": '"older"'})

    assert (answer.status, answer.body) == (200, CONTENT)
    assert "content-range" not in answer.headers


@pytest.mark.usefixtures("use_store")
async def test_range_outside_the_file_is_refused_with_its_size(store: InMemoryStore) -> None:
    """416 says how long the file is, in the contract's error form, and reads nothing."""
    await put(store)

    answer = await get_download(FILE_ID, {"Range": "bytes=1024-"})

    assert (answer.status, answer.body) == (416, b'{"detail":"Range not satisfiable"}')
    assert answer.headers["content-range"] == "bytes */1024"
    assert answer.headers["content-type"] == "application/json"
    assert [call.method for call in store.calls] == ["find_video"]


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_unchanged_file_is_not_sent_again(store: InMemoryStore, method: str) -> None:
    """A caller that names this version gets 304 and its validators, even where it asks for a range."""
    etag = await put(store)

    answer = await get_download(FILE_ID, {"If-None-Match": etag, "Range": "bytes=5000-"}, method=method)

    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["etag"] == etag
    assert "content-type" not in answer.headers
    assert [call.method for call in store.calls] == ["find_video"]


@pytest.mark.usefixtures("use_store")
async def test_empty_file_is_sent_as_such(store: InMemoryStore) -> None:
    """No byte is a length too."""
    await put(store, b"")

    answer = await get_download(FILE_ID)

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == "0"


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_unknown_file_is_not_found(store: InMemoryStore, method: str) -> None:
    """A well-formed id without a file is looked up, once."""
    answer = await get_download(FILE_ID, method=method)

    assert answer.status == 404
    assert answer.headers["content-length"] == str(len(NOT_FOUND))
    assert answer.headers["cache-control"] == "no-store"
    assert len(store.calls) == 1


@pytest.mark.usefixtures("use_store")
async def test_file_that_is_not_verified_is_not_found(store: InMemoryStore) -> None:
    """What was stored but not yet checked, or did not pass, is nobody's file."""
    await put(store, verified=False)

    answer = await get_download(FILE_ID)

    assert (answer.status, answer.body) == (404, NOT_FOUND)


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("ago", [timedelta(0), timedelta(seconds=1), timedelta(days=400)])
async def test_file_that_has_expired_is_not_found(store: InMemoryStore, ago: timedelta, method: str) -> None:
    """From that very moment on, whether or not it has been removed yet."""
    etag = await put(store, expires_at=(NOW - ago).isoformat())

    answer = await get_download(FILE_ID, {"If-None-Match": etag}, method=method)

    assert answer.status == 404
    assert answer.headers["content-length"] == str(len(NOT_FOUND))
    assert [call.method for call in store.calls] == ["find_video"]


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize("expires_at", [(NOW + timedelta(milliseconds=1)).isoformat(), "some day", ""])
async def test_file_that_has_not_expired_is_sent(store: InMemoryStore, expires_at: str) -> None:
    """Until the last moment; one whose moment cannot be read is kept."""
    await put(store, expires_at=expires_at)

    answer = await get_download(FILE_ID)

    assert (answer.status, answer.body) == (200, CONTENT)


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize(
    "file_id",
    [
        pytest.param(JOB_ID, id="a job's id"),
        pytest.param(FILE_ID.upper(), id="upper case"),
        pytest.param(f"gen_{JOB_ID.upper()}", id="upper case behind the prefix"),
        pytest.param(f"gen_gen_{JOB_ID}", id="two prefixes"),
        pytest.param(f"{FILE_ID}.mp4", id="a file name"),
        pytest.param(f"gen_../jobs/{JOB_ID}", id="a path"),
        pytest.param(FILE_ID[:-1], id="too short"),
        pytest.param(f"{FILE_ID}\n", id="line end"),
        pytest.param("gen_", id="prefix only"),
        pytest.param("", id="empty"),
    ],
)
async def test_id_that_can_be_no_files_is_not_found_without_asking(store: InMemoryStore, file_id: str) -> None:
    """Nothing but a well-formed id reaches storage."""
    answer = await get_download(file_id)

    assert (answer.status, answer.body) == (404, NOT_FOUND)
    assert store.calls == []


@pytest.mark.usefixtures("use_store")
async def test_storage_unavailable_is_said_in_the_log(store: InMemoryStore, caplog: pytest.LogCaptureFixture) -> None:
    """The caller reads a fixed sentence, the operator the job and the reason."""
    store.fail_call(1, error=StorageUnavailable("no route to account"))

    answer = await get_download(FILE_ID)

    assert (answer.status, answer.body) == (500, UNAVAILABLE)
    assert JOB_ID in caplog.text
    assert "no route to account" in caplog.text


async def test_storage_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that says why comes before the caller's own patience ends."""
    monkeypatch.setattr(download, "OPEN_DEADLINE_SECONDS", 0.01)

    with use_services(Services(FakeVideoProvider(), HangingStore(), FlowSettings.model_validate(FLOW))):
        answer = await get_download(FILE_ID)

    assert (answer.status, answer.body) == (500, UNAVAILABLE)


async def test_missing_setting_is_named_in_the_log_and_nowhere_else(
    no_settings: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator reads which setting is missing; the caller reads the usual sentence; nobody reads a secret."""
    answer = await get_download(FILE_ID)

    assert (answer.status, answer.body) == (500, UNAVAILABLE)
    assert "OPENAI_BASE_URL" in caplog.text
    assert no_settings not in caplog.text


@pytest.mark.usefixtures("use_store")
async def test_storage_that_fails_before_the_first_byte_is_unavailable(store: InMemoryStore) -> None:
    """The properties were read, the bytes cannot be: as long as nothing has been sent, the status can say so."""
    await put(store)
    store.fail_call(2)

    answer = await get_download(FILE_ID)

    assert (answer.status, answer.body) == (500, UNAVAILABLE)
    assert "etag" not in answer.headers


@pytest.mark.usefixtures("use_store")
async def test_file_that_is_replaced_before_the_first_byte_is_unavailable(store: InMemoryStore) -> None:
    """The bytes of one version are never sent with the headers of another."""
    await put(store)

    with use_services(Services(FakeVideoProvider(), ReplacingStore(store), FlowSettings.model_validate(FLOW))):
        answer = await get_download(FILE_ID)

    assert (answer.status, answer.body) == (500, UNAVAILABLE)


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_caller_who_insists_on_another_version_is_refused(store: InMemoryStore, method: str) -> None:
    """412 in the contract's error form, and nothing is read."""
    await put(store)

    answer = await get_download(FILE_ID, {"If-Match": '"older"'}, method=method)

    assert (answer.status, answer.body) == (412, b'{"detail":"Precondition failed"}')
    assert [call.method for call in store.calls] == ["find_video"]


@pytest.mark.usefixtures("use_store")
async def test_browser_that_sends_the_date_only_need_not_load_again(store: InMemoryStore) -> None:
    """The date that a download told makes a 304."""
    await put(store)
    told = (await get_download(FILE_ID)).headers["last-modified"]

    answer = await get_download(FILE_ID, {"If-Modified-Since": told})

    assert (answer.status, answer.body) == (304, b"")
