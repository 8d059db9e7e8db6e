"""Stacks for scenarios: one that is patient, one whose deadlines are short and whose upstream may be told to fail."""

from collections.abc import Iterator

import pytest

from devtools.stack import Stack
from tests.support.caller import Caller
from tests.support.stack import running_stack

QUICK = {
    # As many as there are jobs: what is tested here is not the line, and some hold their place until a deadline.
    "MAX_CONCURRENT_RENDERS": "50",
    "POLL_FIRST_SECONDS": "0.3",
    "POLL_LONGEST_SECONDS": "1",
    "RETRY_FIRST_SECONDS": "0.3",
    "RETRY_LONGEST_SECONDS": "1",
}
IMPATIENT = {
    **QUICK,
    "UPSTREAM_TIMEOUT_SECONDS": "4",
    "WAIT_TIMEOUT_SECONDS": "14",
    "SUBMIT_TIMEOUT_SECONDS": "14",
    "RENDER_TIMEOUT_SECONDS": "12",
    "STORE_TIMEOUT_SECONDS": "6",
}


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The local stack as a user runs it, only with quicker looks and renders."""
    with running_stack(tmp_path_factory.mktemp("stack"), render_seconds=1, env=QUICK) as running:
        yield running


@pytest.fixture
def caller(stack: Stack) -> Iterator[Caller]:
    """A caller of that stack."""
    caller = Caller(stack.app)
    with caller.http:
        yield caller


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of the module's own with deadlines of seconds, to be disturbed at will."""
    with running_stack(tmp_path_factory.mktemp("impatient"), render_seconds=0.5, env=IMPATIENT) as running:
        yield running
