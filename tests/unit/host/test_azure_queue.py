"""Which account a trigger's connection names."""

import pytest

from devtools.host.azure_queue import azure_queue, connection_string
from devtools.host.queue_service import ConnectionMissingError


def test_connection_is_a_setting_with_or_without_the_hosts_prefix() -> None:
    """As the real host looks for it."""
    assert connection_string("Q", {"Q": "one", "AzureWebJobsQ": "two"}) == "one"
    assert connection_string("Q", {"AzureWebJobsQ": "two"}) == "two"


@pytest.mark.parametrize(
    ("environ", "sentence"), [({}, "'Q'"), ({"Q": ""}, "'Q'"), ({"Q__queueServiceUri": "https://x"}, "identity")]
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
