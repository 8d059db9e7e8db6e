"""The in-process host: functions with durable clients, timer functions on demand, and its death."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import pytest

from devtools.host.failures import FunctionError
from devtools.host.inprocess import HostKilledError, InProcessHost, in_process_host
from tests.unit.host import stories

# mypy: disable-error-code="untyped-decorator"
# The SDK's decorators have no annotations.


class Killed(BaseException):
    """Plays `kill -9`."""


class World:
    """An app whose functions leave traces, wait and die as a test says."""

    def __init__(self) -> None:
        self.traces: list[str] = []
        self.slow_has_ended = asyncio.Event()
        self.dying = {"activity", "thread", "orchestrator", "timer"}
        self.may_go_on = asyncio.Event()
        self.app = df.DFApp()
        self._register()

    def trace(self, place: str) -> None:
        """Leave a trace, and die where that is to happen and has not yet."""
        self.traces.append(place)
        if place in self.dying:
            self.dying.remove(place)
            raise Killed(place)

    def _register(self) -> None:
        app = self.app

        @app.activity_trigger(input_name="value")
        async def activity(value: Any) -> Any:
            self.trace("activity")
            return value

        @app.activity_trigger(input_name="value")
        def thread(value: Any) -> Any:
            self.trace("thread")
            return value

        @app.activity_trigger(input_name="value")
        async def slow(value: Any) -> Any:
            await self.may_go_on.wait()
            self.traces.append("slow")
            self.slow_has_ended.set()
            return value

        @app.orchestration_trigger(context_name="context")
        def calls(context: Any) -> Any:
            return (yield context.task_all([context.call_activity(name, name) for name in context.get_input()]))

        @app.orchestration_trigger(context_name="context")
        def waits(context: Any) -> Any:
            yield context.wait_for_external_event("Go")
            self.trace("orchestrator")
            return "done"

        @app.timer_trigger(arg_name="timer", schedule="0 0 3 * * *")
        @app.durable_client_input(client_name="client")
        async def nightly(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
            await client.start_new("calls", "nightly", ["slow"])
            request: Any = timer  # the SDK's public TimerRequest hides what the converter's has
            self.traces.append(request.schedule_status["Next"])
            self.trace("timer")

        @app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")
        def broken(timer: func.TimerRequest) -> None:
            raise ValueError(str(timer.past_due))

        @app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")
        async def endless(timer: func.TimerRequest) -> None:
            self.traces.append(str(timer))
            await asyncio.Event().wait()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def host(world: World, tmp_path: Path) -> AsyncIterator[InProcessHost]:
    async with in_process_host(world.app, tmp_path) as running:
        yield running


async def test_timer_function_is_fired_with_its_durable_client(world: World, host: InProcessHost) -> None:
    """It has ended when `fire` returns, and what it started runs."""
    world.dying.clear()
    world.may_go_on.set()

    await host.fire("nightly")

    assert world.traces == ["2026-01-01T03:00:00+00:00", "timer"]
    assert (await host.end_of("nightly"))["output"] == ["slow"]


async def test_timer_functions_never_run_by_themselves(world: World, host: InProcessHost) -> None:
    """However long the story."""
    await host.advance(timedelta(days=3))

    assert world.traces == []


async def test_what_a_fired_function_raises_comes_out(host: InProcessHost) -> None:
    """As a FunctionError, which passes through context managers unharmed; the host lives."""
    with pytest.raises(FunctionError, match="ValueError: False"):
        await host.fire("broken")

    await host.idle()


async def test_function_that_is_no_timer_function_cannot_be_fired(host: InProcessHost) -> None:
    """The sentence names those that can."""
    with pytest.raises(LookupError, match=r"no timer function 'calls', but nightly, broken, endless\."):
        await host.fire("calls")


async def test_http_function_is_given_the_client_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Called through the host's worker, without a port; also with two clients."""
    monkeypatch.delitem(sys.modules, "azurefunctions.extensions.base", raising=False)
    app = df.DFApp()
    app.register_functions(orchestration())

    @app.route("start/{name}")
    @app.durable_client_input(client_name="client")
    @app.durable_client_input(client_name="other")
    async def start(req: func.HttpRequest, client: Any, other: Any) -> func.HttpResponse:
        job = await client.start_new(req.route_params["name"], None, 1)
        return func.HttpResponse((await other.get_status(job)).name)

    async with in_process_host(app, tmp_path) as host:
        request = func.HttpRequest("POST", "http://app/start/echo", route_params={"name": "echo"}, body=b"")
        response = await host.worker.call(host.catalog.http[0], request)

    assert response.get_body() == b"echo"


def orchestration() -> df.Blueprint:
    """One orchestrator."""
    blueprint = df.Blueprint()

    @blueprint.orchestration_trigger(context_name="context")
    def echo(context: Any) -> Any:
        return context.get_input()

    return blueprint


