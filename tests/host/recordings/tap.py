"""A worker whose calls are listened to, and the commits of an engine, as an `Exchange`."""

import json
from collections.abc import Sequence
from typing import Any

from devtools.host.catalog import Catalog
from devtools.host.episode import Generation
from devtools.host.failures import FunctionError
from devtools.host.worker import Worker
from tests.host.recordings.exchange import Exchange


class TappedWorker(Worker):
    """A worker that keeps what functions are given and what they answer."""

    def __init__(self, catalog: Catalog, client_binding: str, heard: Exchange) -> None:
        super().__init__(catalog, client_binding)
        self._heard = heard

    def call_orchestrator(self, name: str, trigger: str) -> str:
        """Call an orchestrator. Raises FunctionError."""
        given = json.loads(trigger)
        try:
            answer = super().call_orchestrator(name, trigger)
        except FunctionError as error:
            self._heard.episodes[given["instanceId"]].append((given, error.report))
            raise
        self._heard.episodes[given["instanceId"]].append((given, json.loads(answer)))
        return answer

    async def call_activity(self, name: str, input_text: str) -> str | None:
        """Run an activity. Raises FunctionError."""
        outcome: Any
        try:
            result = await super().call_activity(name, input_text)
        except FunctionError as error:
            self._heard.activities.append((name.lower(), input_text, error.report))
            raise
        outcome = {"type": "json", "value": "null" if result is None else result}
        self._heard.activities.append((name.lower(), input_text, outcome))
        return result


def keep_commit(heard: Exchange, instance_id: str, generations: Sequence[Generation]) -> None:
    """Note an episode as it was kept."""
    for generation in generations:
        heard.commits[instance_id].append(
            {
                "status": generation.status.title,
                "newEvents": [dict(event) for event in generation.new_events],
                "output": generation.completion and generation.completion.result,
                "customStatus": generation.custom_status,
                "failureDetails": None,
            }
        )
