"""What every `BlobStore` promises of versions, lists, tallies and expiry; held as in `test_blob_store.py`."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from shared.errors import StorageUnavailable
from shared.storage.base import BlobStore, StoredVideo, Versioned

VIDEO = "videos/01jyg74z6ee6e9y23ceq2fmwc4.mp4"
RECORD = "jobs/01jyg74z6ee6e9y23ceq2fmwc4.json"
TALLY = "tallies/2026-03-01"


async def versioned(store: BlobStore, record: dict[str, object]) -> Versioned:
    """Write a record and return it with its version."""
    await store.replace_record(RECORD, record)
    found = await store.read_versioned(RECORD)
    assert found is not None
    return found


async def created(store: BlobStore, *names: str) -> None:
    """Create a record of each name."""
    for name in names:
        assert await store.create_record(name, {})


async def stored(store: BlobStore) -> StoredVideo:
    """Store a video and return its properties."""

    async def content() -> AsyncIterator[bytes]:
        yield b"0123456789"

    await store.write_video(VIDEO, content())
    video = await store.find_video(VIDEO)
    assert video is not None
    return video


async def test_a_record_is_read_with_the_version_that_it_has(store: BlobStore) -> None:
    """The version stays as long as nobody writes, and is another one after every write, of equal content too."""
    first = await versioned(store, {"count": 1})
    again = await store.read_versioned(RECORD)
    second = await versioned(store, {"count": 1})

    assert again == first
    assert first.record == second.record == {"count": 1}
    assert first.etag != second.etag


async def test_a_record_that_does_not_exist_has_no_version(store: BlobStore) -> None:
    """Where nothing has ever been written, and where something else has."""
    before = await store.read_versioned(RECORD)
    await store.create_record("another", {})

    assert before is None
    assert await store.read_versioned(RECORD) is None


async def test_a_version_is_replaced_while_it_is_the_latest(store: BlobStore) -> None:
    """Writers who read first and lose no race go on from version to version."""
    first = await versioned(store, {"count": 1})

    assert await store.replace_version(RECORD, {"count": 2}, first.etag) is True

    second = await store.read_versioned(RECORD)
    assert second is not None
    assert second.record == {"count": 2}
    assert await store.replace_version(RECORD, {"count": 3}, second.etag) is True
    assert await store.read_record(RECORD) == {"count": 3}


async def test_a_version_that_is_no_longer_the_latest_is_not_replaced(store: BlobStore) -> None:
    """What somebody else has written meanwhile is not lost."""
    first = await versioned(store, {"count": 1})
    second = await versioned(store, {"count": 2})

    assert await store.replace_version(RECORD, {"count": 3}, first.etag) is False
    assert await store.read_versioned(RECORD) == second


async def test_a_version_that_was_deleted_is_not_replaced(store: BlobStore) -> None:
    """A record that somebody has removed does not come back."""
    first = await versioned(store, {"count": 1})
    await store.delete_record(RECORD)

    assert await store.replace_version(RECORD, {"count": 2}, first.etag) is False
    assert await store.read_record(RECORD) is None


async def test_without_a_version_a_record_is_written_only_where_there_is_none(store: BlobStore) -> None:
    """None stands for nothing yet, on storage where nothing has ever been written too."""
    assert await store.replace_version(RECORD, {"count": 1}, None) is True
    assert await store.replace_version(RECORD, {"count": 2}, None) is False
    assert await store.read_record(RECORD) == {"count": 1}


@pytest.mark.parametrize("wrote", ["over a version", "where there was none"])
async def test_a_write_that_is_repeated_has_succeeded(store: BlobStore, wrote: str) -> None:
    """The answer to the first try may have been lost; the repetition writes nothing, whatever the order of the keys."""
    etag = (await versioned(store, {"count": 1})).etag if wrote == "over a version" else None
    await store.replace_version(RECORD, {"a": 1, "b": [2, None]}, etag)
    written = await store.read_versioned(RECORD)

    assert await store.replace_version(RECORD, {"b": [2, None], "a": 1}, etag) is True
    assert await store.read_versioned(RECORD) == written


@pytest.mark.parametrize("wrote", ["over a version", "where there was none"])
async def test_of_many_writers_over_one_version_exactly_one_succeeds(store: BlobStore, wrote: str) -> None:
    """Nobody's update is lost: who did not succeed is told so."""
    etag = (await versioned(store, {"writer": None})).etag if wrote == "over a version" else None

    won = await asyncio.gather(*(store.replace_version(RECORD, {"writer": number}, etag) for number in range(8)))

    assert sorted(won) == [False] * 7 + [True]
    assert await store.read_record(RECORD) == {"writer": won.index(True)}


async def test_updates_of_many_writers_who_try_again_are_all_kept(store: BlobStore) -> None:
    """Reading, changing and writing a version, again where it has changed, is adding without losing."""
    await versioned(store, {})

    async def add(key: str) -> None:
        while True:
            found = await store.read_versioned(RECORD)
            assert found is not None
            if await store.replace_version(RECORD, {**found.record, key: True}, found.etag):
                return

    await asyncio.gather(*(add(str(number)) for number in range(6)))

    assert await store.read_record(RECORD) == {str(number): True for number in range(6)}


