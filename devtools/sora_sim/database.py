"""The simulator's one SQLite file. What has been committed survives `kill -9`; it need not survive a power cut."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS job (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    prompt TEXT NOT NULL,
    model TEXT NOT NULL,
    seconds INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    created_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    started_at REAL,
    completed_at REAL,
    status TEXT NOT NULL,
    progress INTEGER NOT NULL DEFAULT 0,
    renders INTEGER NOT NULL DEFAULT 0,
    error_code TEXT,
    error_message TEXT,
    gone TEXT,
    script TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS job_by_status ON job (status, number);
CREATE TABLE IF NOT EXISTS call (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    status INTEGER,
    job TEXT
);
CREATE VIEW IF NOT EXISTS crowd AS
SELECT count(*) AS unfinished, coalesce(sum(status = 'in_progress'), 0) AS rendering FROM job
WHERE status IN ('queued', 'in_progress') AND gone IS NULL;
CREATE TABLE IF NOT EXISTS high_water (unfinished INTEGER NOT NULL, rendering INTEGER NOT NULL);
INSERT INTO high_water SELECT unfinished, rendering FROM crowd WHERE NOT EXISTS (SELECT * FROM high_water);
CREATE TRIGGER IF NOT EXISTS job_added AFTER INSERT ON job BEGIN
    UPDATE high_water SET unfinished = max(unfinished, (SELECT crowd.unfinished FROM crowd));
END;
CREATE TRIGGER IF NOT EXISTS job_started AFTER UPDATE OF status ON job WHEN new.status = 'in_progress' BEGIN
    UPDATE high_water SET rendering = max(rendering, (SELECT crowd.rendering FROM crowd));
END;
"""
"""High-water marks rise by triggers: in the statement that raises the number, so that no `kill -9` comes in between."""

LATER_COLUMNS = {"started_at": "ALTER TABLE job ADD COLUMN started_at REAL"}
"""Of `job`: state folders outlive versions of the simulator."""


def open_database(path: Path) -> sqlite3.Connection:
    """Every statement commits by itself unless it stands in a `transaction`.

    The connection may move between threads, but is to be used by one at a time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    database.row_factory = sqlite3.Row
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = OFF")
    database.executescript(SCHEMA)
    columns = {row["name"] for row in database.execute("PRAGMA table_info(job)")}
    for column, addition in LATER_COLUMNS.items():
        if column not in columns:
            database.execute(addition)
    return database


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All of the statements inside, or none."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
