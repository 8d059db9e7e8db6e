"""Stacks for scenarios: one that is patient, one whose deadlines are short and whose upstream may be told to fail.

`pytest tests/scenarios --host func:http://127.0.0.1:8000` tries those marked `any_host` on a stack that is up already,
on whatever host; the others start, kill or disturb a stack of their own.
"""

from collections.abc import Iterator

import pytest

from devtools.stack import Stack
from tests.support.caller import Caller
from tests.support.elsewhere import LOCAL, Elsewhere, elsewhere
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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--host`, where this folder is named on the command line."""
    parser.addoption("--host", default=LOCAL, help="the host that scenarios run on: local, or func:<address>")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot be done to a stack that somebody else has started."""
    try:
        other = elsewhere(config.getoption("--host", LOCAL))
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
    if other is None:
        return
    for item in items:
        if "any_host" not in item.keywords:
            item.add_marker(pytest.mark.skip(reason="starts, kills or disturbs a stack of its own"))


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack | Elsewhere]:
    """The local stack as a user runs it, only with quicker looks and renders; or the one that `--host` names."""
    other = elsewhere(request.config.getoption("--host", LOCAL))
    if other is not None:
        yield other
        return
    with running_stack(tmp_path_factory.mktemp("stack"), render_seconds=1, env=QUICK) as running:
        yield running


@pytest.fixture
def caller(stack: Stack | Elsewhere) -> Iterator[Caller]:
    """A caller of that stack."""
    caller = Caller(stack.app)
    with caller.http:
        yield caller


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of the module's own with deadlines of seconds, to be disturbed at will."""
    with running_stack(tmp_path_factory.mktemp("impatient"), render_seconds=0.5, env=IMPATIENT) as running:
        yield running
