"""The engine as an app sees it: real SDK, real journal, time that skips."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from devtools.host.clock import SkipClock
from devtools.host.engine import Engine, InstanceEndedError, InstanceNotFoundError, WrongStateError
from devtools.host.history import EventType
from devtools.host.indexing import index
from devtools.host.inprocess import InProcessHost, StuckError, in_process_host
from devtools.host.records import InstanceExistsError
from devtools.host.timestamps import from_text
from devtools.host.worker import Worker
from tests.unit.host import stories


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[InProcessHost]:
    async with in_process_host(stories.app, tmp_path) as running:
        yield running


def kinds(host: InProcessHost, instance_id: str) -> list[tuple[str, int]]:
    """What an instance's history holds, without the marks of episodes: event types and ids."""
    events = [event for event in host.history(instance_id) if event["EventType"] not in {12, 13}]
    return [(EventType(event["EventType"]).title, event["EventId"]) for event in events]


async def test_chain_of_activities_completes_with_values_as_json(host: InProcessHost) -> None:
    """Sync and async activities pass JSON on, whatever the case of the name they are called by."""
    job = host.start("chain", {"é": [1.0, None]})

    status = await host.end_of(job)

    assert status["runtimeStatus"] == "Completed"
    assert status["output"] == [{"é": [1.0, None]}, {"was": {"é": [1.0, None]}, "ü": None}]


async def test_fan_out_gives_results_in_order_of_calls(host: InProcessHost) -> None:
    """More activities than may run at once all run."""
    job = host.start("fan_out", 25)

    assert (await host.end_of(job))["output"] == list(range(25))


async def test_long_timer_takes_its_modelled_time_and_no_real_time(host: InProcessHost) -> None:
    """Ten hours pass in the story and in its history."""
    job = host.start("nap", 10)

    status = await host.end_of(job)

    fired = next(event for event in host.history(job) if event["EventType"] == EventType.TIMER_FIRED)
    assert status["output"] == pytest.approx(36_000, abs=1)
    assert from_text(fired["FireAt"]) - from_text(fired["Timestamp"]) == pytest.approx(
        timedelta(hours=10), abs=timedelta(seconds=1)
    )


async def test_timer_of_eight_days_is_split_and_still_ends_on_time(host: InProcessHost) -> None:
    """Beyond six days the SDK asks for steps of three days: 3 and then the remaining 5."""
    job = host.start("nap", 8 * 24)

    status = await host.end_of(job)

    assert status["output"] == pytest.approx(8 * 24 * 3600, abs=1)
    assert [kind for kind, _ in kinds(host, job)].count("TimerCreated") == 2


async def test_time_stands_still_until_the_test_lets_it_pass(host: InProcessHost) -> None:
    """An event can be raised before a timer without a race."""
    job = host.start("approval", True)
    await host.idle()
    await host.advance(timedelta(minutes=59))
    host.raise_event(job, "Approve", {"by": "me"})

    status = await host.end_of(job)

    assert status["output"] == '{"by": "me"}'


async def test_event_name_in_other_case_is_taken_by_the_engine_but_not_by_the_sdk(host: InProcessHost) -> None:
    """As on Azure, the timer wins: the event is delivered to a waiter that the SDK does not find."""
    job = host.start("approval", True)
    await host.idle()
    host.raise_event(job, "approve", 1)

    assert (await host.end_of(job))["output"] == "too late"


async def test_cancelled_timer_does_not_hold_the_instance(host: InProcessHost) -> None:
    """The instance completes at the moment of the event."""
    job = host.start("approval", True)
    await host.idle()
    host.raise_event(job, "Approve", 1)
    await host.idle()

    assert host.status(job)["runtimeStatus"] == "Completed"


async def test_open_timer_holds_the_instance_until_it_fires(host: InProcessHost) -> None:
    """An orchestrator that returned stays Running while a task is open."""
    job = host.start("approval", False)
    await host.idle()
    host.raise_event(job, "Approve", 1)
    await host.idle()

    assert host.status(job)["runtimeStatus"] == "Running"
    assert (await host.end_of(job))["output"] == "1"


