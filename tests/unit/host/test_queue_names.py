"""The names of queues."""

import pytest

from devtools.host.queue_names import QueueNameError, poison_name, queue_name


def test_settings_in_a_name_are_put_in_their_place() -> None:
    """And the whole is in lower case."""
    assert queue_name("%A%-x-%B%", {"A": "1", "B": "Two"}) == "1-x-two"


def test_setting_that_a_name_needs_must_be_there() -> None:
    """The sentence names it."""
    with pytest.raises(QueueNameError, match="'C'"):
        queue_name("%C%", {"A": "1"})


@pytest.mark.parametrize("name", ["ab", "a" * 64, "-abc", "abc-", "a--b", "a_b", "grüße", "abc\n", ""])
def test_name_that_storage_refuses_is_refused(name: str) -> None:
    """With the rules."""
    with pytest.raises(QueueNameError, match="3 to 63"):
        queue_name(name, {})


@pytest.mark.parametrize(
    ("name", "poison"),
    [("orders", "orders-poison"), ("a" * 56, "a" * 56 + "-poison"), ("a" * 57, None), ("orders-poison", None)],
)
def test_queue_of_poison_has_none_itself(name: str, poison: str | None) -> None:
    """Nor has one whose name would be too long with it."""
    assert poison_name(name) == poison
