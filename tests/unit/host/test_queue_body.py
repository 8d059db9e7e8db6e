"""What a message's text stands for."""

import base64

import pytest

from devtools.host.queue_body import UndecodableError, body_of


@pytest.mark.parametrize("body", [b"", b"words", "grüße".encode(), b"\xff\x00"])
def test_base64_stands_for_its_bytes(body: bytes) -> None:
    """Any bytes, also none."""
    assert body_of(base64.b64encode(body).decode(), is_base64=True) == body


def test_blanks_in_base64_do_not_count() -> None:
    """.NET overlooks them."""
    assert body_of(" d29y\r\nZHM=\t", is_base64=True) == b"words"


@pytest.mark.parametrize("text", ["{words}", "grüße", "d29yZHM", "d29yZHM=d29y", "d-_y"])
def test_other_text_cannot_be_decoded(text: str) -> None:
    """Foreign characters, no padding, something behind it, the alphabet for URLs."""
    with pytest.raises(UndecodableError):
        body_of(text, is_base64=True)


def test_text_is_taken_as_it_is_where_it_is_not_encoded() -> None:
    """`messageEncoding: none`."""
    assert body_of("d29y", is_base64=False) == b"d29y"
