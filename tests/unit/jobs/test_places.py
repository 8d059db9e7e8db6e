"""The arithmetic of places and of submissions a minute."""

from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from shared.jobs.ids import JobId, waiting_blob
from shared.jobs.places import (
    MINUTE,
    Capacity,
    PlacesState,
    free_places,
    granted,
    paused,
    released,
    submitting,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
TWO = Capacity(renders=2)
JOBS = [JobId(f"01jyg74z6ee6e9y23ceq2f{number:04d}") for number in range(8)]


def line(*jobs: JobId) -> dict[str, JobId]:
    return {waiting_blob(job): job for job in jobs}


def granting(state: PlacesState, *jobs: JobId, capacity: Capacity = TWO, now: datetime = NOW) -> PlacesState:
    numbers = count(len(state.places) + 1)
    return granted(state, line(*jobs), capacity, now, lambda: f"g{next(numbers)}")


def test_places_go_to_the_first_in_line() -> None:
    """As many as there are, each with a grant of its own and the record that it was granted for."""
    state = granting(PlacesState(), *JOBS[:4])

    assert list(state.places) == JOBS[:2]
    assert [place.grant for place in state.places.values()] == ["g1", "g2"]
    assert [place.waiter for place in state.places.values()] == [waiting_blob(job) for job in JOBS[:2]]
    assert free_places(state, TWO, NOW) == 0


def test_who_holds_a_place_gets_no_second_one() -> None:
    """A job that still stands in line, because somebody died before taking it out, is passed over."""
    state = granting(granting(PlacesState(), JOBS[0]), JOBS[0], JOBS[1])

    assert {job: place.grant for job, place in state.places.items()} == {JOBS[0]: "g1", JOBS[1]: "g2"}


def test_a_smaller_service_gets_no_new_renders_until_enough_have_ended() -> None:
    """The setting was lowered while places were held: nobody loses one, nobody gets one."""
    state = granting(PlacesState(), *JOBS[:4], capacity=Capacity(renders=4))

    assert free_places(state, TWO, NOW) == 0
    assert granting(state, JOBS[5]) == state


def test_a_place_is_released_by_its_grant_only() -> None:
    """A message that comes late must not take the place that the job got since."""
    state = granting(PlacesState(), JOBS[0])

    assert released(state, JOBS[0], "g0") == state
    assert released(state, JOBS[1], "g1") == state
    assert released(state, JOBS[0], "g1").places == {}
    assert released(state, JOBS[0], None).places == {}


def test_nobody_gets_a_place_while_the_service_is_full() -> None:
    """A pause ends by itself, and the later of two holds."""
    pause = paused(PlacesState(), NOW + timedelta(seconds=30), asked=True)

    assert free_places(pause, TWO, NOW + timedelta(seconds=29)) == 0
    assert free_places(pause, TWO, NOW + timedelta(seconds=30)) == 2
    assert paused(pause, NOW + timedelta(seconds=20), asked=False) == pause
    assert paused(pause, NOW + timedelta(seconds=40), asked=False).paused_until == NOW + timedelta(seconds=40)


def test_a_render_that_ends_ends_a_pause_that_nobody_asked_for() -> None:
    """What the service was full of may have been this very render; a `Retry-After` is kept all the same."""
    held = granting(PlacesState(), JOBS[0])
    until = NOW + timedelta(seconds=30)

    assert free_places(released(paused(held, until, asked=False), JOBS[0], "g1"), TWO, NOW) == 2
    assert free_places(released(paused(held, until, asked=True), JOBS[0], "g1"), TWO, NOW) == 0


def test_a_service_without_a_limit_is_submitted_to_at_once() -> None:
    """And nothing is written down about it."""
    assert submitting(PlacesState(), "g1", TWO, NOW) == (PlacesState(), NOW)


def test_turns_to_submit_are_given_out_as_early_as_the_minute_allows() -> None:
    """Two go at once, two after a minute, two after that; whoever asks early is told the same moment again."""
    capacity = Capacity(renders=8, submits_per_minute=2)
    state, moments = PlacesState(), []
    for number in range(6):
        state, at = submitting(state, f"g{number}", capacity, NOW)
        moments.append((at - NOW) / MINUTE)

    assert moments == [0, 0, 1, 1, 2, 2]
    assert submitting(state, "g4", capacity, NOW + timedelta(seconds=5))[1] == NOW + 2 * MINUTE


def test_a_turn_of_a_job_that_has_gone_is_not_waited_for() -> None:
    """Its place is released, and the moment that was kept for it goes to the next who asks."""
    capacity = Capacity(renders=3, submits_per_minute=1)
    state = granting(PlacesState(), *JOBS[:3], capacity=capacity)
    for grant in ("g1", "g2"):
        state, _ = submitting(state, grant, capacity, NOW)

    state = released(state, JOBS[1], "g2")

    assert submitting(state, "g3", capacity, NOW)[1] == NOW + MINUTE


@given(
    most=st.integers(1, 4),
    steps=st.lists(st.tuples(st.integers(0, 9), st.floats(0, 90)), max_size=60),
    late=st.floats(0, 20),
)
def test_no_minute_has_more_submissions_than_it_may_have(
    most: int, steps: list[tuple[int, float]], late: float
) -> None:
    """Whoever asks in whatever order, and however late they come back: never more in any window of a minute."""
    capacity = Capacity(renders=10, submits_per_minute=most)
    state, now = PlacesState(), NOW
    submitted: list[datetime] = []
    told: dict[str, datetime] = {}
    for number, pause in steps:
        now += timedelta(seconds=pause)
        grant = f"g{number}"
        if grant in told and now < told[grant] + timedelta(seconds=late):
            continue
        state, at = submitting(state, grant, capacity, now)
        if at <= now:
            submitted.append(now)
            told.pop(grant, None)
        else:
            told[grant] = at

    for index, first in enumerate(submitted):
        assert len([at for at in submitted[index:] if at - first < timedelta(minutes=1)]) <= most
    assert len(state.submits) <= len(steps)


@given(asks=st.lists(st.integers(0, 9), min_size=1, max_size=30), most=st.integers(1, 3))
def test_everybody_who_comes_back_at_the_moment_that_was_named_may_submit(asks: list[int], most: int) -> None:
    """A turn that was given out in time is kept: nobody is sent away for ever."""
    capacity = Capacity(renders=10, submits_per_minute=most)
    state, waiting = PlacesState(), {}
    for grant in dict.fromkeys(f"g{number}" for number in asks):
        state, at = submitting(state, grant, capacity, NOW)
        if at > NOW:
            waiting[grant] = at

    for grant, at in sorted(waiting.items(), key=lambda each: each[1]):
        state, again = submitting(state, grant, capacity, at)
        assert again == at
