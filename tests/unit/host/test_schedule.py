"""NCRONTAB expressions: which moments they name, and which texts are none."""

from datetime import UTC, datetime

import pytest

from devtools.host.schedule import Schedule, ScheduleError

# A Thursday.
NOW = datetime(2026, 1, 1, 10, 20, 30, 500_000, tzinfo=UTC)


def moments(text: str, count: int = 3) -> list[str]:
    """The next moments of a schedule, without the date's zone."""
    found = [NOW]
    for _ in range(count):
        found.append(Schedule(text).next_after(found[-1]))
    return [moment.strftime("%d.%m. %H:%M:%S") for moment in found[1:]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("* * * * * *", ["01.01. 10:20:31", "01.01. 10:20:32", "01.01. 10:20:33"]),
        ("*/20 * * * * *", ["01.01. 10:20:40", "01.01. 10:21:00", "01.01. 10:21:20"]),
        ("0 */5 * * * *", ["01.01. 10:25:00", "01.01. 10:30:00", "01.01. 10:35:00"]),
        ("30 20 10 * * *", ["02.01. 10:20:30", "03.01. 10:20:30", "04.01. 10:20:30"]),
        ("0 0 8,20 * * *", ["01.01. 20:00:00", "02.01. 08:00:00", "02.01. 20:00:00"]),
        ("0 0 22-23/1 1 * *", ["01.01. 22:00:00", "01.01. 23:00:00", "01.02. 22:00:00"]),
        ("0 50/5 10 * Jan Thu", ["01.01. 10:50:00", "01.01. 10:55:00", "08.01. 10:50:00"]),
        ("0 0 0 31 * *", ["31.01. 00:00:00", "31.03. 00:00:00", "31.05. 00:00:00"]),
        ("15 10 * * *", ["02.01. 10:15:00", "03.01. 10:15:00", "04.01. 10:15:00"]),
    ],
)
def test_schedule_names_the_moments_that_azure_names(text: str, expected: list[str]) -> None:
    """Second, minute, hour, day, month, weekday; five fields begin with the minute."""
    assert moments(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 0 0 13 * Fri", ["13.02. 00:00:00", "13.03. 00:00:00", "13.11. 00:00:00"]),
        ("0 0 0 * * 1/3", ["05.01. 00:00:00", "08.01. 00:00:00", "12.01. 00:00:00"]),
    ],
)
def test_where_cron_and_azure_differ_azure_is_followed(text: str, expected: list[str]) -> None:
    """Day and weekday must both fit, and no step reaches a second Sunday."""
    assert moments(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("* * * *", "Wrong number of fields"),
        ("* * * * * * *", "Wrong number of fields"),
        ("60 * * * * *", "Bad second"),
        ("0 0 24 * * *", "Bad hour"),
        ("0 0 0 0 * *", "Bad day-of-month"),
        ("0 0 0 * * 7", "days of the week are 0 (Sunday) to 6"),
        ("0 0 0 L * *", "'L' cannot be read"),
        ("0 0 0 LW * *", "'LW' cannot be read"),
        ("0 0 0 * * 5L", "'5L' cannot be read"),
        ("0 0 0 * * 5#2", "'5#2' cannot be read"),
        ("0 0 0 * * Nev", "Bad day-of-week"),
        ("0 0 0 30 2 *", "Bad day-of-month"),
        ("0 0 0 30 2 Mon", "there is no such day"),
        ("00:05:00", "'00:05:00' cannot be read"),
        ("%SCHEDULE%", "'%SCHEDULE%' cannot be read"),
        ("", "Wrong number of fields"),
    ],
)
def test_text_that_azure_or_the_host_cannot_read_is_refused(text: str, reason: str) -> None:
    """The message has the text and what is wrong with it."""
    with pytest.raises(ScheduleError) as refused:
        Schedule(text)

    assert str(refused.value).startswith(f"the schedule {text!r} is no NCRONTAB expression")
    assert str(refused.value).endswith(f": {reason}")


@pytest.mark.parametrize(
    ("text", "monitored"),
    [
        ("* * * * * *", False),
        ("*/30 * * * * *", False),
        ("0 * * * * *", True),
        ("* * * * *", True),
        ("* */20 * * * *", True),
        ("* * 12 * * *", True),
    ],
)
def test_only_what_runs_several_times_in_every_minute_is_not_monitored(text: str, monitored: bool) -> None:
    """As on Azure, whatever `use_monitor` says."""
    assert Schedule(text).is_monitored is monitored
