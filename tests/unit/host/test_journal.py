import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devtools.host import history
from devtools.host.commands import Complete, CreateTimer, ScheduleActivity
from devtools.host.episode import Generation, Work
from devtools.host.history import RuntimeStatus
from devtools.host.journal import Journal
from devtools.host.records import InstanceFilter, NewInstance, TimerStatus

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


def started(journal: Journal) -> Work:
    """The first episode's work of the instance `x` in execution `e1`."""
    journal.create(NewInstance("x", "e1", "story", None), NOW)
    work = journal.take_work("x", NOW)
    assert work is not None
    return work


def episode(work: Work, *commands: ScheduleActivity | CreateTimer | Complete) -> Generation:
    """What the work's first episode came to."""
    events = [history.orchestrator_started(NOW), *work.messages, history.orchestrator_completed(NOW)]
    completion = next((command for command in commands if isinstance(command, Complete)), None)
    status = completion.status if completion else RuntimeStatus.RUNNING
    return Generation(work.execution_id, [], events, list(commands), status=status, completion=completion)


def test_work_is_there_until_its_episode_is_committed(journal: Journal) -> None:
    """A host killed in the middle of an episode finds it again."""
    first = started(journal)

    second = journal.take_work("x", NOW)
    journal.commit(first, [episode(first)], NOW)

    assert second == first
    assert journal.take_work("x", NOW) is None
    assert len(journal.history("x")) == 3


def test_timer_is_a_message_that_can_be_taken_when_it_is_due(journal: Journal) -> None:
    """Nothing but the journal knows of timers."""
    work = started(journal)

    sent = journal.commit(work, [episode(work, CreateTimer(0, LATER))], NOW)

    assert [due.at for due in sent] == [LATER]
    assert journal.all_due() == sent
    assert journal.take_work("x", LATER - timedelta(seconds=1)) is None
    assert journal.take_work("x", LATER) is not None


def test_a_restarted_host_learns_of_every_timer(journal: Journal) -> None:
    """Two timers at once: the later one has nobody else to remind the host of it."""
    work = started(journal)

    journal.commit(work, [episode(work, CreateTimer(0, LATER), CreateTimer(1, LATER + timedelta(hours=1)))], NOW)

    assert [due.at for due in journal.all_due()] == [LATER, LATER + timedelta(hours=1)]


def test_activity_is_there_until_its_outcome_is(journal: Journal) -> None:
    """A host killed while an activity ran runs it again."""
    work = started(journal)
    journal.commit(work, [episode(work, ScheduleActivity(0, "act", "1"), ScheduleActivity(1, "act", "2"))], NOW)

    first, second = journal.tasks_after(0, 10)
    journal.finish_task(first, history.task_completed(NOW, 0, "1"), NOW)

    assert journal.tasks_after(0, 10) == [second]
    assert journal.tasks_after(second.task_id, 10) == []
    outcome = journal.take_work("x", NOW)
    assert outcome is not None
    assert [event["TaskScheduledId"] for event in outcome.messages] == [0]


def test_message_for_an_execution_that_has_gone_is_dropped(journal: Journal) -> None:
    """An activity of a replaced instance must not answer the new one."""
    work = started(journal)
    journal.commit(work, [episode(work, ScheduleActivity(0, "act", "1"))], NOW)
    (task,) = journal.tasks_after(0, 10)
    end = Generation("e1", journal.history("x"), [history.orchestrator_completed(NOW)], status=RuntimeStatus.TERMINATED)
    journal.commit(Work("x", "e1", end.past, []), [end], NOW)
    journal.create(NewInstance("x", "e2", "story", None), NOW)

    journal.finish_task(task, history.task_completed(NOW, 0, "1"), NOW)

    fresh = journal.take_work("x", NOW)
    assert fresh is not None
    assert fresh.execution_id == "e2"
    assert [event["EventType"] for event in fresh.messages] == [history.EventType.EXECUTION_STARTED]


def test_ended_instance_keeps_its_history_and_no_messages(journal: Journal) -> None:
    """Cancelled timers of the far future go with it."""
    work = started(journal)

    journal.commit(work, [episode(work, CreateTimer(0, LATER), Complete(1, RuntimeStatus.COMPLETED, "7"))], NOW)

    instance = journal.instance("x")
    assert instance is not None
    assert (instance.status, instance.output) == (RuntimeStatus.COMPLETED, "7")
    assert journal.all_due() == []
    assert journal.history("x")


