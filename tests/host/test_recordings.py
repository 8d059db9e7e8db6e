"""The local host exchanges the messages that Microsoft's durable engine exchanged, case by case.

Recorded with the Durable extension 3.14.1, DurableTask.Core 3.9.0 and azure-functions-durable 1.7.0. Here the same
functions run on the host's engine, asked by the SDK's own client and over HTTP, in real time.
"""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.host.recordings.case import RECORDED, Case, read_cases
from tests.host.recordings.compare import difference
from tests.host.recordings.exchange import exchange_of
from tests.host.recordings.trial import NOT_REPRODUCED, Verdict, try_cases

CASES = {case.name: case for case in read_cases(RECORDED)}


@pytest.fixture(scope="module")
def verdicts() -> dict[str, Verdict]:
    """How every case went; they run side by side, because most of their time they sleep."""

    async def all_of_them() -> dict[str, Verdict]:
        return {verdict.case.name: verdict async for verdict in try_cases(list(CASES.values()))}

    return asyncio.run(all_of_them())


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", CASES)
def test_the_messages_are_those_that_were_recorded(name: str, verdicts: dict[str, Verdict]) -> None:
    """What functions are given and answer, what is kept of each episode, what the client is answered."""
    if name in NOT_REPRODUCED:
        assert verdicts[name].difference is not None, "It is reproduced: strike it off the list, and in the docs."
    else:
        assert verdicts[name].difference is None


def test_the_recordings_are_all_there() -> None:
    """A folder without cases would pass unnoticed."""
    assert len(CASES) == 67
    assert set(NOT_REPRODUCED) <= set(CASES)


def test_cases_that_are_not_reproduced_are_listed_in_the_docs() -> None:
    """Who relies on the local host reads there what it does otherwise."""
    docs = Path("docs/local-host.md").read_text(encoding="utf-8")

    assert [name for name in NOT_REPRODUCED if f"`{name}`" not in docs] == []


def changed(case: Case, find: str, put: str) -> Case:
    """The case as if something else had been recorded."""
    text = json.dumps(case.rows)
    assert find in text
    rows: list[dict[str, Any]] = json.loads(text.replace(find, put))
    return replace(case, rows=tuple(rows))


@pytest.mark.parametrize(
    ("name", "find", "put"),
    [
        ("activity-name-casing", '"TaskScheduledId": 0', '"TaskScheduledId": 1'),
        ("activity-name-casing", '"upperSchemaVersionNew": 3', '"upperSchemaVersionNew": 2'),
        ("activity-name-casing", '"IsPlayed": true', '"IsPlayed": false'),
        ("activity-name-casing", '"Version": null, "Input"', '"Input"'),
        ("activity-name-casing", '"runtimeStatus": "Completed"', '"runtimeStatus": "Failed"'),
        ("activity-raises-caught", "failed:  ValueError", "failed: ValueError"),
        ("all-fanout-3", '"TaskScheduledId": 2', '"TaskScheduledId": 1'),
        ("event-raised-no-body", '"status": 400', '"status": 202'),
        ("event-raised-no-body", '"Message": "Invalid JSON content"', '"Message": "Bad"'),
    ],
)
def test_another_message_than_the_recorded_one_is_found(
    name: str, find: str, put: str, verdicts: dict[str, Verdict]
) -> None:
    """The comparison is no sieve: one changed field, id, mark, blank or status is a difference."""
    other = changed(CASES[name], find, put)

    assert difference(exchange_of(other.rows), verdicts[name].ours) is not None
