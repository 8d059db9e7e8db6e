"""What every function calls, written down: a call that is new fails a test until it stands here, and so in the matrix.

By scenario and function, in the order in which they come first. A `~` before one says that it is struck elsewhere, with
nothing different about it there: in the same function and another scenario.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

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
from tests.faults.vocabulary import Effect

EFFECTS: Final[Mapping[tuple[str, str], str]] = {
    ("plain", "generate"): """
        read_versioned(keys) list_names(waiting) count_up(tallies) create_record(watch) replace_version(keys)
        create_record(jobs) create_record(waiting) start_new(story)""",
    ("plain", REQUEST_PLACE): """
        read_record(capacity) read_record(submissions) read_versioned(capacity) list_names(waiting)
        replace_version(capacity) delete_record(waiting)""",
    ("plain", SUBMIT_RENDER): """
        read_record(submissions) read_versioned(capacity) create_record(submissions) submit(upstream)
        create_record(claims) replace_record(submissions)""",
    ("plain", CHECK_RENDER): "look(upstream)",
    ("plain", RELEASE_PLACE): """
        read_record(capacity) delete_record(waiting) read_versioned(capacity) list_names(waiting)
        replace_version(capacity) delete_record(waiting)#2 raise_event(story) list_names(waiting)#2""",
    ("plain", FETCH_RENDER): "find_video(videos) fetch(upstream) write_video(videos)",
    ("plain", VERIFY_VIDEO): "find_video(videos) read_range(videos) mark_verified(videos)",
    ("plain", CLOSE_JOB): """
        read_versioned(jobs) replace_version(jobs) create_record(watch) delete_record(cancellations)""",
    ("plain", "sweep"): """
        read_record(capacity) read_versioned(capacity) list_names(waiting) list_names(cancellations)
        list_names(watch)""",
    ("without a key", "generate"): """
        list_names(waiting) count_up(tallies) create_record(watch) create_record(jobs) create_record(waiting)
        start_new(story)""",
    ("start refused", "generate"): """
        ~read_versioned(keys) ~list_names(waiting) ~count_up(tallies) ~create_record(watch) ~replace_version(keys)
        ~create_record(jobs) ~create_record(waiting) ~start_new(story) get_status(story) read_versioned(keys)#2
        replace_version(keys)#2 create_record(submissions) read_record(keys) delete_record(keys)
        list_names(waiting)#2 delete_record(waiting) read_versioned(capacity) list_names(waiting)#3
        replace_version(capacity) list_names(waiting)#4 delete_record(jobs)""",
    ("asked again", "generate"): """
        ~read_versioned(keys) read_record(submissions) replace_version(keys) read_record(jobs)
        ~get_status(story)""",
    ("full", REQUEST_PLACE): """
        ~read_versioned(capacity) replace_version(capacity) delete_record(waiting) ~read_record(submissions)
        create_record(waiting) ~read_record(capacity)""",
    ("full", SUBMIT_RENDER): """
        ~read_record(submissions) ~read_versioned(capacity) ~create_record(submissions) ~submit(upstream)
        delete_record(submissions)""",
    ("paced", SUBMIT_RENDER): """
        ~read_record(submissions) ~read_versioned(capacity) replace_version(capacity)
        ~create_record(submissions) ~submit(upstream) ~create_record(claims) ~replace_record(submissions)""",
    ("answer lost", SUBMIT_RENDER): """
        ~read_record(submissions) ~read_versioned(capacity) ~create_record(submissions) ~submit(upstream)
        replace_record(submissions)""",
    ("doubt", SUBMIT_RENDER): """
        ~read_record(submissions) ~create_record(submissions) read_record(submissions)#2 find(upstream)
        read_record(claims) create_record(claims) replace_record(submissions)""",
    ("again", SUBMIT_RENDER): """
        ~read_record(submissions) ~create_record(submissions) ~read_record(submissions)#2 ~find(upstream)
        ~read_versioned(capacity) create_record(resubmissions)
        replace_record(submissions) submit(upstream) create_record(claims) replace_record(submissions)#2""",
    ("cancel in line", "cancel"): """
        get_status(story) read_record(jobs) create_record(cancellations) raise_event(story) get_status(story)#2""",
    ("cancel in line", CANCEL_RENDER): "create_record(submissions)",
    ("cancel in line", CLOSE_JOB): """
        list_names(waiting) delete_record(waiting) read_versioned(capacity) replace_version(capacity)
        create_record(submissions) ~read_versioned(jobs) ~replace_version(jobs) ~create_record(watch)
        ~delete_record(cancellations)""",
    ("cancel", "cancel"): """
        ~get_status(story) ~read_record(jobs) create_record(cancellations) raise_event(story)
        ~get_status(story)#2""",
    ("cancel", CANCEL_RENDER): """
        ~create_record(submissions) read_record(submissions) read_versioned(submissions) cancel(upstream)""",
    ("cancel", CLOSE_JOB): """
        ~list_names(waiting) ~read_versioned(capacity) list_names(waiting)#2 replace_version(capacity)
        delete_record(waiting) raise_event(story) ~create_record(submissions) read_record(submissions)
        ~read_versioned(jobs) replace_version(jobs) create_record(watch) delete_record(cancellations)""",
    ("cancel in doubt", CANCEL_RENDER): """
        ~create_record(submissions) ~read_record(submissions) ~read_versioned(submissions) find(upstream)
        read_record(claims) create_record(claims) replace_version(submissions) ~cancel(upstream)""",
    ("reminded", "sweep"): """
        ~read_record(capacity) get_status(story) ~read_versioned(capacity) ~list_names(cancellations)
        get_status(story)#2 raise_event(story) ~list_names(watch)""",
    ("woken late", "sweep"): """
        ~read_record(capacity) ~get_status(story) raise_event(story) ~read_versioned(capacity)
        ~list_names(cancellations) ~list_names(watch)""",
    ("accepter died", "sweep"): """
        ~read_record(capacity) ~get_status(story) read_record(jobs) ~get_status(story)#2 read_record(submissions)
        create_record(waiting) start_new(story) ~read_versioned(capacity) ~list_names(cancellations)
        ~list_names(watch) read_record(jobs)#2 ~get_status(story)#3 create_record(watch) delete_record(watch)""",
    ("nobody's", "sweep"): """
        ~read_record(capacity) ~get_status(story) ~read_record(jobs) ~get_status(story)#2
        ~read_record(submissions) create_record(submissions) ~list_names(waiting) ~read_versioned(capacity)
        list_names(waiting)#2 replace_version(capacity) delete_record(waiting) ~raise_event(story)
        delete_record(jobs) read_versioned(capacity)#2 ~list_names(cancellations) ~list_names(watch)
        ~read_record(jobs)#2 read_record(watch) list_names(waiting)#3 read_versioned(capacity)#3
        replace_version(capacity)#2 delete_record(jobs)#2 ~get_status(story)#3 delete_record(watch)""",
    ("half accepted", "sweep"): """
        ~read_record(capacity) ~read_versioned(capacity) ~list_names(waiting) ~list_names(cancellations)
        ~list_names(watch) ~read_record(jobs) ~read_record(watch) read_record(keys) delete_record(keys)
        ~list_names(waiting)#2 ~read_versioned(capacity)#2 ~list_names(waiting)#3 ~replace_version(capacity)
        list_names(waiting)#4 ~delete_record(jobs) ~get_status(story) ~delete_record(watch)""",
    ("operator", "sweep"): """
        ~read_record(capacity) ~get_status(story) ~read_record(jobs) ~get_status(story)#2
        ~create_record(submissions) ~read_record(submissions) read_versioned(submissions) cancel(upstream)
        create_record(watch) ~list_names(waiting) ~read_versioned(capacity) ~list_names(waiting)#2
        ~replace_version(capacity) ~delete_record(waiting) ~raise_event(story) create_record(submissions)#2
        read_record(submissions)#2 read_versioned(jobs) replace_version(jobs) create_record(watch)#2
        delete_record(cancellations) ~read_versioned(capacity)#2 ~list_names(cancellations) ~list_names(watch)
        read_record(jobs)#2 delete_video(videos) create_record(watch)#3 delete_record(watch)""",
    ("stuck", "sweep"): """
        ~read_record(capacity) ~get_status(story) ~raise_event(story) ~read_versioned(capacity)
        ~list_names(cancellations) ~list_names(watch) ~read_record(jobs) ~get_status(story)#2 terminate(story)
        ~create_record(submissions) create_record(watch) ~list_names(waiting) ~read_versioned(capacity)#2
        ~list_names(waiting)#2 ~replace_version(capacity) ~list_names(waiting)#3 ~create_record(submissions)#2
        ~read_versioned(jobs) ~replace_version(jobs) create_record(watch)#2 ~delete_record(cancellations)
        ~delete_record(watch)""",
    ("cancelled too late", "sweep"): """
        ~read_record(capacity) ~read_versioned(capacity) ~list_names(waiting) ~list_names(cancellations)
        ~get_status(story) delete_record(cancellations) ~list_names(watch)""",
    ("appointment", "sweep"): """
        ~read_record(capacity) ~read_versioned(capacity) ~list_names(waiting) ~list_names(cancellations)
        ~list_names(watch) ~read_record(jobs) ~create_record(watch) delete_record(watch)""",
    ("old history", "sweep"): """
        ~read_record(capacity) ~read_versioned(capacity) ~list_names(waiting) ~list_names(cancellations)
        ~list_names(watch) ~read_record(jobs) purge_instance_history(story) create_record(watch)
        ~delete_record(watch)""",
    ("old file", "sweep"): """
        ~read_record(capacity) ~read_versioned(capacity) ~list_names(waiting) ~list_names(cancellations)
        ~list_names(watch) ~read_record(jobs) ~purge_instance_history(story) delete_video(videos)
        ~read_record(submissions) read_record(claims) delete_record(claims) list_names(resubmissions)
        delete_record(submissions) delete_record(keys) ~read_versioned(jobs) replace_version(jobs)
        ~delete_record(watch)""",
}

_EFFECT: Final = re.compile(r"(~?)(\w+)\((\w+)\)(?:#(\d))?")


class Declared(NamedTuple):
    """An effect as it stands above."""

    scenario: str
    row: str
    effect: Effect
    struck_here: bool


def declared() -> Iterator[Declared]:
    """Yield all effects that stand above."""
    for (scenario, row), text in EFFECTS.items():
        for word in text.split():
            found = _EFFECT.fullmatch(word)
            assert found is not None, word
            elsewhere, call, area, nth = found.groups()
            yield Declared(scenario, row, Effect(call, area, int(nth or 1)), not elsewhere)
