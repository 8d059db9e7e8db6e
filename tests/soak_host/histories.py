"""What must be true of every history, and of the journal when all is done."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from devtools.host.history import EventType, RuntimeStatus
from devtools.host.journal import Journal
from devtools.host.records import InstanceFilter

_BEGINS = {EventType.TASK_SCHEDULED, EventType.SUB_ORCHESTRATION_INSTANCE_CREATED}
_ENDS = {
    EventType.TASK_COMPLETED,
    EventType.TASK_FAILED,
    EventType.SUB_ORCHESTRATION_INSTANCE_COMPLETED,
    EventType.SUB_ORCHESTRATION_INSTANCE_FAILED,
}
_ACTIONS = _BEGINS | {EventType.TIMER_CREATED, EventType.EXECUTION_COMPLETED}


def problems(journal_path: Path, failures: dict[str, int]) -> Iterator[str]:
    """A sentence for everything that is wrong; `failures` says how many tasks may have failed, by instance id."""
    journal = Journal(journal_path)
    after = ""
    while page := journal.instances(InstanceFilter(), after, 100):
        for instance in page:
            if not instance.status.is_final:
                yield f"{instance.instance_id} is {instance.status.title}"
            for problem in _wrong_with(journal, instance.instance_id, failures.get(instance.instance_id)):
                yield f"{instance.instance_id}: {problem}"
        after = page[-1].instance_id
    journal.close()
    with sqlite3.connect(journal_path) as left:
        for table in ("inbox", "tasks"):
            # What belongs to instances that were terminated is dropped when it is looked at.
            (count,) = left.execute(
                f"SELECT COUNT(*) FROM {table} LEFT JOIN instances USING (instance_id) WHERE status IS NOT ?",  # noqa: S608
                (int(RuntimeStatus.TERMINATED),),
            ).fetchone()
            if count:
                yield f"{count} rows are left in {table}"
    left.close()


def _wrong_with(journal: Journal, instance_id: str, failures: int | None) -> Iterator[str]:
    events = journal.history(instance_id)
    ids = Counter(event["EventId"] for event in events if event["EventType"] in _ACTIONS)
    begun = {event["EventId"] for event in events if event["EventType"] in _BEGINS}
    ended = Counter(event["TaskScheduledId"] for event in events if event["EventType"] in _ENDS)
    timers = {event["EventId"] for event in events if event["EventType"] == EventType.TIMER_CREATED}
    fired = Counter(event["TimerId"] for event in events if event["EventType"] == EventType.TIMER_FIRED)
    yield from (f"the id {number} is taken twice" for number, count in ids.items() if count > 1)
    yield from (f"task {number} has ended {count} times" for number, count in ended.items() if count > 1)
    yield from (f"timer {number} has fired {count} times" for number, count in fired.items() if count > 1)
    yield from (f"task {number} has ended and was never begun" for number in ended.keys() - begun)
    yield from (f"timer {number} has fired and was never set" for number in fired.keys() - timers)
    failed = sum(event["EventType"] == EventType.TASK_FAILED for event in events)
    if failures is not None and failed > failures:
        yield f"{failed} tasks have failed, and {failures} were to"
