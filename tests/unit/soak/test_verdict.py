"""The judge of a soak: satisfied with a sound run, and with nothing else."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.soak.evidence import UNKNOWN, Evidence, Remains, Request, Sighting
from tests.soak.verdict import verdict

PLACES = 2


def details(status: str, code: str | None = None, submits: int = 1) -> dict[str, Any]:
    """Return what the API tells of a job."""
    return {"status": status, "code": code, "submits": submits, "stage": None}


def render(prompt: str, gone: str | None = None) -> dict[str, Any]:
    """Return a render as the simulator tells of it."""
    return {"prompt": prompt, "gone": gone}


def sound() -> Evidence:
    """Return what a run without a flaw leaves: a completed job, a repeated one, one cancelled in line and one later."""
    return Evidence(
        requests=[
            Request(1, "one, try 1", "refused", 500),
            Request(1, "one, try 2", "unanswered"),
            Request(1, "one, try 3", "accepted", 200, "a"),
            Request(2, "two", "unanswered"),
            Request(2, "two", "accepted", 200, "b"),
            Request(2, "two", "accepted", 200, "b"),
            Request(3, "three, try 1", "accepted", 200, "c"),
            Request(4, "four, try 1", "accepted", 200, "d"),
        ],
        sightings={
            "a": [Sighting(1, 2, "queued"), Sighting(3, 4, "processing"), Sighting(5, 6, "completed")],
            "c": [
                Sighting(1, 2, "failed", None, "Job was cancelled"),
                Sighting(3, 4, "failed", "cancelled", "Job was cancelled"),
            ],
        },
        cancelled={"c", "d"},
        details={
            "a": details("completed"),
            "b": details("completed"),
            "c": details("failed", "cancelled", submits=0),
            "d": details("failed", "cancelled"),
        },
        renders=[render("one, try 2"), render("one, try 3"), render("two"), render("four, try 1", gone="deleted")],
        stats={"most_unfinished": PLACES, "unfinished": 0},
        files={"a": "", "b": ""},
    )


def test_a_sound_run_is_found_to_be_sound() -> None:
    """A lost answer may have become a render that nobody knows of, and cancelling may come too late for none."""
    assert verdict(sound(), places=PLACES) == []


def also(**changes: Any) -> Callable[[Evidence], Evidence]:
    """Return a change that adds to lists and dictionaries, and replaces everything else."""

    def change(evidence: Evidence) -> Evidence:
        added: dict[str, Any] = {}
        for name, value in changes.items():
            before = getattr(evidence, name)
            if isinstance(before, dict):
                added[name] = {**before, **value}
            else:
                added[name] = [*before, *value] if isinstance(before, list) else value
        return replace(evidence, **added)

    return change


FLAWS: dict[str, tuple[Callable[[Evidence], Evidence], str]] = {
    "an order that was never accepted": (also(requests=[Request(5, "five", "unanswered")]), "order 5 became 0 jobs"),
    "a key that stands for two jobs": (
        also(
            requests=[Request(2, "two", "accepted", 200, "x")],
            details={"x": details("failed", "cancelled", submits=0)},
            cancelled={"c", "d", "x"},
        ),
        "order 2 became 2 jobs",
    ),
    "an answer that there is no reason for": (also(requests=[Request(1, "one", "refused", 422)]), "answered with 422"),
    "a job that never ends": (also(details={"b": details("queued")}), "never ended"),
    "a job that is lost": (also(requests=[Request(6, "six", "accepted", 200, "x")]), "job x of order 6 never ended"),
    "a job that fails": (also(details={"b": details("failed", "internal")}), "failed without a reason: internal"),
    "a job that nobody cancelled": (also(details={"b": details("failed", "cancelled")}), "without a reason: cancelled"),
    "two renders of a job": (also(renders=[render("two")]), "'two' was rendered 2 times"),
    "a render of a refused request": (also(renders=[render("one, try 1")]), "told that it was not accepted"),
    "a render of nothing": (also(renders=[render("zero")]), "nobody asked for it"),
    "a completed job without a render": (
        lambda evidence: replace(evidence, renders=[]),
        "job a is completed, with 0 renders",
    ),
    "a render of a job that never submitted": (also(renders=[render("three, try 1", "deleted")]), "never submitted"),
    "a render that goes on for a cancelled job": (
        also(renders=[render("three, try 1")], details={"c": details("failed", "cancelled")}),
        "its render was not stopped",
    ),
    "a file that is broken": (also(files={"b": "256x128"}), "the file of job b: 256x128"),
    "a file that nobody looked at": (lambda evidence: replace(evidence, files={"a": ""}), "it was not looked at"),
    "a third render at a time": (also(stats={"most_unfinished": 3}), "3 renders were unfinished"),
    "a render without an end": (also(stats={"unfinished": 1}), "1 renders go on"),
    "a status that goes back": (
        also(sightings={"b": [Sighting(1, 2, "processing"), Sighting(3, 4, "queued")]}),
        "job b was processing, and queued",
    ),
    "an end that changes": (
        also(sightings={"b": [Sighting(1, 2, "completed"), Sighting(3, 4, "failed", "internal")]}),
        "job b was completed, and failed internal",
    ),
    "a sentence that changes": (
        also(
            sightings={
                "b": [
                    Sighting(1, 2, "failed", None, "Job was cancelled"),
                    Sighting(3, 4, "failed", None, "Internal error"),
                ]
            }
        ),
        "job b was failed Job was cancelled, and failed Internal error",
    ),
    "a code that changes": (
        also(sightings={"b": [Sighting(1, 2, "failed", "cancelled"), Sighting(3, 4, "failed", "internal")]}),
        "failed cancelled, and failed internal",
    ),
    "a job that is unknown": (also(sightings={"b": [Sighting(1, 2, UNKNOWN)]}), "job b was accepted, and unknown"),
    "a job in line": (also(remains=Remains(waiting=["waiting/x"])), "still in line: waiting/x"),
    "a place that is held": (also(remains=Remains(places=["x"])), "still holding a place: x"),
    "a cancellation": (also(remains=Remains(cancellations=["cancellations/x"])), "still to be cancelled"),
    "a record without an end": (also(remains=Remains(open_records=["jobs/x"])), "without an end on record: jobs/x"),
    "an unexpected line in the log": (also(broken=["ERROR broke"]), "in the app's log: ERROR broke"),
}


@pytest.mark.parametrize("flaw", list(FLAWS))
def test_a_flaw_is_found(flaw: str) -> None:
    """Each promise that is broken has its sentence."""
    change, sentence = FLAWS[flaw]

    found = verdict(change(sound()), places=PLACES)

    assert found
    assert any(sentence in each for each in found), found


def test_reads_at_the_same_time_do_not_contradict_each_other() -> None:
    """Which of them saw the job first nobody can say."""
    evidence = also(sightings={"b": [Sighting(1, 4, "processing"), Sighting(2, 3, "queued")]})(sound())

    assert verdict(evidence, places=PLACES) == []
