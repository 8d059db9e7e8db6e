"""Choosing ports, and telling who has the one that was asked for."""

import socket
import sys
from collections.abc import Iterator

import pytest

from devtools.stack_ports import PortTakenError, claimed, free_row, is_free, preferred

pytestmark = pytest.mark.stack


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which this process listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_taken_port_is_refused_with_its_owner(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says who has it."""
    monkeypatch.setattr("devtools.stack_ports.RELEASE_SECONDS", 0)
    owner = rf" by process \d+ \({sys.executable}" if sys.platform == "linux" else ""

    with pytest.raises(PortTakenError, match=f"Port {taken} is in use{owner}"):
        claimed(taken)


def test_wanted_ports_give_way_together(taken: int) -> None:
    """One taken port of three moves all three, so that they stay in a row."""
    chosen = preferred([taken, taken + 1, taken + 2])

    assert taken not in chosen
    assert chosen == list(range(chosen[0], chosen[0] + 3))


def test_promised_ports_are_not_offered_twice() -> None:
    """Several ports are chosen before anything listens on the first."""
    (port,) = free_row(1)

    assert preferred([port]) == [port]
    assert preferred([port], promised={port}) != [port]


def test_the_port_behind_the_last_one_is_simply_not_free() -> None:
    """An app on port 65535 leaves no next port to its simulator."""
    assert not is_free(65536)


def test_free_ports_can_be_had() -> None:
    """What is offered can be listened on, and is what a second look wants again."""
    row = free_row(3)

    assert all(is_free(port) for port in row)
    assert preferred(row) == row