async def test_names_are_listed_in_order_from_the_first(store: BlobStore) -> None:
    """As text, so that digits of equal length sort as numbers; capitals before small letters, shorter before longer."""
    await created(store, "due/2", "due/10", "due/1", "due/A", "due/a", "due/1/x", "due/1-x", "due/1.x")

    assert await store.list_names("due/", limit=6) == ["due/1", "due/1-x", "due/1.x", "due/1/x", "due/10", "due/2"]


async def test_names_are_those_that_begin_with_the_prefix(store: BlobStore) -> None:
    """A prefix need not end at a slash, and is no pattern."""
    await created(store, "due/1", "due-not", "overdue/1", "d.e/1", "Due/1")

    assert await store.list_names("due/", limit=9) == ["due/1"]
    assert await store.list_names("due", limit=9) == ["due-not", "due/1"]
    assert await store.list_names("d.e", limit=9) == ["d.e/1"]
    assert await store.list_names("", limit=9) == ["Due/1", "d.e/1", "due-not", "due/1", "overdue/1"]
    assert await store.list_names("none", limit=9) == []


@pytest.mark.parametrize(("limit", "expected"), [(0, []), (1, ["a"]), (3, ["a", "b", "c"]), (9, ["a", "b", "c"])])
async def test_no_more_names_than_wanted_are_listed(store: BlobStore, limit: int, expected: list[str]) -> None:
    """Fewer where there are no more."""
    await created(store, "c", "a", "b")

    assert await store.list_names("", limit=limit) == expected


async def test_where_nothing_has_been_written_no_name_is_listed(store: BlobStore) -> None:
    """There is no container yet."""
    assert await store.list_names("", limit=9) == []


async def test_names_of_everything_are_listed_until_it_is_deleted(store: BlobStore) -> None:
    """Records, videos and tallies alike."""
    await stored(store)
    await store.create_record(RECORD, {})
    await store.count_up(TALLY)
    before = await store.list_names("", limit=9)
    await store.delete_record(RECORD)
    await store.delete_video(VIDEO)

    assert before == [RECORD, TALLY, VIDEO]
    assert await store.list_names("", limit=9) == [TALLY]


async def test_a_tally_counts_from_one(store: BlobStore) -> None:
    """Each call adds one to its own tally, which begins by itself."""
    counts = [await store.count_up(TALLY) for _ in range(3)]

    assert counts == [1, 2, 3]
    assert await store.count_up("tallies/another") == 1
    assert await store.count_up(TALLY) == 4


async def test_many_who_count_at_once_get_every_number_once(store: BlobStore) -> None:
    """From the very first on, which many try to begin; and again when it has begun."""
    first = await asyncio.gather(*(store.count_up(TALLY) for _ in range(20)))
    second = await asyncio.gather(*(store.count_up(TALLY) for _ in range(20)))

    assert sorted(first) == list(range(1, 21))
    assert sorted(second) == list(range(21, 41))


async def test_a_deleted_video_is_gone_and_can_be_written_again(store: BlobStore) -> None:
    """A verified one too, which nothing else can replace."""
    video = await stored(store)
    await store.mark_verified(VIDEO, video, {})
    await store.delete_video(VIDEO)

    assert await store.find_video(VIDEO) is None
    with pytest.raises(StorageUnavailable):
        await store.read_range(VIDEO, video, 0, 10)
    assert (await stored(store)).verified is False


async def test_deleting_a_video_that_is_not_there_is_no_error(store: BlobStore) -> None:
    """Where nothing has ever been written, and a second time."""
    await store.delete_video(VIDEO)
    await stored(store)
    await store.delete_video(VIDEO)
    await store.delete_video(VIDEO)

    assert await store.find_video(VIDEO) is None


@pytest.mark.parametrize(
    "text", ["2026-03-31T12:30:00+00:00", "2026-03-31T12:30:00Z", "2026-03-31T14:30:00+02:00", "20260331T123000Z"]
)
async def test_a_video_expires_when_its_facts_say_so(store: BlobStore, text: str) -> None:
    """Every form of ISO 8601 that names a moment; the moment is in UTC."""
    video = await stored(store)
    await store.mark_verified(VIDEO, video, {"expires_at": text})

    found = await store.find_video(VIDEO)

    assert found is not None
    assert found.expires_at == datetime(2026, 3, 31, 12, 30, tzinfo=UTC)
    assert found.expires_at.tzinfo is UTC


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"expires": "2026-03-31T12:30:00Z"},
        {"expires_at": "soon"},
        {"expires_at": "2026-03-31T12:30:00"},
        {"expires_at": "0001-01-01T00:00:00+14:00"},
    ],
    ids=["no such fact", "another fact", "no time", "no offset", "before all time"],
)
async def test_a_video_whose_facts_name_no_moment_has_no_expiry(store: BlobStore, facts: dict[str, str]) -> None:
    """What cannot be read does not make the video unreadable."""
    video = await stored(store)
    await store.mark_verified(VIDEO, video, facts)

    found = await store.find_video(VIDEO)

    assert video.expires_at is None
    assert found is not None
    assert found.verified is True
    assert found.expires_at is None
