"""Real time, of which a thousand worlds must not take much: short waits, a folder in memory, moments parsed once."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from shared.api import jobs as jobs_api
from shared.jobs import client
from shared.ledger import acceptance
from shared.upkeep import registration

_SHORT: Final = 0.15
"""A deadline of the app where something is to run into it: much longer than anything takes that is not."""


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """A folder for a world's journal; on a disk, opening and closing that takes as long as all the rest of a world."""
    memory = Path("/dev/shm")  # noqa: S108 - where there is none, it is the usual place
    with TemporaryDirectory(prefix="faults-", dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@contextmanager
def impatient(*, short_deadlines: bool) -> Iterator[None]:
    """Let the app wait in real time for less than in earnest, where nothing is there to be waited for.

    And let the SDK parse a moment once: it parses every one of a history at each replay, half the time of a world.
    """
    history = importlib.import_module("azure.durable_functions.models.history.HistoryEvent")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "dt_parse", cache(history.dt_parse))
        patch.setattr(jobs_api, "NOTICE_SECONDS", 0.1)
        patch.setattr(jobs_api, "LOOK_AGAIN_SECONDS", 0.02)
        patch.setattr(client, "READ_AGAIN_DEADLINE_SECONDS", 0.1)
        patch.setattr(client, "READ_AGAIN_PAUSE_SECONDS", 0.01)
        if short_deadlines:
            patch.setattr(acceptance, "RECORD_DEADLINE_SECONDS", _SHORT)
            patch.setattr(acceptance, "WITHDRAW_DEADLINE_SECONDS", _SHORT)
            patch.setattr(client, "START_DEADLINE_SECONDS", _SHORT)
            patch.setattr(client, "READ_DEADLINE_SECONDS", _SHORT)
            patch.setattr(jobs_api, "DEADLINE_SECONDS", 2 * _SHORT)
            patch.setattr(registration, "SWEEP_SECONDS", 2 * _SHORT)
        yield
