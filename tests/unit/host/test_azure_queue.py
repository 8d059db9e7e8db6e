"""Which account a trigger's connection names."""

from datetime import timedelta

import pytest

from devtools.host.azure_queue import AzureQueue, azure_queue, connection_string
from devtools.host.queue_service import ConnectionMissingError, QueueError
from devtools.stack_ports import free_row
from tests.support.azurite import connection_string as emulator


def test_connection_is_a_setting_with_or_without_the_hosts_prefix() -> None:
    """As the real host looks for it: with it first."""
    assert connection_string("Q", {"Q": "one"}) == "one"
    assert connection_string("Q", {"Q": "one", "AzureWebJobsQ": "two"}) == "two"
    assert connection_string("Q", {"AzureWebJobsQ": "two"}) == "two"


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({}, "'Q'"),
        ({"Q": ""}, "'Q'"),
        ({"Q__queueServiceUri": "https://x"}, "identity"),
        ({"AzureWebJobsQ__accountName": "x", "Q": "one"}, "AzureWebJobsQ"),
    ],
)
def test_connection_that_is_not_served_is_named(environ: dict[str, str], sentence: str) -> None:
    """A missing setting, or an identity, which only Azure can check."""
    with pytest.raises(ConnectionMissingError, match=sentence):
        connection_string("Q", environ)


async def test_text_that_is_no_connection_string_is_not_shown() -> None:
    """It may hold half a key."""
    with pytest.raises(ConnectionMissingError) as raised:
        async with azure_queue("AccountKey=secret", "orders"):
            raise AssertionError

    assert "secret" not in str(raised.value)


async def test_emulator_may_be_named_in_short() -> None:
    """`UseDevelopmentStorage=true`, as in every template."""
    async with azure_queue("UseDevelopmentStorage=true", "orders") as queue:
        assert isinstance(queue, AzureQueue)


async def test_storage_that_does_not_answer_is_a_queue_error() -> None:
    """Nobody listens on that port."""
    [port] = free_row(1)

    async with azure_queue(emulator(port, "queue"), "orders") as queue:
        with pytest.raises(QueueError):
            await queue.receive(1, timedelta(seconds=1))
        with pytest.raises(QueueError):
            await queue.send("text")
