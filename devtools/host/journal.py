"""The durable state of all orchestrations and timer functions, in one SQLite file.

Every method is one transaction or one read. An episode's effects are kept together with the messages it consumed, so
a process killed at any moment has either done all of an episode or nothing of it. WAL without full synchronisation
survives the end of the process, not of the machine's power.

Not safe for several threads: the host uses it on its event loop only.
"""

import json
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from devtools.host import history, jsontext
from devtools.host.commands import Complete, CreateTimer, ScheduleActivity, StartChild
from devtools.host.episode import Generation, Work, parent_message
from devtools.host.history import Event, RuntimeStatus
from devtools.host.records import Due, Instance, InstanceExistsError, InstanceFilter, NewInstance, Task, TimerStatus
from devtools.host.timestamps import from_microseconds, from_text, to_microseconds

logger = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS instances (
    instance_id TEXT PRIMARY KEY, execution_id TEXT NOT NULL, name TEXT NOT NULL, status INTEGER NOT NULL,
    input TEXT, output TEXT, custom_status TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS history (
    instance_id TEXT NOT NULL, number INTEGER NOT NULL, event TEXT NOT NULL, PRIMARY KEY (instance_id, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inbox (
    message_id INTEGER PRIMARY KEY AUTOINCREMENT, instance_id TEXT NOT NULL, execution_id TEXT,
    due_at INTEGER NOT NULL, event TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS inbox_by_instance ON inbox (instance_id, message_id);
CREATE TABLE IF NOT EXISTS tasks (
    task_id INTEGER PRIMARY KEY AUTOINCREMENT, instance_id TEXT NOT NULL, execution_id TEXT NOT NULL,
    event_id INTEGER NOT NULL, name TEXT NOT NULL, input TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS timers (
    name TEXT PRIMARY KEY, last INTEGER, next INTEGER NOT NULL, computed_at INTEGER NOT NULL
);
"""


class Journal:
    """The journal in the file `path`, made when missing."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file; nothing is lost without it."""
        self._db.close()

    def freeze(self) -> None:
        """Write nothing from now on, as after the death of the process: changes raise sqlite3.OperationalError."""
        self._db.execute("PRAGMA query_only = ON")

    # Instances.

    def create(self, new: NewInstance, now: datetime, *, deliver: bool = True) -> Due | None:
        """Accept a new instance, replacing a finished one of the same id. Raises InstanceExistsError.

        One that is not to be delivered stays Pending.
        """
        with self._transaction():
            self._insert(new, now)
            return self._post_start(new, now, parent=None) if deliver else None

    def instance(self, instance_id: str) -> Instance | None:
        """The instance, if there is one."""
        row = self._db.execute("SELECT * FROM instances WHERE instance_id = ?", (instance_id,)).fetchone()
        return row and _instance(row)

    def instances(self, wanted: InstanceFilter, after: str, limit: int) -> list[Instance]:
        """Up to `limit` instances in order of id, beginning behind the id `after`."""
        rows = self._db.execute(
            "SELECT * FROM instances WHERE instance_id >= :first AND instance_id <> :after"
            " AND (:created_from IS NULL OR created_at >= :created_from)"
            " AND (:created_to IS NULL OR created_at <= :created_to)"
            " AND (:statuses IS NULL OR status IN (SELECT value FROM json_each(:statuses)))"
            " AND (:prefix IS NULL OR substr(instance_id, 1, length(:prefix)) = :prefix)"
            " ORDER BY instance_id LIMIT :limit",
            {**_parameters(wanted), "first": max(after, wanted.prefix or ""), "after": after, "limit": limit},
        )
        return [_instance(row) for row in rows]

    def history(self, instance_id: str) -> list[Event]:
        """The history of the present execution."""
        rows = self._db.execute("SELECT event FROM history WHERE instance_id = ? ORDER BY number", (instance_id,))
        return [json.loads(event) for (event,) in rows]

    def purge(self, instance_id: str) -> None:
        """Forget an instance and everything about it."""
        with self._transaction():
            self._forget(instance_id)

    # Messages.

    def send(self, instance_id: str, event: Event, now: datetime) -> Due:
        """Put a message from outside into an instance's inbox, for whatever execution is there when it is read."""
        with self._transaction():
            return self._post(instance_id, None, event, now)

    def all_due(self) -> list[Due]:
        """When each message that waits can be taken, oldest first; for a host that has just started."""
        rows = self._db.execute("SELECT instance_id, due_at FROM inbox ORDER BY message_id")
        return [Due(from_microseconds(due_at), instance_id) for instance_id, due_at in rows]

    def next_due(self, instance_id: str) -> Due | None:
        """When the first message that waits for an instance can be taken."""
        (due_at,) = self._db.execute("SELECT MIN(due_at) FROM inbox WHERE instance_id = ?", (instance_id,)).fetchone()
        return None if due_at is None else Due(from_microseconds(due_at), instance_id)

    def take_work(self, instance_id: str, now: datetime) -> Work | None:
        """What the next episode starts from, or None if there is nothing to do.

        Messages for executions that have ended are dropped; the others stay until the episode is committed.
        """
        instance = self.instance(instance_id)
        with self._transaction():
            if instance is None or instance.status.is_final:
                self._db.execute("DELETE FROM inbox WHERE instance_id = ?", (instance_id,))
                return None
            due = (instance_id, to_microseconds(now))
            self._db.execute(
                "DELETE FROM inbox WHERE instance_id = ? AND due_at <= ? AND execution_id <> ?",
                (*due, instance.execution_id),
            )
            messages = self._db.execute(
                "SELECT message_id, event FROM inbox WHERE instance_id = ? AND due_at <= ? ORDER BY due_at, message_id",
                due,
            ).fetchall()
        if not messages:
            return None
        return Work(
            instance_id=instance_id,
            execution_id=instance.execution_id,
            past=self.history(instance_id),
            messages=[json.loads(event) for _, event in messages],
            message_ids=[message_id for message_id, _ in messages],
        )

    def commit(self, work: Work, generations: Sequence[Generation], now: datetime) -> list[Due]:
        """Keep an episode: its events, what it asked for, the new state. Returns who has been sent something."""
        last = generations[-1]
        with self._transaction():
            self._db.executemany("DELETE FROM inbox WHERE message_id = ?", [(number,) for number in work.message_ids])
            if len(generations) > 1:
                self._db.execute("DELETE FROM history WHERE instance_id = ?", (work.instance_id,))
            rows = enumerate(last.new_events, start=len(last.past))
            self._db.executemany(
                "INSERT INTO history VALUES (?, ?, ?)",
                [(work.instance_id, number, jsontext.dumps(event)) for number, event in rows],
            )
            sent = [due for generation in generations for due in self._carry_out(work.instance_id, generation, now)]
            self._update(work.instance_id, last, now)
            if last.status.is_final:
                self._db.execute("DELETE FROM inbox WHERE instance_id = ?", (work.instance_id,))
                message = parent_message(last, now)
                if message is not None:
                    parent_id, parent_execution, event = message
                    sent.append(self._post(parent_id, parent_execution, event, now))
        return sent

    # Activities.

    def tasks_after(self, task_id: int, limit: int) -> list[Task]:
        """Up to `limit` activities to run, in the order they were asked for, beginning behind `task_id`."""
        rows = self._db.execute(
            "SELECT task_id, instance_id, execution_id, event_id, name, input FROM tasks"
            " WHERE task_id > ? ORDER BY task_id LIMIT ?",
            (task_id, limit),
        )
        return [Task(*row) for row in rows]

    def finish_task(self, task: Task, event: Event, now: datetime) -> Due:
        """Keep an activity's outcome as a message to its orchestration, if it has none yet."""
        with self._transaction():
            if not self._db.execute("DELETE FROM tasks WHERE task_id = ?", (task.task_id,)).rowcount:
                return Due(now, task.instance_id)
            return self._post(task.instance_id, task.execution_id, event, now)

    # Timer functions.

    def timer_status(self, name: str) -> TimerStatus | None:
        """What was kept last about a timer function."""
        row = self._db.execute("SELECT last, next, computed_at FROM timers WHERE name = ?", (name,)).fetchone()
        if row is None:
            return None
        last, next_at, computed_at = row
        begun = None if last is None else from_microseconds(last)
        return TimerStatus(begun, from_microseconds(next_at), from_microseconds(computed_at))

    def keep_timer_status(self, name: str, status: TimerStatus) -> None:
        """Keep when a timer function ran and is to run."""
        last = None if status.last is None else to_microseconds(status.last)
        row = (name, last, to_microseconds(status.next), to_microseconds(status.computed_at))
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO timers VALUES (?, ?, ?, ?)", row)

    # Parts of transactions.

    def _insert(self, new: NewInstance, now: datetime) -> None:
        existing = self.instance(new.instance_id)
        if existing is not None and not existing.status.is_final:
            raise InstanceExistsError(new.instance_id, existing.status)
        self._forget(new.instance_id)
        moment = to_microseconds(now)
        self._db.execute(
            "INSERT INTO instances (instance_id, execution_id, name, status, input, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (new.instance_id, new.execution_id, new.name, int(RuntimeStatus.PENDING), new.input_text, moment, moment),
        )

    def _post_start(self, new: NewInstance, now: datetime, *, parent: Event | None) -> Due:
        event = history.execution_started(
            now, new.instance_id, new.execution_id, new.name, new.input_text, parent=parent
        )
        return self._post(new.instance_id, new.execution_id, event, now)

    def _forget(self, instance_id: str) -> None:
        self._db.execute("DELETE FROM inbox WHERE instance_id = ?", (instance_id,))
        self._db.execute("DELETE FROM history WHERE instance_id = ?", (instance_id,))
        self._db.execute("DELETE FROM instances WHERE instance_id = ?", (instance_id,))

    def _post(self, instance_id: str, execution_id: str | None, event: Event, due_at: datetime) -> Due:
        self._db.execute(
            "INSERT INTO inbox (instance_id, execution_id, due_at, event) VALUES (?, ?, ?, ?)",
            (instance_id, execution_id, to_microseconds(due_at), jsontext.dumps(event)),
        )
        return Due(due_at, instance_id)

    def _carry_out(self, instance_id: str, generation: Generation, now: datetime) -> Iterator[Due]:
        for command in generation.commands:
            match command:
                case ScheduleActivity(event_id, name, input_text):
                    self._db.execute(
                        "INSERT INTO tasks (instance_id, execution_id, event_id, name, input) VALUES (?, ?, ?, ?, ?)",
                        (instance_id, generation.execution_id, event_id, name, input_text),
                    )
                case CreateTimer(event_id, fire_at):
                    event = history.timer_fired(now, event_id, fire_at)
                    yield self._post(instance_id, generation.execution_id, event, fire_at)
                case StartChild():
                    yield from self._start_child(instance_id, generation, command, now)
                case Complete():
                    pass  # the new state of the instance says it

    def _start_child(self, parent_id: str, parent: Generation, child: StartChild, now: datetime) -> Iterator[Due]:
        new = NewInstance(child.instance_id, uuid4().hex, child.name, child.input_text)
        try:
            self._insert(new, now)
        except InstanceExistsError as error:
            logger.warning("%s; %r, which calls it as a sub-orchestration, now waits for ever.", error, parent_id)
            return
        caller = history.parent_instance(parent.started["Name"], parent_id, parent.execution_id, child.event_id)
        yield self._post_start(new, now, parent=caller)

    def _update(self, instance_id: str, last: Generation, now: datetime) -> None:
        started = last.started
        values = (
            last.execution_id,
            int(last.status),
            started["Input"],
            last.completion and last.completion.result,
            last.custom_status,
            to_microseconds(from_text(started["Timestamp"])),
            to_microseconds(now),
            instance_id,
        )
        self._db.execute(
            "UPDATE instances SET execution_id = ?, status = ?, input = ?, output = ?, custom_status = ?,"
            " created_at = ?, updated_at = ? WHERE instance_id = ?",
            values,
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _instance(row: tuple[Any, ...]) -> Instance:
    instance_id, execution_id, name, status, input_text, output, custom_status, created_at, updated_at = row
    return Instance(
        instance_id,
        execution_id,
        name,
        RuntimeStatus(status),
        input_text,
        output,
        custom_status,
        from_microseconds(created_at),
        from_microseconds(updated_at),
    )


def _parameters(wanted: InstanceFilter) -> dict[str, Any]:
    statuses = None if wanted.statuses is None else json.dumps([int(status) for status in wanted.statuses])
    return {
        "created_from": wanted.created_from and to_microseconds(wanted.created_from),
        "created_to": wanted.created_to and to_microseconds(wanted.created_to),
        "statuses": statuses,
        "prefix": wanted.prefix,
    }
