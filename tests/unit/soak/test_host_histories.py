"""What the trial of the local host finds in a journal."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from devtools.host import history, jsontext
from devtools.host.history import Event, RuntimeStatus
from devtools.host.journal import Journal
from devtools.host.records import NewInstance
from tests.soak_host.histories import problems

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
GOOD = [
    history.task_scheduled(MOMENT, 0, "echo"),
    history.timer_created(MOMENT, 1, MOMENT),
    history.timer_fired(MOMENT, 1, MOMENT),
    history.task_failed(MOMENT, 0, "reason", "details"),
    history.task_scheduled(MOMENT, 2, "echo"),
    history.task_completed(MOMENT, 2, "1"),
]


def found(folder: Path, events: Sequence[Event], status: RuntimeStatus = RuntimeStatus.COMPLETED) -> list[str]:
    """What is found in a journal with one instance of this history."""
    path = folder / "journal.sqlite"
    journal = Journal(path)
    journal.create(NewInstance("one", "x", "chain", None), MOMENT, deliver=False)
    journal._db.execute("UPDATE instances SET status = ?", (int(status),))
    rows = [("one", number, jsontext.dumps(event)) for number, event in enumerate(events)]
    journal._db.executemany("INSERT INTO history VALUES (?, ?, ?)", rows)
    journal.close()
    return list(problems(path, {"one": 1}))


def test_history_in_order_has_no_problem(tmp_path: Path) -> None:
    """A task that failed, as it was to, among them."""
    assert found(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (history.task_scheduled(MOMENT, 2, "echo"), "one: the id 2 is taken twice"),
        (history.task_completed(MOMENT, 2, "1"), "one: task 2 has ended 2 times"),
        (history.task_completed(MOMENT, 7, "1"), "one: task 7 has ended and was never begun"),
        (history.timer_fired(MOMENT, 1, MOMENT), "one: timer 1 has fired 2 times"),
        (history.timer_fired(MOMENT, 5, MOMENT), "one: timer 5 has fired and was never set"),
        (history.child_failed(MOMENT, 2, "reason", None), "one: task 2 has ended 2 times"),
    ],
)
def test_message_that_came_twice_or_from_nowhere_is_found(more: Event, problem: str, tmp_path: Path) -> None:
    """With the instance and the number."""
    assert found(tmp_path, [*GOOD, more]) == [problem]


def test_more_failures_than_there_were_to_be_are_found(tmp_path: Path) -> None:
    """A retry that counted twice."""
    more = [history.task_scheduled(MOMENT, 3, "echo"), history.task_failed(MOMENT, 3, "reason", "details")]

    assert found(tmp_path, [*GOOD, *more]) == ["one: 2 tasks have failed, and 1 were to"]


def test_instance_that_has_not_ended_is_found(tmp_path: Path) -> None:
    """Everything was to end."""
    assert found(tmp_path, GOOD, RuntimeStatus.RUNNING) == ["one is Running"]


def test_task_that_is_left_of_an_instance_that_has_completed_is_found(tmp_path: Path) -> None:
    """Its orchestrator waited for every task."""
    assert _found_with_a_task_of(tmp_path, "one") == ["1 rows are left in tasks"]


def test_task_that_is_left_of_no_instance_is_found(tmp_path: Path) -> None:
    """Nobody asked for it."""
    assert _found_with_a_task_of(tmp_path, "nobody") == ["1 rows are left in tasks"]


def test_task_that_is_left_of_a_terminated_instance_is_no_problem(tmp_path: Path) -> None:
    """It may still run when the host is stopped; its outcome is dropped when it is looked at."""
    assert _found_with_a_task_of(tmp_path, "one", RuntimeStatus.TERMINATED) == []


def _found_with_a_task_of(folder: Path, instance_id: str, status: RuntimeStatus = RuntimeStatus.COMPLETED) -> list[str]:
    journal = Journal(folder / "journal.sqlite")
    journal._db.execute("INSERT INTO tasks VALUES (1, ?, 'x', 4, 'echo', '1')", (instance_id,))
    journal.close()
    return found(folder, GOOD, status)