async def test_exhausted_retries_take_an_id_each_and_one_extra_timer(host: InProcessHost) -> None:
    """Three attempts: tasks 0, 2, 4, timers 1, 3 and the extra one 5, due at once; the next activity is 6."""
    job = host.start("stubborn")

    status = await host.end_of(job)

    asked = [pair for pair in kinds(host, job) if pair[1] >= 0]
    fire_at = [from_text(e["FireAt"]) for e in host.history(job) if e["EventType"] == EventType.TIMER_CREATED]
    assert status["output"] == ["Activity function 'fail' failed:  ValueError: no ", "after"]
    assert asked == [
        ("TaskScheduled", 0),
        ("TimerCreated", 1),
        ("TaskScheduled", 2),
        ("TimerCreated", 3),
        ("TaskScheduled", 4),
        ("TimerCreated", 5),
        ("TaskScheduled", 6),
        ("ExecutionCompleted", 7),
    ]
    assert fire_at[1] - fire_at[0] == pytest.approx(timedelta(minutes=1), abs=timedelta(seconds=1))
    assert fire_at[2] - fire_at[1] < timedelta(seconds=1)


async def test_uncaught_activity_failure_fails_the_instance_with_the_engines_text(host: InProcessHost) -> None:
    """The output names orchestrator, activity and error."""
    job = host.start("uncaught", "fail")

    status = await host.end_of(job)

    assert status["runtimeStatus"] == "Failed"
    assert status["output"].startswith(
        "Orchestrator function 'uncaught' failed: Activity function 'fail' failed:  ValueError: bad"
    )


@pytest.mark.parametrize("activity", ["exit_hard", "exit_hard_async"])
async def test_activity_that_exits_fails_like_any_other(host: InProcessHost, activity: str) -> None:
    """SystemExit in a function does not end the host, on a thread or on the event loop."""
    job = host.start("uncaught", activity)

    assert "SystemExit: bad" in (await host.end_of(job))["output"]


async def test_children_are_named_by_the_parent_or_after_its_execution(host: InProcessHost) -> None:
    """A child without an id is `<execution id of the parent>:<id of the call>`."""
    job = host.start("parent", instance_id="p")

    status = await host.end_of(job)

    execution = host.history(job)[1]["OrchestrationInstance"]["ExecutionId"]
    assert status["output"] == [[1, {"was": 1, "ü": None}], [2, {"was": 2, "ü": None}]]
    assert host.status("p-child")["runtimeStatus"] == "Completed"
    assert host.status(f"{execution}:1")["runtimeStatus"] == "Completed"


async def test_each_generation_starts_with_a_new_history_and_no_custom_status(host: InProcessHost) -> None:
    """Continue-as-new: only the last generation's events are there, and the status of the first is gone."""
    job = host.start("counter", 0)

    status = await host.end_of(job)

    assert status["output"] == 3
    assert status["customStatus"] is None
    assert [event["EventType"] for event in host.history(job)[:3]] == [12, 0, 13]
    assert [kind for kind, _ in kinds(host, job)].count("TimerFired") == 1


@pytest.mark.parametrize(("length", "outcome"), [(8701, "Completed"), (8702, "Failed")])
async def test_custom_status_over_sixteen_kilobytes_fails_the_instance(
    host: InProcessHost, length: int, outcome: str
) -> None:
    """The limit is on whole KB of the JSON text in UTF-16."""
    job = host.start("big_status", length)

    assert (await host.end_of(job))["runtimeStatus"] == outcome


async def test_unknown_activity_hangs_and_warns_loudly(host: InProcessHost, caplog: pytest.LogCaptureFixture) -> None:
    """As on Azure the instance stays Running for ever; unlike there, the log says why."""
    job = host.start("misnamed")

    with caplog.at_level(logging.WARNING), pytest.raises(StuckError):
        await host.end_of(job)

    assert "'no_such_activity', which the app does not have" in caplog.text


async def test_unknown_orchestrator_fails_with_the_known_names(host: InProcessHost) -> None:
    """A start checks nothing; the instance says what went wrong."""
    job = host.start("no_such_story")

    output = (await host.end_of(job))["output"]

    assert "The function 'no_such_story' doesn't exist" in output
    assert "'chain'" in output


async def test_changed_code_is_found_on_replay(host: InProcessHost) -> None:
    """Another activity under the same id fails the instance with the engine's sentence."""
    job = host.start("fickle")

    status = await host.end_of(job)

    assert status["runtimeStatus"] == "Failed"
    assert status["output"].startswith(
        "Non-Deterministic workflow detected: A previous execution of this orchestration"
    )


