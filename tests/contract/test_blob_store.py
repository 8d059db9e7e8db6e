"""What every `BlobStore` promises, held against the fake and against the real adapter on the storage emulator."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.errors import ProviderUnavailable, StorageUnavailable
from shared.storage.base import BlobStore, StoredVideo

NAME = "videos/01jyg74z6ee6e9y23ceq2fmwc4.mp4"
RECORD = "jobs/01jyg74z6ee6e9y23ceq2fmwc4.json"
FACTS = {"width": "1280", "height": "720", "seconds": "5.000"}


async def pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    """Yield `content` in pieces of `size` bytes."""
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def broken_after(content: bytes, error: Exception) -> AsyncIterator[bytes]:
    """Yield `content` in one piece, then break."""
    yield content
    raise error


async def stored(store: BlobStore, content: bytes = b"0123456789") -> StoredVideo:
    """Store a video and return its properties."""
    await store.write_video(NAME, pieces(content, 3))
    video = await store.find_video(NAME)
    assert video is not None
    return video


async def whole(store: BlobStore, video: StoredVideo) -> bytes:
    """Read a video to its end."""
    return b"".join([piece async for piece in store.stream(NAME, video, 0, video.size)])


async def test_a_new_record_is_created_and_read_back(store: BlobStore) -> None:
    """What was written is what is read, Unicode and nesting included."""
    record: dict[str, object] = {"prompt": "møøse 🦆", "nested": {"list": [1, None, 2.5]}}

    assert await store.create_record(RECORD, record) is True
    assert await store.read_record(RECORD) == record


async def test_an_existing_record_is_not_created_again(store: BlobStore) -> None:
    """The second create says so and changes nothing."""
    await store.create_record(RECORD, {"first": True})

    assert await store.create_record(RECORD, {"second": True}) is False
    assert await store.read_record(RECORD) == {"first": True}


async def test_of_many_creates_at_once_exactly_one_succeeds(store: BlobStore) -> None:
    """Create-if-absent is decided by the store, not by looking first."""
    won = await asyncio.gather(*(store.create_record(RECORD, {"writer": number}) for number in range(8)))

    assert sorted(won) == [False] * 7 + [True]
    assert await store.read_record(RECORD) == {"writer": won.index(True)}


async def test_a_record_that_does_not_exist_reads_as_none(store: BlobStore) -> None:
    """Also where nothing has ever been written, and so no container exists."""
    assert await store.read_record(RECORD) is None


async def test_replacing_a_record_writes_it_whether_or_not_there_was_one(store: BlobStore) -> None:
    """The later write wins."""
    await store.replace_record(RECORD, {"version": 1})
    await store.replace_record(RECORD, {"version": 2})

    assert await store.read_record(RECORD) == {"version": 2}


async def test_a_deleted_record_is_gone_and_can_be_created_again(store: BlobStore) -> None:
    """A deletion frees the name."""
    await store.create_record(RECORD, {"version": 1})
    await store.delete_record(RECORD)

    assert await store.read_record(RECORD) is None
    assert await store.create_record(RECORD, {"version": 2}) is True


async def test_a_record_is_deleted_only_while_it_is_the_one_that_was_meant(store: BlobStore) -> None:
    """What somebody else has written in its place stays."""
    await store.create_record(RECORD, {"version": 1})
    await store.delete_record(RECORD, only={"version": 2})
    kept = await store.read_record(RECORD)
    await store.delete_record(RECORD, only={"version": 1})

    assert kept == {"version": 1}
    assert await store.read_record(RECORD) is None


async def test_deleting_what_is_not_there_is_no_error(store: BlobStore) -> None:
    """Also where nothing has ever been written."""
    await store.delete_record(RECORD)

    assert await store.read_record(RECORD) is None


@pytest.mark.parametrize(
    ("size", "piece"),
    [(0, 1), (1, 1), (10, 3), (4 * 1024 * 1024, 1024 * 1024), (13 * 1024 * 1024 + 7, 777_777)],
)
async def test_a_video_streams_in_and_out_unchanged(store: BlobStore, size: int, piece: int) -> None:
    """Whatever its length and however it arrives: nothing, one byte, one block exactly, several odd pieces."""
    content = bytes(number * 31 % 251 for number in range(997)) * (size // 997 + 1)
    content = content[:size]

    written = await store.write_video(NAME, pieces(content, piece))

    video = await store.find_video(NAME)
    assert written == size
    assert video is not None
    assert video.size == size
    assert await whole(store, video) == content


async def test_a_video_that_does_not_exist_is_none(store: BlobStore) -> None:
    """Also where nothing has ever been written."""
    assert await store.find_video(NAME) is None


async def test_a_stored_video_has_a_strong_quoted_etag_a_date_and_is_not_verified(store: BlobStore) -> None:
    """The properties that a download answers with."""
    video = await stored(store)

    assert video.etag.startswith('"')
    assert video.etag.endswith('"')
    assert len(video.etag) > 2
    assert video.last_modified.utcoffset() is not None
    assert video.verified is False


async def test_writing_again_replaces_the_video_with_another_version(store: BlobStore) -> None:
    """The etag tells the versions apart, equal bytes or not."""
    first = await stored(store, b"0123456789")
    second = await stored(store, b"other")

    assert second.etag != first.etag
    assert await whole(store, second) == b"other"


@pytest.mark.parametrize("before_the_error", [b"short", b"x" * (9 * 1024 * 1024)], ids=["short", "several blocks"])
@pytest.mark.parametrize("error", [ProviderUnavailable("gone"), OSError("disk"), RuntimeError("bug")], ids=repr)
async def test_a_source_that_breaks_leaves_nothing_and_its_error_passes_through(
    store: BlobStore, error: Exception, before_the_error: bytes
) -> None:
    """The source's error is not the storage's: it arrives as the very object that was raised."""
    with pytest.raises(type(error)) as raised:
        await store.write_video(NAME, broken_after(before_the_error, error))

    assert raised.value is error
    assert await store.find_video(NAME) is None


async def test_a_source_that_breaks_leaves_the_earlier_version(store: BlobStore) -> None:
    """A replacement appears whole or not at all."""
    first = await stored(store, b"the earlier version")

    with pytest.raises(ProviderUnavailable):
        await store.write_video(NAME, broken_after(b"x" * (9 * 1024 * 1024), ProviderUnavailable("gone")))

    assert await store.find_video(NAME) == first
    assert await whole(store, first) == b"the earlier version"


async def test_a_write_that_was_broken_off_can_be_repeated(store: BlobStore) -> None:
    """Blocks left over from the first attempt do not end up in the second."""
    with pytest.raises(ProviderUnavailable):
        await store.write_video(NAME, broken_after(b"x" * (9 * 1024 * 1024), ProviderUnavailable("gone")))

    again = await stored(store, b"whole")

    assert await whole(store, again) == b"whole"


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        (0, 10, b"0123456789"),
        (0, 1, b"0"),
        (3, 4, b"3456"),
        (9, 1, b"9"),
        (8, 100, b"89"),
        (10, 5, b""),
        (99, 5, b""),
        (4, 0, b""),
    ],
)
async def test_ranges_are_what_was_asked_for_and_end_with_the_file(
    store: BlobStore, offset: int, length: int, expected: bytes
) -> None:
    """`read_range` and `stream` agree, also past the end."""
    video = await stored(store)

    assert await store.read_range(NAME, video, offset, length) == expected
    assert b"".join([piece async for piece in store.stream(NAME, video, offset, length)]) == expected


async def test_a_long_stream_comes_in_pieces_of_a_mb_at_most(store: BlobStore) -> None:
    """A reader never has to hold more than one piece."""
    size = 9 * 1024 * 1024
    await store.write_video(NAME, pieces(b"x" * size, size))
    video = await store.find_video(NAME)
    assert video is not None

    lengths = [len(piece) async for piece in store.stream(NAME, video, 0, size)]

    assert sum(lengths) == size
    assert max(lengths) <= 1024 * 1024


async def test_a_stream_can_be_left_before_its_end(store: BlobStore) -> None:
    """A caller that goes away leaves no open connection behind; warnings about one are errors here."""
    size = 9 * 1024 * 1024
    await store.write_video(NAME, pieces(b"x" * size, size))
    video = await store.find_video(NAME)
    assert video is not None

    stream = store.stream(NAME, video, 0, size)
    first = await anext(stream)
    await stream.aclose()

    assert first


async def test_another_version_is_never_read_in_place_of_the_one_that_was_found(store: BlobStore) -> None:
    """A download that was begun on one version cannot be continued on another."""
    first = await stored(store, b"0123456789")
    await stored(store, b"ABCDEFGHIJ")

    with pytest.raises(StorageUnavailable):
        await store.read_range(NAME, first, 0, 10)
    with pytest.raises(StorageUnavailable):
        await whole(store, first)


async def test_a_verified_video_is_not_replaced(store: BlobStore) -> None:
    """A late second copy, begun before the first was verified, must not take the mark away."""
    video = await stored(store)
    await store.mark_verified(NAME, video, FACTS)

    marked = await store.find_video(NAME)
    assert marked is not None
    assert marked.verified is True
    assert await whole(store, marked) == b"0123456789"
    with pytest.raises(StorageUnavailable):
        await store.write_video(NAME, pieces(b"late", 4))
    after = await store.find_video(NAME)
    assert after == marked


async def test_a_version_that_has_been_replaced_cannot_be_marked(store: BlobStore) -> None:
    """What was checked must be what is marked."""
    first = await stored(store)
    await stored(store, b"another")

    with pytest.raises(StorageUnavailable):
        await store.mark_verified(NAME, first, FACTS)

    now = await store.find_video(NAME)
    assert now is not None
    assert now.verified is False


async def test_a_video_that_vanished_cannot_be_marked_or_read(store: BlobStore) -> None:
    """It was there a moment ago: storage is in trouble, and says so."""
    video = await stored(store)
    await store.delete_record(NAME)

    with pytest.raises(StorageUnavailable):
        await store.mark_verified(NAME, video, FACTS)
    with pytest.raises(StorageUnavailable):
        await store.read_range(NAME, video, 0, 10)