async def test_function_with_a_client_that_is_not_async_fails_as_with_the_sdk(tmp_path: Path) -> None:
    """The SDK's middleware awaits what it calls."""
    app = df.DFApp()

    @app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")
    @app.durable_client_input(client_name="client")
    def sweep(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None: ...

    async with in_process_host(app, tmp_path) as host:
        with pytest.raises(FunctionError, match=r"TypeError: .*await"):
            await host.fire("sweep")


async def test_host_without_timer_functions_says_so(tmp_path: Path) -> None:
    """A wrong name is a mistake of the test."""
    async with in_process_host(stories.app, tmp_path) as host:
        with pytest.raises(LookupError, match="but none at all"):
            await host.fire("sweep")


@pytest.mark.parametrize("activity", ["activity", "thread"])
async def test_activity_in_which_the_process_died_runs_again(
    world: World, tmp_path: Path, activity: str, caplog: pytest.LogCaptureFixture
) -> None:
    """On the event loop or on a thread: the next host on the folder finds it in the journal."""
    async with in_process_host(world.app, tmp_path) as host:
        host.start("calls", [activity], "j1")
        with pytest.raises(HostKilledError, match=rf"The host was killed by Killed\('{activity}'\)\.") as raised:
            await host.end_of("j1")
        died_as = host.status("j1")["runtimeStatus"]

        assert host.killed.is_set()
        assert isinstance(host.death, Killed)
        assert raised.value.__cause__ is host.death
    async with in_process_host(world.app, tmp_path, clock=host.clock) as host:
        status = await host.end_of("j1")

    gc.collect()
    assert died_as == "Running"
    assert status["output"] == [activity]
    assert world.traces == [activity, activity]
    assert not [record for record in caplog.records if record.name == "asyncio"]


async def test_what_else_runs_goes_on_and_leaves_nothing_in_the_journal(world: World, tmp_path: Path) -> None:
    """A dead process keeps no outcome, so that activity runs again as well."""
    async with in_process_host(world.app, tmp_path) as host:
        host.start("calls", ["slow", "activity"], "j1")
        with pytest.raises(HostKilledError):
            await host.idle()
        world.may_go_on.set()
        async with asyncio.timeout(5):
            await world.slow_has_ended.wait()

        assert [task.name for task in host.engine.journal.tasks_after(0, 10)] == ["slow", "activity"]
    async with in_process_host(world.app, tmp_path) as host:
        status = await host.end_of("j1")

    assert status["output"] == ["slow", "activity"]
    assert world.traces == ["activity", "slow", "slow", "activity"]


async def test_episode_in_which_the_process_died_is_repeated(world: World, tmp_path: Path) -> None:
    """Nothing of it was kept, and the event that began it is still there."""
    async with in_process_host(world.app, tmp_path) as host:
        host.start("waits", None, "j1")
        await host.idle()
        host.raise_event("j1", "Go")
        with pytest.raises(HostKilledError):
            await host.end_of("j1")
        kept = len(host.history("j1"))
    async with in_process_host(world.app, tmp_path) as host:
        before = len(host.history("j1"))
        status = await host.end_of("j1")

    assert kept == before
    assert (status["runtimeStatus"], status["output"]) == ("Completed", "done")


async def test_process_that_dies_in_a_fired_function_leaves_what_it_did_before(world: World, tmp_path: Path) -> None:
    """What the function started is there, and the host is dead."""
    async with in_process_host(world.app, tmp_path) as host:
        with pytest.raises(HostKilledError, match="timer"):
            await host.fire("nightly")
        with pytest.raises(HostKilledError):
            await host.idle()
    world.may_go_on.set()
    async with in_process_host(world.app, tmp_path) as host:
        assert (await host.end_of("nightly"))["output"] == ["slow"]


async def test_fired_function_is_not_waited_for_when_something_else_kills_the_host(host: InProcessHost) -> None:
    """It would never end."""
    host.start("calls", ["activity"])

    with pytest.raises(HostKilledError):
        await host.fire("endless")


async def test_dead_host_does_nothing_more(world: World, host: InProcessHost) -> None:
    """Everything that would need a live one is refused at once; looking is allowed, and time stands still."""
    job = host.start("calls", ["activity"])
    with pytest.raises(HostKilledError):
        await host.advance(timedelta(hours=1))
    begun = host.clock.now()

    attempts: list[Callable[[], Awaitable[object]]] = [
        host.idle,
        lambda: host.advance(timedelta(hours=1)),
        lambda: host.end_of(job),
        lambda: host.fire("nightly"),
    ]
    for attempt in attempts:
        with pytest.raises(HostKilledError):
            await attempt()
    with pytest.raises(HostKilledError):
        host.start("waits")
    with pytest.raises(HostKilledError):
        host.raise_event(job, "Go")

    assert world.traces == ["activity"]
    assert host.status(job)["runtimeStatus"] == "Running"
    assert host.clock.now() == begun == host.clock.limit


async def test_queue_function_runs_when_it_is_delivered_to(tmp_path: Path) -> None:
    """Once, with what the test says; by itself it never does."""
    app, seen = func.FunctionApp(), []

    @app.queue_trigger(arg_name="message", queue_name="orders", connection="X")
    async def order(message: func.QueueMessage) -> None:
        seen.append((message.get_body(), message.dequeue_count, message.insertion_time))

    async with in_process_host(app, tmp_path) as host:
        await host.deliver("order", '{"a": 1}', dequeue_count=3)
        with pytest.raises(LookupError, match="order"):
            await host.deliver("orders", "")

    assert seen == [(b'{"a": 1}', 3, host.clock.now())]


async def test_queue_function_gets_bytes_only_where_its_trigger_asks_for_them(tmp_path: Path) -> None:
    """Text that is no UTF-8 fails before the function, as on Azure; bytes may be anything."""
    app, seen = func.FunctionApp(), []

    @app.queue_trigger(arg_name="message", queue_name="words", connection="X")
    def read(message: func.QueueMessage) -> None:
        seen.append(message.get_body())

    @app.queue_trigger(arg_name="message", queue_name="files", connection="X", data_type=func.DataType.BINARY)
    def keep(message: func.QueueMessage) -> None:
        seen.append(message.get_body())

    async with in_process_host(app, tmp_path) as host:
        with pytest.raises(FunctionError, match="utf-8"):
            await host.deliver("read", b"\xff\x00")
        await host.deliver("keep", b"\xff\x00")

    assert seen == [b"\xff\x00"]