async def test_action_that_is_not_served_fails_with_a_sentence(host: InProcessHost) -> None:
    """call_http would hang without it."""
    job = host.start("over_http")

    assert (await host.end_of(job))["output"].endswith("The local host does not run call_http.")


async def test_suspended_instance_goes_on_only_after_resume(host: InProcessHost) -> None:
    """Events are held back, and a second suspend is refused."""
    job = host.start("patient")
    await host.idle()
    host.engine.suspend(job, "pause")
    await host.idle()
    host.raise_event(job, "Go", 1)
    await host.idle()
    suspended = host.status(job)

    with pytest.raises(WrongStateError):
        host.engine.suspend(job, "again")
    host.engine.resume(job, "go on")

    assert suspended["runtimeStatus"] == "Suspended"
    assert (await host.end_of(job))["output"] == "1"


async def test_terminated_instance_ends_at_once_and_takes_no_more_messages(host: InProcessHost) -> None:
    """The reason is the output; open tasks do not hold a terminated instance."""
    job = host.start("approval", False)
    await host.idle()
    host.engine.terminate(job, "enough")

    status = await host.end_of(job)

    assert (status["runtimeStatus"], status["output"]) == ("Terminated", "enough")
    with pytest.raises(InstanceEndedError):
        host.raise_event(job, "Approve")


async def test_id_can_be_used_again_only_after_the_instance_has_ended(host: InProcessHost) -> None:
    """A running instance blocks its id; a finished one is replaced."""
    host.start("approval", True, instance_id="x")
    await host.idle()

    with pytest.raises(InstanceExistsError, match=r"already exists\. It is in state Running"):
        host.start("chain", 1, instance_id="x")
    host.engine.terminate("x", None)
    await host.idle()
    host.start("chain", 5, instance_id="x")

    assert (await host.end_of("x"))["output"] == [5, {"was": 5, "ü": None}]


async def test_purged_instance_is_gone_but_a_running_one_cannot_be(host: InProcessHost) -> None:
    """Only what has ended can be purged."""
    job = host.start("approval", True)
    await host.idle()
    with pytest.raises(WrongStateError, match="Only orchestrations in a terminal state"):
        host.engine.purge(job)
    host.engine.terminate(job, None)
    await host.idle()

    host.engine.purge(job)

    with pytest.raises(InstanceNotFoundError):
        host.status(job)


async def test_every_episode_can_be_listened_to(tmp_path: Path) -> None:
    """What the orchestrator was given and what it answered, for histories to be frozen."""
    heard: list[tuple[int, bool]] = []

    def listen(trigger: str, answer: str) -> None:
        heard.append((len(json.loads(trigger)["history"]), json.loads(answer)["isDone"]))

    async with in_process_host(stories.app, tmp_path, on_episode=listen) as host:
        await host.end_of(host.start("chain", 1))

    assert heard == [(2, False), (6, False), (10, True)]


async def test_episode_that_cannot_be_kept_is_tried_again_and_put_aside(
    host: InProcessHost, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of it is done, it is loud, and others go on."""
    job = host.start("unstorable")
    other = host.start("nap", 1)

    with pytest.raises(StuckError):
        await host.end_of(job)

    assert caplog.text.count("could not run an episode") == 5
    assert "is put aside until the host is started again" in caplog.text
    assert host.status(other)["runtimeStatus"] == "Completed"


async def test_engine_that_breaks_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A host without its dispatcher would take jobs and never run them."""
    broken = asyncio.Event()
    catalog = index(stories.app)
    engine = Engine(catalog, Worker(catalog, "{}"), tmp_path / "j.sqlite", SkipClock(), on_failure=broken.set)

    async with engine.running():
        engine.journal.close()
        engine.dispatcher.wake()
        async with asyncio.timeout(5):
            await broken.wait()

    assert engine.has_failed
    assert "The durable engine has failed." in caplog.text


async def test_restarted_host_goes_on_where_it_was(tmp_path: Path) -> None:
    """The journal alone carries timers and waits over; no activity that has ended runs again."""
    async with in_process_host(stories.app, tmp_path) as host:
        job = host.start("approval", True)
        nap = host.start("nap", 5)
        await host.idle()
        clock = host.clock

    async with in_process_host(stories.app, tmp_path, clock=clock) as host:
        host.raise_event(job, "Approve", "late")

        assert (await host.end_of(job))["output"] == '"late"'
        assert (await host.end_of(nap))["output"] == pytest.approx(5 * 3600, abs=1)
