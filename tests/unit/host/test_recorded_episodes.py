"""Episodes recorded on Microsoft's Durable extension 3.14.1 and DurableTask.Core 3.9.0, with the SDK's version 1.7.0.

Each file is one case, one JSON object per line. Here the engine is given what an orchestrator had been given and what
it had answered, and must ask for the same and write the same history. Moments, generated ids and stack traces differ.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from devtools.host.answer import KnownNames
from devtools.host.episode import EpisodeRunner, Generation, TimerLimits, Work
from devtools.host.failures import FunctionError
from devtools.host.history import EventType

CASES = sorted((Path(__file__).parents[2] / "host" / "recorded").glob("*.jsonl"))
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
_GENERATED = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_STACK = re.compile(r"Stack: .*", re.DOTALL)
_MISSING = "nosuch"


class Recording:
    """One recorded case, read from the top."""

    def __init__(self, path: Path) -> None:
        self.rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def answers(self, position: int, name: str) -> Iterator[dict[str, Any]]:
        """What the orchestrator answered to the call at `position` and those after it."""
        return (row for row in self.rows[position:] if row["function"] == name and row["dir"] in {"out", "error"})

    def commits(self, position: int, instance_id: str) -> Iterator[dict[str, Any]]:
        """The instance's episodes as they were stored, from `position` on."""
        return (
            row["body"] for row in self.rows[position:] if row["dir"] == "commit" and row["function"] == instance_id
        )

    def known_names(self) -> KnownNames:
        """Every name in the recording, but for those that were missing on purpose."""
        names = set(re.findall(r"functionName[^a-zA-Z]+([A-Za-z]+)", json.dumps(self.rows)))
        names |= {row["function"] for row in self.rows}
        known = {name.lower(): name for name in names if not name.startswith(_MISSING)}
        return KnownNames(known, known)


def normal(value: Any) -> Any:
    """A value without what differs from run to run."""
    text = json.dumps(value, sort_keys=True)
    return json.loads(_GENERATED.sub("<id>", _MOMENT.sub("<moment>", text)))


def normal_events(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """History events without stack traces."""
    cut = [{**event, "Details": "<details>"} if "Details" in event else event for event in events]
    for event in cut:
        if isinstance(event.get("Result"), str):
            event["Result"] = _STACK.sub("Stack: <stack>", event["Result"])
    return [dict(event) for event in normal(cut)]


def run_episode(recording: Recording, position: int) -> list[Generation]:
    """The engine's own episode from what the recorded one had started from."""
    row = recording.rows[position]
    trigger, name = row["body"], row["function"]
    history = trigger["history"]
    begin = max(number for number, event in enumerate(history) if event["EventType"] == EventType.ORCHESTRATOR_STARTED)
    answers = recording.answers(position, name)

    def call(_name: str, text: str) -> str:
        given = json.loads(text)
        assert list(given) == list(trigger)
        answer = next(answers)["body"]
        if isinstance(answer, dict):
            return json.dumps(answer)
        _, _, message = answer.partition("Exception: ")
        type_name, _, rest = message.partition(": ")
        raise FunctionError(type_name, rest.partition("\nStack: ")[0], "")

    execution_id = history[1]["OrchestrationInstance"]["ExecutionId"]
    work = Work(trigger["instanceId"], execution_id, history[:begin], history[begin + 1 :])
    runner = EpisodeRunner(call, recording.known_names(), lambda: datetime.now(UTC), TimerLimits())
    return runner.run(work)


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_engine_writes_the_history_that_microsofts_engine_wrote(path: Path) -> None:
    """Events, ids, names, results, order, `IsPlayed`, status and custom status of every episode."""
    recording = Recording(path)
    compared = 0

    for position, row in enumerate(recording.rows):
        if row["dir"] != "in" or not isinstance(row["body"], dict):
            continue
        if row["body"]["history"][-1]["EventType"] == EventType.ORCHESTRATOR_COMPLETED:
            continue  # a next generation, which runs in the episode of the one before
        commits = recording.commits(position, row["body"]["instanceId"])
        for generation, commit in zip(run_episode(recording, position), commits, strict=False):
            custom_status = commit["customStatus"]
            assert normal_events(generation.new_events) == normal_events(commit["newEvents"])
            assert [list(event) for event in generation.new_events] == [list(event) for event in commit["newEvents"]]
            assert generation.status.title == commit["status"]
            assert (generation.custom_status and json.loads(generation.custom_status)) == (
                custom_status and json.loads(custom_status)
            )
            compared += 1

    assert compared > 0


def test_recordings_are_there() -> None:
    """An empty folder would make the test above pass without a case."""
    assert len(CASES) >= 15
