"""A recorded case: what was asked of the original, and every message that was exchanged."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devtools.host.episode import TimerLimits
from devtools.host.host_json import duration

RECORDED = Path(__file__).parents[1] / "recorded"
"""The cases of this project, `steps.json` and the app that they ran."""

Row = dict[str, Any]
Step = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """The rows of one recording and the steps that its client took."""

    name: str
    rows: tuple[Row, ...]
    steps: tuple[Step, ...]

    def rows_of(self, *kinds: str) -> list[Row]:
        """The rows of these kinds (`in`, `out`, `error`, `commit`, `status`, `http`, `sdk`), in order."""
        return [row for row in self.rows if row["dir"] in kinds]

    @property
    def timer_limits(self) -> TimerLimits:
        """From what length on a timer was split there, as its triggers say."""
        for row in self.rows_of("in"):
            if isinstance(row["body"], dict) and row["body"].get("maximumShortTimerDuration"):
                body = row["body"]
                return TimerLimits(
                    longest=duration(body["maximumShortTimerDuration"]),
                    step=duration(body["longRunningTimerIntervalDuration"]),
                )
        return TimerLimits()


def read_case(path: Path, steps: dict[str, list[Step]]) -> Case:
    """The case in a file; one that has no steps there is asked for what its `http` rows say."""
    rows = tuple(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return Case(path.stem, rows, tuple(_recorded(steps.get(path.stem) or list(_steps_of(rows)))))


def read_cases(folder: Path, steps_file: Path | None = None) -> list[Case]:
    """Every case in a folder; their steps are in `steps.json` there or in the folder above, unless told otherwise.

    Raises OSError, ValueError where something cannot be read.
    """
    found = steps_file or next(
        (at / "steps.json" for at in (folder, folder.parent) if (at / "steps.json").is_file()), None
    )
    steps = {} if found is None else json.loads(found.read_text(encoding="utf-8"))
    return [read_case(path, steps) for path in sorted(folder.glob("*.jsonl"))]


def _recorded(steps: list[Step]) -> list[Step]:
    """The steps as the recording has them: a read that was repeated at once is in it once."""
    return [step for number, step in enumerate(steps) if number == 0 or "read" not in step or step != steps[number - 1]]


def _steps_of(rows: tuple[Row, ...]) -> Iterator[Step]:
    """The requests of a recording without steps. What came between two of them is not known: the instances rest."""
    for row in rows:
        body = row["body"]
        if row["dir"] not in {"http", "sdk"}:
            continue
        yield {"rest": True}
        if isinstance(body, dict) and "request" in body:
            request = body["request"]
            yield {"http": request["method"], "path": request["path"], "body": request["body"], "label": body["label"]}
        else:
            yield {"sdk_call": row["function"]}
