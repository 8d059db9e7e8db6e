"""What comes at the wrong moment: messages that cross, a journal that cannot be written."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from devtools.host.inprocess import InProcessHost, in_process_host
from tests.unit.host import stories


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[InProcessHost]:
    """An empty host with the stories."""
    async with in_process_host(stories.app, tmp_path) as host:
        yield host


async def test_suspending_twice_at_once_is_suspending_once(host: InProcessHost) -> None:
    """Both are accepted before either is seen; one resume is enough, and what came meanwhile is not lost."""
    job = host.start("patient")
    host.engine.suspend(job, "pause")
    host.engine.suspend(job, "pause, please")
    await host.idle()
    host.raise_event(job, "Go", 1)
    await host.idle()

    host.engine.resume(job, "go on")

    assert (await host.end_of(job))["output"] == "1"


async def test_outcome_waits_for_a_journal_that_cannot_be_written(
    host: InProcessHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk or a locked file passes; the activity has run, and its instance must not wait for ever."""
    keep = host.engine.journal.finish_task
    refusals = [sqlite3.OperationalError("database or disk is full")] * 2

    def finish(*arguments: Any) -> Any:
        if refusals:
            raise refusals.pop()
        return keep(*arguments)

    monkeypatch.setattr(host.engine.journal, "finish_task", finish)
    job = host.start("chain", 1)

    status = await host.end_of(job)

    assert status["runtimeStatus"] == "Completed"
    assert not refusals
