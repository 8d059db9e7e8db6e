"""Finds the first difference between what was recorded and what the local host exchanged."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from devtools.host.history import EventType
from tests.host.recordings.exchange import Exchange
from tests.host.recordings.normal import normal

_NOT_SERVED = ("/rewind", "/restart", "/entities/")
_NOT_SERVED_CALLS = {"The operation failed with an unexpected status code 400", "No instance with ID nope found."}
_MARKS = {EventType.ORCHESTRATOR_STARTED, EventType.ORCHESTRATOR_COMPLETED}
_ENDS = {
    EventType.TASK_COMPLETED,
    EventType.TASK_FAILED,
    EventType.SUB_ORCHESTRATION_INSTANCE_COMPLETED,
    EventType.SUB_ORCHESTRATION_INSTANCE_FAILED,
}
_MISSING = "<nothing>"
_SHOWN = 160


def difference(recorded: Exchange, ours: Exchange) -> str | None:
    """A sentence about the first difference, None where there is none.

    Tasks that run side by side may end in another order, and by other episodes, than they did in the recording: an
    instance with several open at once is the same where its history has the same events and its state is the same.
    Requests that the local host answers with 501 are left out, and so is what they did there.
    """
    return next(_differences(recorded, ours), None)


def _differences(recorded: Exchange, ours: Exchange) -> Iterator[str]:
    restarted = {instance for request in recorded.requests for instance in _restarted(request)}
    yield from _requests(recorded.requests, ours.requests, restarted)
    theirs, mine = _by_instance(recorded.commits), _by_instance(ours.commits)
    given, taken = _by_instance(recorded.episodes), _by_instance(ours.episodes)
    shown, seen = _by_instance(recorded.statuses), _by_instance(ours.statuses)
    for instance in sorted((theirs.keys() | mine.keys()) - restarted):
        parallel = _is_parallel(theirs[instance])
        if parallel:
            yield from _sequences(f"history of {instance}", _unordered(theirs[instance]), _unordered(mine[instance]))
        else:
            yield from _sequences(f"call of {instance}", given[instance], taken[instance])
            yield from _sequences(f"episode of {instance}", theirs[instance], mine[instance])
        if seen:
            yield from _sequences(
                f"status of {instance}",
                [_status(status, parallel=parallel) for status in shown[instance]],
                [_status(status, parallel=parallel) for status in seen[instance]],
            )
    if not restarted:
        yield from _sequences("activities", _activities(recorded), _activities(ours))


# Requests.


def _restarted(request: Any) -> Iterator[str]:
    path = request["request"]["path"] if _is_request(request) else ""
    if "/restart" in path:
        yield path.split("/")[2]
        yield "<id>"


def _requests(theirs: Sequence[Any], mine: Sequence[Any], restarted: set[str]) -> Iterator[str]:
    recorded: Any
    answered: Any
    for number, (recorded, answered) in enumerate(zip_longest(theirs, mine, fillvalue=_MISSING), start=1):
        if _is_not_served(recorded):
            continue
        if not (_is_request(recorded) and _is_request(answered)):
            yield from _values(f"call {number}", normal(recorded), normal(answered))
            continue
        what = f"request {number} ({recorded['request']['path']})"
        is_listing = isinstance(recorded["body"], list)
        if is_listing:
            yield from _listing(what, recorded["body"], answered["body"], restarted)
        yield from _values(what, _plain(recorded, body=not is_listing), _plain(answered, body=not is_listing))


def _is_request(row: Any) -> bool:
    return isinstance(row, dict) and "request" in row


def _is_not_served(row: Any) -> bool:
    if _is_request(row):
        return any(part in row["request"]["path"] for part in _NOT_SERVED)
    return isinstance(row, dict) and row.get("text") in _NOT_SERVED_CALLS and row.get("raised") == "Exception"


def _plain(row: Any, *, body: bool) -> Any:
    """A request with its headers by lower-case name, in no order, and without the recording's label."""
    headers = {name.lower(): value for name, value in sorted(row["headers"].items(), key=lambda item: item[0].lower())}
    return normal({**row, "headers": headers, "label": None, "body": row["body"] if body else None})


def _listing(what: str, theirs: list[Any], mine: list[Any], restarted: set[str]) -> Iterator[str]:
    """The recorded list has instances of other cases, too."""
    recorded = {normal(each["instanceId"]): each for each in theirs}
    for each in mine:
        instance = normal(each["instanceId"])
        if instance not in restarted:
            yield from _values(f"{instance} in {what}", normal(recorded.get(instance)), normal(each))


# Instances.


def _by_instance(groups: Mapping[str, Sequence[Any]]) -> defaultdict[str, list[Any]]:
    """The same by normal ids; instances whose ids were generated may fall together."""
    merged: defaultdict[str, list[Any]] = defaultdict(list)
    for instance, values in groups.items():
        merged[normal(instance)] += [normal(value) for value in values]
    return merged


def _is_parallel(commits: list[Any]) -> bool:
    """Whether several tasks of an instance were under way at once."""
    begun = ended = 0
    for event in (event for commit in commits for event in commit["newEvents"]):
        begun += event["EventType"] in {EventType.TASK_SCHEDULED, EventType.SUB_ORCHESTRATION_INSTANCE_CREATED}
        ended += event["EventType"] in _ENDS
        if begun - ended > 1:
            return True
    return False


def _unordered(commits: list[Any]) -> list[Any]:
    """The events of all executions without their order, and how the last episode left the instance."""
    events = [
        {**event, "IsPlayed": None}
        for commit in commits
        for event in commit["newEvents"]
        if event["EventType"] not in _MARKS
    ]
    return [
        *sorted(events, key=json.dumps),
        {name: value for name, value in commits[-1].items() if name != "newEvents"},
    ]


def _status(status: Any, *, parallel: bool) -> Any:
    if not parallel or "historyEvents" not in status:
        return status
    return {**status, "historyEvents": sorted(status["historyEvents"], key=json.dumps)}


def _activities(exchange: Exchange) -> list[Any]:
    return sorted((normal(list(_read(activity))) for activity in exchange.activities), key=json.dumps)


def _read(activity: tuple[str, Any, Any]) -> tuple[str, Any, Any]:
    name, given, outcome = activity
    return name, given, json.loads(outcome["value"]) if isinstance(outcome, dict) else outcome


# Values.


def _sequences(what: str, theirs: Sequence[Any], mine: Sequence[Any]) -> Iterator[str]:
    for number, (recorded, answered) in enumerate(zip_longest(theirs, mine, fillvalue=_MISSING), start=1):
        yield from _values(f"{what}, {number}", recorded, answered)


def _values(where: str, recorded: Any, answered: Any) -> Iterator[str]:
    """Where two normal values differ, down to the field."""
    if isinstance(recorded, dict) and isinstance(answered, dict) and list(recorded) == list(answered):
        for name, value in recorded.items():
            yield from _values(f"{where}: {name}", value, answered[name])
    elif isinstance(recorded, list) and isinstance(answered, list):
        for number, (one, other) in enumerate(zip_longest(recorded, answered, fillvalue=_MISSING)):
            yield from _values(f"{where}[{number}]", one, other)
    elif json.dumps(recorded) != json.dumps(answered):
        yield f"{where}: recorded {_short(recorded)}, here {_short(answered)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
