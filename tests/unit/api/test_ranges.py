from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.api.ranges import Part, requested_part
from shared.storage.base import StoredVideo

MODIFIED = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)

WHOLE = Part(0, 100, partial=False)


def video(size: int = 100) -> StoredVideo:
    """Return a video of that many bytes."""
    return StoredVideo(size, etag='"0x8DC"', last_modified=MODIFIED, verified=True)


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        pytest.param(None, WHOLE, id="no range"),
        pytest.param("bytes=0-0", Part(0, 1, partial=True), id="first byte"),
        pytest.param("bytes=10-19", Part(10, 10, partial=True), id="a middle"),
        pytest.param("bytes=99-99", Part(99, 1, partial=True), id="last byte"),
        pytest.param("bytes=0-", Part(0, 100, partial=True), id="open from the start"),
        pytest.param("bytes=40-", Part(40, 60, partial=True), id="open from the middle"),
        pytest.param("bytes=90-5000", Part(90, 10, partial=True), id="end beyond the file"),
        pytest.param("bytes=-5", Part(95, 5, partial=True), id="suffix"),
        pytest.param("bytes=-100", Part(0, 100, partial=True), id="suffix of the whole size"),
        pytest.param("bytes=-101", Part(0, 100, partial=True), id="suffix longer than the file"),
        pytest.param("bytes=0010-0019", Part(10, 10, partial=True), id="leading zeros"),
        pytest.param("bytes=0-" + "9" * 400, Part(0, 100, partial=True), id="end of 400 digits"),
        pytest.param("bytes=-" + "9" * 60_000, Part(0, 100, partial=True), id="more digits than Python converts"),
        pytest.param("bytes=" + "0" * 60_000 + "1-4", Part(1, 4, partial=True), id="60,000 zeros"),
        pytest.param("Bytes=0-4", Part(0, 5, partial=True), id="unit in odd case"),
        pytest.param("bytes= 0-4\t", Part(0, 5, partial=True), id="space around the range"),
        pytest.param("bytes=100-", None, id="start right behind the end"),
        pytest.param("bytes=500-600", None, id="out of bounds"),
        pytest.param("bytes=" + "9" * 60_000 + "-", None, id="start of more digits than Python converts"),
        pytest.param("bytes=-0", None, id="the last no bytes"),
        pytest.param("bytes=0-1,5-6", WHOLE, id="two ranges"),
        pytest.param("bytes=0-0,-1", WHOLE, id="a range and a suffix"),
        pytest.param("bytes=" + "0-0," * 15_000 + "1-1", WHOLE, id="thousands of ranges"),
        pytest.param("bytes=5-2", WHOLE, id="end before start"),
        pytest.param("bytes=500-2", WHOLE, id="end before a start out of bounds"),
        pytest.param("bytes=-", WHOLE, id="neither start nor end"),
        pytest.param("bytes=", WHOLE, id="empty"),
        pytest.param("bytes", WHOLE, id="unit only"),
        pytest.param("bytes=a-b", WHOLE, id="letters"),
        pytest.param("bytes=--5", WHOLE, id="two dashes"),
        pytest.param("bytes=1 - 5", WHOLE, id="space within the range"),
        pytest.param("bytes=1_0-20", WHOLE, id="underscore between digits"),
        pytest.param("bytes=+1-5", WHOLE, id="plus sign"),
        pytest.param("bytes=\u00b2-5", WHOLE, id="a digit of another kind"),
        pytest.param("bytes=0-4\n", WHOLE, id="line feed behind"),
        pytest.param("seconds=0-1", WHOLE, id="another unit"),
    ],
)
def test_range_header_selects_a_part(asked: str | None, part: Part | None) -> None:
    """One understood range is granted, one outside the file is refused, everything else gets the whole file."""
    headers = {} if asked is None else {"range": asked}

    assert requested_part("GET", headers, video()) == part


@pytest.mark.parametrize("asked", ["bytes=0-", "bytes=0-0", "bytes=-5"])
def test_no_range_of_an_empty_file_can_be_satisfied(asked: str) -> None:
    """There is no byte that a range could name."""
    assert requested_part("GET", {"range": asked}, video(0)) is None


def test_empty_file_without_a_range_is_empty() -> None:
    """No range asks for the whole of nothing."""
    assert requested_part("GET", {}, video(0)) == Part(0, 0, partial=False)


