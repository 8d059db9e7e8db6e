"""A story with scripted activities, for the tests that tell stories over whole histories."""

from collections.abc import Iterator, Sequence
from typing import Any

from orchestrators.generate_video import generate_video
from shared.names import (
    CANCEL_RENDER,
    CHECK_RENDER,
    CLOSE_JOB,
    FETCH_RENDER,
    RELEASE_PLACE,
    REQUEST_PLACE,
    SUBMIT_RENDER,
    VERIFY_VIDEO,
)
from tests.support.builders import story_input, value
from tests.support.drive import Told, tell

GOOD: dict[str, Any] = {
    REQUEST_PLACE: value(grant="g1"),
    RELEASE_PLACE: value(),
    CANCEL_RENDER: value(told=True),
    CLOSE_JOB: value(),
    SUBMIT_RENDER: value(upstream_id="video_1"),
    CHECK_RENDER: value(rendered=True, progress=100),
    FETCH_RENDER: value(size=1000),
    VERIFY_VIDEO: value(width=1280, height=720, seconds=5.0),
}


NEEDED = (REQUEST_PLACE, SUBMIT_RENDER, CHECK_RENDER, FETCH_RENDER, VERIFY_VIDEO)
"""What a completed job cannot do without."""


class Script:
    """Plays activities: per name a list of outcomes, whose last one repeats; what is not scripted goes well."""

    def __init__(self, **scripted: list[Any]) -> None:
        self._left: dict[str, Iterator[Any]] = {name: iter(outcomes) for name, outcomes in scripted.items()}
        self._last = dict(GOOD)
        self.payloads: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, name: str, payload: dict[str, Any]) -> Any:
        self.payloads.append((name, payload))
        outcome = next(self._left.get(name, iter(())), None)
        if outcome is not None:
            self._last[name] = outcome
        if isinstance(self._last[name], Exception):
            raise self._last[name]
        return self._last[name]

    def sent(self, name: str) -> list[dict[str, Any]]:
        """Return the payloads of one activity, in order."""
        return [payload for called, payload in self.payloads if called == name]


def told(script: Script, *, events: Sequence[tuple[float, str]] = (), **changes: Any) -> Told:
    """Tell a job's story to its end; `changes` are flow settings or request fields."""
    return tell(generate_video, story_input(**changes), script, events=events)