def test_message_to_an_instance_that_does_not_exist_is_dropped(journal: Journal) -> None:
    """It would be looked at again with every start."""
    journal.send("nobody", history.event_raised(NOW, "Go", None), NOW)

    assert journal.take_work("nobody", NOW) is None
    assert journal.all_due() == []


def test_failed_transaction_leaves_nothing_behind(journal: Journal) -> None:
    """A text that SQLite cannot hold undoes the whole episode."""
    work = started(journal)
    bad = episode(work, ScheduleActivity(0, "act", "\ud800"))

    with pytest.raises(UnicodeEncodeError):
        journal.commit(work, [bad], NOW)

    assert journal.history("x") == []
    assert journal.take_work("x", NOW) == work


def test_journal_survives_being_opened_again(tmp_path: Path) -> None:
    """The file is all there is."""
    first = Journal(tmp_path / "j.sqlite")
    first.create(NewInstance("x", "e1", "story", '"in"'), NOW)
    first.close()

    second = Journal(tmp_path / "j.sqlite")
    instance = second.instance("x")
    second.close()

    assert instance is not None
    assert (instance.status, instance.input, instance.created_at) == (RuntimeStatus.PENDING, '"in"', NOW)


def test_listing_of_a_state_that_no_instance_is_ever_in_is_empty(journal: Journal) -> None:
    """`Canceled` alone leaves no state to look for, which is not the same as any state."""
    started(journal)

    assert journal.instances(InstanceFilter(statuses=frozenset()), "", 10) == []


def test_listing_of_states_has_the_instances_in_one_of_them(journal: Journal) -> None:
    """Each wanted state by itself, and no other."""
    for name in ("a", "b", "c"):
        journal.create(NewInstance(name, "x", "story", "null"), NOW, deliver=False)
    journal._db.execute("UPDATE instances SET status = ? WHERE instance_id = 'a'", (int(RuntimeStatus.RUNNING),))
    journal._db.execute("UPDATE instances SET status = ? WHERE instance_id = 'c'", (int(RuntimeStatus.FAILED),))
    wanted = InstanceFilter(statuses=frozenset({RuntimeStatus.RUNNING, RuntimeStatus.FAILED}))

    assert [instance.instance_id for instance in journal.instances(wanted, "", 10)] == ["a", "c"]


def test_listing_by_prefix_goes_on_behind_the_last_page(journal: Journal) -> None:
    """In order, each once, and also where an instance is called as the prefix."""
    for name in ("a-1", "b", "b-1", "b-2", "c"):
        journal.create(NewInstance(name, "x", "story", "null"), NOW, deliver=False)
    wanted, seen, after = InstanceFilter(prefix="b"), [], ""
    while page := journal.instances(wanted, after, 1):
        after = page[-1].instance_id
        seen.append(after)

    assert seen == ["b", "b-1", "b-2"]


def test_listing_by_prefix_does_not_look_at_the_instances_before_it(journal: Journal) -> None:
    """It takes SQLite as many steps with a thousand of them as with none."""
    steps_alone = _steps_of_a_listing(journal)
    for number in range(1000):
        journal.create(NewInstance(f"before-{number}", "x", "story", "null"), NOW, deliver=False)

    assert _steps_of_a_listing(journal) == steps_alone


def _steps_of_a_listing(journal: Journal) -> int:
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    journal._db.set_progress_handler(count, 10)
    journal.instances(InstanceFilter(prefix="later-"), "", 10)
    journal._db.set_progress_handler(None, 0)
    return steps


def test_status_of_a_timer_function_is_the_one_kept_last(journal: Journal) -> None:
    """One row for each function."""
    first, second = TimerStatus(None, LATER, NOW), TimerStatus(NOW, LATER + timedelta(hours=1), LATER)
    journal.keep_timer_status("sweep", first)
    journal.keep_timer_status("other", first)

    journal.keep_timer_status("sweep", second)

    assert journal.timer_status("sweep") == second
    assert journal.timer_status("other") == first
    assert journal.timer_status("nobody") is None


def test_frozen_journal_can_be_read_and_not_written(journal: Journal) -> None:
    """As a dead process left it."""
    started(journal)

    journal.freeze()

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        journal.purge("x")
    assert journal.instance("x") is not None
