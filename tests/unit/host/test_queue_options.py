"""The section `extensions.queues` of host.json."""

from datetime import timedelta

import pytest

from devtools.host.host_json import HostJsonError
from devtools.host.queue_options import QueueOptions, read_queue_options


def test_options_have_the_extensions_defaults() -> None:
    """The threshold grows with the processors."""
    assert read_queue_options({}, 4) == QueueOptions(16, 32, timedelta(minutes=1), timedelta(0), 5, is_base64=True)


def test_options_are_read() -> None:
    """The section's names are in lower case by then."""
    section = {
        "batchsize": 1,
        "newbatchthreshold": 0,
        "maxpollinginterval": "00:00:02",
        "visibilitytimeout": "00:00:30",
        "maxdequeuecount": 2,
        "messageencoding": "None",
    }

    options = read_queue_options(section)

    assert options == QueueOptions(1, 0, timedelta(seconds=2), timedelta(seconds=30), 2, is_base64=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batchSize", 0),
        ("batchSize", 33),
        ("batchSize", True),
        ("newBatchThreshold", -1),
        ("maxDequeueCount", "five"),
        ("maxPollingInterval", "00:00:00"),
        ("visibilityTimeout", "soon"),
        ("messageEncoding", "gzip"),
    ],
)
def test_option_that_the_extension_refuses_is_refused(name: str, value: object) -> None:
    """With its name."""
    with pytest.raises(HostJsonError, match=name):
        read_queue_options({name.lower(): value})
