"""When a timer function runs: NCRONTAB schedules, by Azure's reading of them.

`second minute hour day month weekday`, in UTC; five fields begin with the minute, as there. cronsim finds the moments.
What it takes and Azure does not is refused here, and where both take an expression and read it differently, Azure's
reading counts. Time spans (`00:05:00`) and app settings (`%NAME%`) are not read and refused.
"""

import re
from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

_VALUE = r"(?:\d+|[A-Za-z]{3})"
_TERM = rf"(?:\*|{_VALUE}(?:-{_VALUE})?)(?:/\d+)?"
# Azure knows no `L`, `LW` or `#`.
_FIELD = re.compile(rf"{_TERM}(?:,{_TERM})*")
_STEP = re.compile(r"/\d+")
_SUNDAY_AGAIN = 7
_ANY_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)


class ScheduleError(Exception):
    """The text is no schedule that the host can run; the message says why."""


class Schedule:
    """The moments that an NCRONTAB expression names."""

    def __init__(self, text: str) -> None:
        """Raises ScheduleError."""
        self._text = text
        if problem := self._problem():
            raise ScheduleError(
                f"the schedule {text!r} is no NCRONTAB expression (second minute hour day month weekday): {problem}"
            )

    def __str__(self) -> str:
        return self._text

    def next_after(self, moment: datetime) -> datetime:
        """The first moment of the schedule behind `moment`."""
        return next(self._from(moment))  # there is one: the calendar repeats itself within the years that are searched

    @property
    def is_monitored(self) -> bool:
        """Whether missed runs are caught up with. Azure does not for what runs several times in every minute."""
        rest = self._text.split()[-5:]
        return rest != ["*"] * 5 or len(self._from(_ANY_MOMENT).seconds) == 1

    def _problem(self) -> str | None:
        fields = self._text.split()
        for field in fields:
            if not _FIELD.fullmatch(field):
                return f"{field!r} cannot be read"
        if fields and any(int(number) >= _SUNDAY_AGAIN for number in re.findall(r"\d+", _STEP.sub("", fields[-1]))):
            return "days of the week are 0 (Sunday) to 6"
        try:
            return None if next(self._from(_ANY_MOMENT), None) else "there is no such day"
        except CronSimError as error:
            return str(error)

    def _from(self, moment: datetime) -> CronSim:
        moments = CronSim(self._text, moment)
        moments.day_and = True  # day and weekday must both fit; Debian's cron is content with one
        moments.weekdays.discard(_SUNDAY_AGAIN)  # which `1/3` would reach there
        return moments