@pytest.mark.parametrize("asked", ["bytes=0-4", "bytes=100-"])
def test_head_ignores_ranges(asked: str) -> None:
    """Ranges are defined for GET only: HEAD tells about the whole file."""
    assert requested_part("HEAD", {"range": asked}, video()) == WHOLE


@pytest.mark.parametrize(
    ("condition", "granted"),
    [
        pytest.param('"0x8DC"', True, id="this version"),
        pytest.param('"0x8DD"', False, id="another version"),
        pytest.param('W/"0x8DC"', False, id="weak"),
        pytest.param('w/"0x8DC"', False, id="weak in lower case"),
        pytest.param("0x8DC", False, id="unquoted"),
        pytest.param("*", False, id="star"),
        pytest.param('"0x8DC", "0x8DD"', False, id="a list"),
        pytest.param("Sun, 01 Mar 2026 12:30:15 GMT", True, id="its date"),
        pytest.param("Sun, 01 Mar 2026 12:30:16 GMT", False, id="a later date"),
        pytest.param("Sun, 01 Mar 2026 12:30:14 GMT", False, id="an earlier date"),
        pytest.param("Sunday, 01-Mar-26 12:30:15 GMT", True, id="its date in the older form"),
        pytest.param("yesterday", False, id="garbage"),
        pytest.param("", False, id="empty"),
    ],
)
def test_if_range_grants_the_part_of_this_version_only(condition: str, granted: bool) -> None:
    """A part is only of use to who holds the rest of the same version; otherwise the whole file is sent."""
    headers = {"range": "bytes=10-19", "if-range": condition}

    assert requested_part("GET", headers, video()) == (Part(10, 10, partial=True) if granted else WHOLE)


def test_unsatisfiable_range_of_another_version_gets_the_whole_file() -> None:
    """A range that was meant for another version is not held against this one."""
    assert requested_part("GET", {"range": "bytes=500-", "if-range": '"0x8DD"'}, video()) == WHOLE


def bytes_asked_for(first: int | None, last: int | None, size: int) -> list[int] | None:
    """Say which bytes a range names, by counting them; None where the range is none. Knows nothing of arithmetic."""
    if first is None:
        return None if last is None else [at for at in range(size) if size - at <= last]
    if last is not None and last < first:
        return None
    return [at for at in range(size) if at >= first and (last is None or at <= last)]


POSITIONS = st.none() | st.integers(0, 60) | st.integers(0, 10**30)


@settings(deadline=None)  # a busy machine is no failure; pytest's own limit holds
@given(first=POSITIONS, last=POSITIONS, size=st.integers(0, 50))
@example(first=10**19 + 1, last=10**22, size=0)  # the digits of one may be cut off, but not what they mean
def test_a_range_names_the_bytes_that_counting_finds(first: int | None, last: int | None, size: int) -> None:
    """Every range, of every file, against an account of its bytes one by one."""
    asked = f"bytes={'' if first is None else first}-{'' if last is None else last}"

    part = requested_part("GET", {"range": asked}, video(size))

    expected = bytes_asked_for(first, last, size)
    if expected is None and part is None:
        assert first is not None
        assert first >= size  # backwards and outside, each of which is allowed to decide
    elif expected is None:
        assert part == Part(0, size, partial=False)
    elif part is None:
        assert expected == []
    else:
        assert part.partial
        assert list(range(part.offset, part.offset + part.length)) == expected


ODD_TEXT = st.text(st.characters(max_codepoint=255), max_size=40)


@settings(deadline=None)
@given(asked=ODD_TEXT.map(lambda text: "bytes=" + text), condition=st.none() | ODD_TEXT, size=st.integers(0, 200))
def test_whatever_is_asked_the_part_lies_inside_the_file(asked: str, condition: str | None, size: int) -> None:
    """No header breaks the reading of ranges, and a granted part is never empty and never beyond the end."""
    headers = {"range": asked} if condition is None else {"range": asked, "if-range": condition}

    part = requested_part("GET", headers, video(size))

    if part is not None and part.partial:
        assert part.offset >= 0
        assert part.length > 0
        assert part.offset + part.length <= size
    elif part is not None:
        assert part == Part(0, size, partial=False)
