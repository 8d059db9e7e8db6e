"""Messages of the queue of jobs, as senders write them."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.api.parsing import BadRequest
from shared.intake.message import Message, Order, read_order

CAME = datetime(2026, 1, 1, 12, tzinfo=UTC)
REQUEST = {"prompt": "a calm lake", "duration": 5}


def order(body: bytes) -> Order:
    return read_order(Message("0f8fad5b-d9cb-469f-a165-70867728950e", body, CAME))


def refusal(body: bytes) -> tuple[int, Any]:
    with pytest.raises(BadRequest) as bad:
        order(body)
    return bad.value.status, bad.value.detail


@pytest.mark.parametrize(
    "wrap",
    [
        bytes,
        base64.b64encode,
        base64.encodebytes,
        lambda body: base64.b64encode(body)[:20] + b"\r\n " + base64.b64encode(body)[20:],
        lambda body: b"  " + body,
    ],
)
def test_text_and_base64_are_understood(wrap: Any) -> None:
    """Some senders encode their messages and some do not."""
    found = order(wrap(json.dumps(REQUEST).encode()))

    assert (found.request.prompt, found.request.duration, found.request.width) == ("a calm lake", 5, 1920)


def test_a_message_without_an_id_goes_by_the_queues() -> None:
    """Delivered twice, a message has the same id."""
    assert order(json.dumps(REQUEST).encode()).id == "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.mark.parametrize("name", ["order 7", "a" * 255, '{"x"}'])
def test_an_id_is_the_senders_name_for_it(name: str) -> None:
    """Any printable ASCII."""
    assert order(json.dumps({**REQUEST, "id": name}).encode()).id == name


@pytest.mark.parametrize("name", ["", "a" * 256, "ü", "a\nb", 7, True, ["a"], {"a": 1}])
def test_an_id_that_is_none_is_refused(name: object) -> None:
    """A message must not be known by another name than its sender believes."""
    status, detail = refusal(json.dumps({**REQUEST, "id": name}).encode())

    assert status == 422
    assert [fault["loc"] for fault in detail] == [["body", "id"]]


def test_null_is_no_id() -> None:
    """As with every optional field."""
    assert order(json.dumps({**REQUEST, "id": None}).encode()).id.startswith("0f8fad5b")


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"", 422, "value_error.missing"),
        (b"a calm lake", 422, "value_error.jsondecode"),
        (b"\xff\xfe", 422, "value_error.jsondecode"),
        (b'["a calm lake"]', 422, "type_error.dict"),
        (b"{}", 422, "value_error.missing"),
        (b'{"prompt": "a", "duration": 61}', 422, "value_error.number.not_le"),
    ],
)
def test_what_the_api_refuses_is_refused(body: bytes, status: int, kind: str) -> None:
    """The same validation, in the same words."""
    found_status, detail = refusal(body)

    assert (found_status, detail[0]["type"]) == (status, kind)


def test_an_empty_prompt_is_refused_in_the_contracts_words() -> None:
    """A sentence, as over HTTP."""
    assert refusal(b'{"prompt": " "}') == (400, "Invalid prompt: prompt cannot be empty")


@pytest.mark.parametrize(
    ("first_seen", "since"),
    [("2025-12-31T12:00:00+00:00", 31), ("2025-12-31", 1), (5, 1), ("9999-12-31T00:00:00+00:00", 1)],
)
def test_a_message_that_was_put_back_knows_since_when_it_waits(first_seen: object, since: int) -> None:
    """What is no moment, or none that has been, counts as not there."""
    assert order(json.dumps({**REQUEST, "first_seen": first_seen}).encode()).since.day == since
