"""What was exchanged in one run of a case, sorted by who exchanged it: the form in which two runs are compared."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.host.recordings.case import Row


@dataclass
class Exchange:
    """The messages of one run.

    `episodes` are pairs of what an orchestrator was given and what it answered, `commits` what was kept of them,
    `statuses` what reads showed, each by instance id and in order; `activities` are (name, input, outcome) in any
    order; `requests` are the answers to the client, in order.
    """

    episodes: dict[str, list[tuple[Any, Any]]] = field(default_factory=lambda: defaultdict(list))
    commits: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    activities: list[tuple[str, Any, Any]] = field(default_factory=list)
    statuses: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    requests: list[Any] = field(default_factory=list)

    def count(self) -> int:
        """How many messages there are by now."""
        return len(self.activities) + sum(map(len, self.commits.values()))


def exchange_of(rows: tuple[Row, ...]) -> Exchange:
    """The exchange that a recording holds; an answer belongs to the oldest call of its function without one."""
    exchange = Exchange()
    open_calls: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        body, function = row["body"], row["function"]
        match row["dir"]:
            case "in":
                open_calls[function].append(body)
            case "out" | "error":
                given = open_calls[function].pop(0)
                if isinstance(given, dict):
                    exchange.episodes[given["instanceId"]].append((given, body))
                else:
                    exchange.activities.append((function.lower(), given, body))
            case "commit":
                exchange.commits[function].append(body)
            case "status":
                shown = {name: value for name, value in body.items() if name != "labNote"}
                exchange.statuses[body.get("instanceId", function)].append(shown)
            case "http" | "sdk":
                exchange.requests.append(body)
    return exchange
