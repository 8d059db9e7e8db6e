"""What `up` shows of the app's log."""

from pathlib import Path

from devtools.stack_command import WarningsOf


def test_only_new_and_complete_warnings_are_shown(tmp_path: Path) -> None:
    """Old lines, ordinary ones and half-written ones stay in the log."""
    log = tmp_path / "app.log"
    log.write_text("2026-11-22T10:00:00Z ERROR from the last run\n")
    warnings = WarningsOf(log)

    with log.open("a") as lines:
        lines.write("2026-11-22T10:00:01Z INFO an ERROR by name only\n2026-11-22T10:00:02Z WARNING slow\n2026-11-22T10")
    first = warnings.new()
    with log.open("a") as lines:
        lines.write(":00:03Z ERROR broken\n")
    second = warnings.new()

    assert first == ["2026-11-22T10:00:02Z WARNING slow"]
    assert second == ["2026-11-22T10:00:03Z ERROR broken"]
    assert warnings.new() == []
