from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from shared.api.conditions import failed_condition, fields, http_date
from shared.api.ranges import Part, requested_part
from shared.storage.base import StoredVideo

MODIFIED = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
VIDEO = StoredVideo(size=100, etag='"0x8DC"', last_modified=MODIFIED, verified=True)

AT_THAT_SECOND = "Sun, 01 Mar 2026 12:30:15 GMT"
BEFORE = "Sun, 01 Mar 2026 12:30:14 GMT"
AFTER = "Sun, 01 Mar 2026 12:30:16 GMT"

THIS, OTHER = '"0x8DC"', '"0x8DD"'


@pytest.mark.parametrize(
    ("tags", "unchanged"),
    [
        pytest.param(THIS, True, id="this version"),
        pytest.param(f"W/{THIS}", True, id="weakly this version"),
        pytest.param(f"{OTHER}, W/{THIS}", True, id="one of several"),
        pytest.param(f"{OTHER},{THIS}", True, id="without a space"),
        pytest.param('"a, b", "c", ' + THIS, True, id="a comma in another tag"),
        pytest.param("*", True, id="any version"),
        pytest.param(" * ", True, id="any version, with space"),
        pytest.param(OTHER, False, id="another version"),
        pytest.param('"*"', False, id="a quoted star"),
        pytest.param('"0x8dc"', False, id="other case"),
        pytest.param("", False, id="empty"),
        pytest.param('"0x8DC', False, id="cut off"),
        pytest.param("0x8DC", False, id="unquoted"),
    ],
)
def test_if_none_match_compares_with_this_version(tags: str, unchanged: bool) -> None:
    """A caller that holds this version, weakly or strongly, need not get it again."""
    assert failed_condition({"if-none-match": tags}, VIDEO) == (304 if unchanged else None)


def test_lines_of_one_field_are_read_as_one() -> None:
    """A list may be split over lines; a part of it must not stand for the whole."""
    lines = [("if-none-match", '"a"'), ("range", "bytes=0-1"), ("if-none-match", THIS), ("range", "bytes=2-3")]
    headers = Headers(raw=[(name.encode(), value.encode()) for name, value in lines])

    asked = fields(headers)

    assert asked == {"if-none-match": f'"a", {THIS}', "range": "bytes=0-1, bytes=2-3"}
    assert failed_condition(asked, VIDEO) == 304
    assert requested_part("GET", asked, VIDEO) == Part(0, VIDEO.size, partial=False)


@pytest.mark.parametrize(
    ("tags", "holds"),
    [
        pytest.param(THIS, True, id="this version"),
        pytest.param(f"{OTHER}, {THIS}", True, id="one of several"),
        pytest.param("*", True, id="any version"),
        pytest.param(f"W/{THIS}", False, id="weakly this version"),
        pytest.param(f"w/{THIS}", False, id="weakly in lower case"),
        pytest.param(OTHER, False, id="another version"),
        pytest.param("", False, id="empty"),
    ],
)
def test_if_match_holds_for_this_very_version(tags: str, holds: bool) -> None:
    """A weak tag cannot vouch for bytes."""
    assert failed_condition({"if-match": tags}, VIDEO) == (None if holds else 412)


@pytest.mark.parametrize(
    ("date", "unchanged"),
    [
        pytest.param(AT_THAT_SECOND, True, id="the second that it was told"),
        pytest.param(AFTER, True, id="later"),
        pytest.param(BEFORE, False, id="earlier"),
        pytest.param("Sunday, 01-Mar-26 12:30:15 GMT", True, id="in the older form"),
        pytest.param("Sun Mar  1 12:30:15 2026", True, id="as C writes it"),
        pytest.param("Sun Mar  1 12:30:14 2026", False, id="earlier, as C writes it"),
        pytest.param("yesterday", False, id="garbage"),
        pytest.param("", False, id="empty"),
        pytest.param("Mon, 99 Foo 2026 99:99:99 GMT", False, id="no such day"),
        pytest.param("Mon, 01 Mar 999999999999 12:30:15 GMT", False, id="no such year"),
    ],
)
def test_if_modified_since_is_not_modified_unless_the_video_is_younger(date: str, unchanged: bool) -> None:
    """Browsers send the date that they were told; what is no date is no condition."""
    assert failed_condition({"if-modified-since": date}, VIDEO) == (304 if unchanged else None)


@pytest.mark.parametrize(
    ("date", "holds"),
    [
        pytest.param(AT_THAT_SECOND, True, id="the second that it was told"),
        pytest.param(AFTER, True, id="later"),
        pytest.param(BEFORE, False, id="earlier"),
        pytest.param("yesterday", True, id="garbage"),
    ],
)
def test_if_unmodified_since_fails_where_the_video_is_younger(date: str, holds: bool) -> None:
    """The date that was told holds; what is no date is no condition."""
    assert failed_condition({"if-unmodified-since": date}, VIDEO) == (None if holds else 412)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"if-none-match": OTHER, "if-modified-since": AFTER}, None, id="a tag before the date"),
        pytest.param({"if-none-match": THIS, "if-modified-since": BEFORE}, 304, id="a tag before the date, held"),
        pytest.param({"if-match": THIS, "if-unmodified-since": BEFORE}, None, id="a required tag before the date"),
        pytest.param({"if-match": OTHER, "if-none-match": THIS}, 412, id="a requirement before what is held"),
        pytest.param({"if-match": THIS, "if-none-match": THIS}, 304, id="required and held"),
        pytest.param({"if-unmodified-since": AFTER, "if-modified-since": AFTER}, 304, id="two dates"),
        pytest.param({}, None, id="none"),
    ],
)
def test_conditions_are_asked_in_their_order(headers: dict[str, str], status: int | None) -> None:
    """An entity tag settles what a date would be asked for, and a requirement comes before what is held."""
    assert failed_condition(headers, VIDEO) == status


@pytest.mark.parametrize("name", ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since"])
@settings(deadline=None)  # a busy machine is no failure; pytest's own limit holds
@given(value=st.text(st.characters(max_codepoint=255), max_size=60))
def test_no_value_breaks_a_condition(name: str, value: str) -> None:
    """Whatever a caller sends, there is an answer."""
    assert failed_condition({name: value}, VIDEO) in {None, 304, 412}


@pytest.mark.parametrize("name", ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since"])
@pytest.mark.parametrize("part", ['"', 'W/"', '"a",', "Sun, ", "1 ", "(", "-", "9"])
def test_a_value_as_long_as_servers_let_pass_is_read_too(name: str, part: str) -> None:
    """Nothing is asked for that grows with the square of what a caller sends; pytest's limit would tell."""
    assert failed_condition({name: part * (64_000 // len(part))}, VIDEO) in {None, 304, 412}


def test_http_date_is_in_greenwich_time() -> None:
    """A time of any zone is written as HTTP wants it."""
    moment = datetime(2026, 3, 1, 14, 30, 15, tzinfo=timezone(timedelta(hours=2)))

    assert http_date(moment) == "Sun, 01 Mar 2026 12:30:15 GMT"
