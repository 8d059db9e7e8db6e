"""Freezes histories of today's stories: `python -m devtools.freeze_histories NAME` writes tests/histories/*.NAME.json.

Run it when a story has changed on purpose, with the new version as NAME, and keep the older files: jobs that began
under them must go on under the new code. Each file holds, for every execution of the story, what the engine sent to
the orchestrator in its last episode and what it answered: the whole history, and every decision made over it.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df

from devtools.host.inprocess import in_process_host
from orchestrators import registration
from shared.jobs.models import STORY_VERSION, StoryState
from shared.names import (
    ACTIVITIES,
    CANCEL_JOB,
    CANCEL_RENDER,
    CHECK_RENDER,
    CLOSE_JOB,
    FETCH_RENDER,
    GENERATE_VIDEO,
    PLACE_GRANTED,
    RELEASE_PLACE,
    REQUEST_PLACE,
    SUBMIT_RENDER,
    VERIFY_VIDEO,
)

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "histories"

JOB_ID = "01jyg74z6ee6e9y23ceq2fmwc4"

INPUT: dict[str, Any] = {
    "job_id": JOB_ID,
    "request": {"prompt": "A golden retriever playing in a sunny park", "duration": 15, "width": 1920, "height": 1080},
    "flow": {
        "submit_timeout_seconds": 3600.0,
        "render_timeout_seconds": 7200.0,
        "store_timeout_seconds": 1800.0,
        "poll_first_seconds": 5.0,
        "poll_longest_seconds": 75.0,
        "retry_first_seconds": 2.0,
        "retry_longest_seconds": 60.0,
        "unknown_submission": "resubmit",
        "wait_timeout_seconds": 1_209_600.0,
        "job_timeout_seconds": 1_814_400.0,
        "video_retention_seconds": 2_592_000.0,
    },
    "state": StoryState().model_dump(mode="json"),
    "version": STORY_VERSION,
}

Outcome = dict[str, Any]
Script = dict[str, list[Outcome]]


def _value(**fields: Any) -> Outcome:
    return {"value": fields}


def _failure(code: str, reason: str, *, retryable: bool = True, after: float | None = None) -> Outcome:
    return {"failure": {"code": code, "reason": reason, "retryable": retryable, "retry_after_seconds": after}}


_RENDERED = [_value(rendered=True, progress=100)]
_GOOD: Script = {
    REQUEST_PLACE: [_value(grant="0c1d2e3f")],
    RELEASE_PLACE: [_value()],
    CANCEL_RENDER: [_value(told=True)],
    CLOSE_JOB: [_value()],
    SUBMIT_RENDER: [_value(upstream_id="video_68f10c5428708190a98980c2d2b21a78")],
    CHECK_RENDER: _RENDERED,
    FETCH_RENDER: [_value(size=561_304)],
    VERIFY_VIDEO: [_value(width=1920, height=1080, seconds=15.0, expires_at="2026-01-31T00:00:00Z")],
}
_INVALID = _failure("invalid_upstream_video", "invalid_upstream_video", retryable=False)

_NO_PLACE = _value(grant=None, ask_again_at=None)
_LOST = _failure("upstream_lost", "provider_job_lost")

EVENTS: dict[str, list[tuple[timedelta, str]]] = {
    "waited-in-line": [(timedelta(hours=2), PLACE_GRANTED)],
    "woken-for-nothing": [(timedelta(hours=1), PLACE_GRANTED), (timedelta(hours=1), PLACE_GRANTED)],
    "cancelled-while-waiting": [(timedelta(hours=1), CANCEL_JOB)],
    "cancelled-while-rendering": [(timedelta(minutes=10), CANCEL_JOB), (timedelta(), CANCEL_JOB)],
}
"""Per story, the events that it is sent: each so long after the one before, at no distance in the same moment."""

STORIES: dict[str, Script] = {
    "waited-in-line": {REQUEST_PLACE: [_NO_PLACE, *_GOOD[REQUEST_PLACE]]},
    "woken-for-nothing": {REQUEST_PLACE: [_NO_PLACE, _NO_PLACE, _NO_PLACE, *_GOOD[REQUEST_PLACE]]},
    "waited-in-vain": {REQUEST_PLACE: [_NO_PLACE]},
    "cancelled-while-waiting": {REQUEST_PLACE: [_NO_PLACE]},
    "cancelled-while-rendering": {CHECK_RENDER: [_value(rendered=False, progress=20)]},
    "took-its-turn": {SUBMIT_RENDER: [_failure("rate_limited", "too_early", after=37.5), *_GOOD[SUBMIT_RENDER]]},
    "rendered-too-long": {
        CHECK_RENDER: [_value(rendered=False, progress=20)],
        CANCEL_RENDER: [_failure("upstream_unavailable", "provider_unavailable"), *_GOOD[CANCEL_RENDER]],
    },
    "lost-and-asked-for-again": {CHECK_RENDER: [*[_LOST] * 6, *_RENDERED]},
    "left-for-the-sweep": {
        RELEASE_PLACE: [_failure("internal", "storage_unavailable")],
        CLOSE_JOB: [_failure("internal", "storage_unavailable")],
    },
    "completed": {CHECK_RENDER: [_value(rendered=False, progress=p) for p in (0, 40, 80)] + _RENDERED},
    "throttled-then-completed": {
        SUBMIT_RENDER: [_failure("rate_limited", "provider_throttled", after=90.0), *_GOOD[SUBMIT_RENDER]],
        REQUEST_PLACE: [
            *_GOOD[REQUEST_PLACE],
            _value(grant=None, ask_again_at="2026-01-01T00:01:30Z"),
            _value(grant="4a"),
        ],
    },
    "submission-in-doubt": {
        SUBMIT_RENDER: [
            _failure("submission_unknown", "provider_ambiguous", after=10.0),
            _failure("submission_unknown", "provider_rejected", retryable=False),
        ],
    },
    "long-render-over-generations": {CHECK_RENDER: [_value(rendered=False, progress=None)] * 30 + _RENDERED},
    "refused-for-content": {CHECK_RENDER: [_failure("content_policy", "provider_rejected", retryable=False)]},
    "outage-while-looking-and-fetching": {
        CHECK_RENDER: [_failure("upstream_unavailable", "provider_unavailable")] * 3 + _RENDERED,
        FETCH_RENDER: [_failure("internal", "storage_unavailable"), *_GOOD[FETCH_RENDER]],
    },
    "fetched-twice": {VERIFY_VIDEO: [_INVALID, *_GOOD[VERIFY_VIDEO]]},
    "activity-lost-by-the-host": {FETCH_RENDER: [{}, *_GOOD[FETCH_RENDER]]},
}
"""Per story, the outcomes of its activities in turn; the last one repeats, and what is not named goes well. An outcome
without value and failure stands for an activity that the host could not finish."""


def _app(script: Script) -> df.DFApp:
    app = df.DFApp()
    app.register_functions(registration.blueprint)
    for name in ACTIVITIES:
        _play(app, name, list(script.get(name, _GOOD[name])))
    return app


def _play(app: df.DFApp, name: str, outcomes: list[Outcome]) -> None:
    @app.function_name(name)
    @app.activity_trigger(input_name="payload", activity=name)  # type: ignore[untyped-decorator]  # no types in the SDK
    def play(payload: dict) -> dict:  # type: ignore[type-arg]  # noqa: ARG001 - the shape that the worker accepts
        outcome = outcomes.pop(0) if len(outcomes) > 1 else outcomes[0]
        if not outcome:
            raise RuntimeError("the host lost the activity")
        return outcome


async def record(script: Script, events: Sequence[tuple[timedelta, str]] = ()) -> list[dict[str, Any]]:
    """Tell a story on the durable engine and return the last episode of each execution: what came in, what went out."""
    executions: list[dict[str, Any]] = []

    def heard(trigger: str, answer: str) -> None:
        told = {"in": _without_tracebacks(json.loads(trigger)), "out": json.loads(answer)}
        if told["in"]["isReplaying"]:
            executions.pop()
        executions.append(told)

    with tempfile.TemporaryDirectory() as folder:
        async with in_process_host(_app(script), Path(folder), on_episode=heard) as host:
            job = host.start(GENERATE_VIDEO, INPUT, JOB_ID)
            for after, event in events:
                if after:
                    await host.advance(after)
                host.raise_event(job, event)
            await host.end_of(job)
    return executions


def _without_tracebacks(trigger: dict[str, Any]) -> dict[str, Any]:
    """Leave out the paths of the machine that recorded."""
    for event in trigger["history"]:
        if event.get("Details"):
            event["Details"] = "a traceback"
    return trigger


def main(arguments: Sequence[str]) -> int:
    """Write one file per story; return the exit code."""
    if len(arguments) != 1:
        print("Give the version to freeze: python -m devtools.freeze_histories 0.1.0")
        return 2
    for name, script in STORIES.items():
        executions = asyncio.run(record(script, EVENTS.get(name, ())))
        path = FOLDER / f"{name}.{arguments[0]}.json"
        path.write_text(json.dumps({"orchestrator": GENERATE_VIDEO, "executions": executions}, indent=1) + "\n")
        print(f"{path.name}: {len(executions)} executions")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
