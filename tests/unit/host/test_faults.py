"""The switch that makes the durable client's port fail."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from devtools.host.faults import CONTROL_PATH, DroppableProtocol, FaultControl, Faults, FaultyBackend
from devtools.host.server import listen, origin, serving

READ = "/durabletask/instances/x"
START = "/durabletask/orchestrators/story/x"


class Backend:
    """Stands for the durable endpoints, behind a switch, on a port of its own."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.faults = Faults()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and remember it."""
        self.reached.append(f"{scope['method']} {scope['path']}")
        await JSONResponse({"id": "x"}, 202)(scope, receive, send)


@pytest.fixture
def backend() -> Backend:
    """One that is not told anything yet."""
    return Backend()


@pytest.fixture
async def rpc(backend: Backend) -> AsyncIterator[httpx.AsyncClient]:
    """A client of its port, without a wire between them."""
    transport = httpx.ASGITransport(FaultyBackend(backend, backend.faults))
    async with httpx.AsyncClient(transport=transport, base_url="http://rpc") as client:
        yield client


@pytest.fixture
async def wire(backend: Backend) -> AsyncIterator[httpx.AsyncClient]:
    """A client of its port, whose connection can break."""
    listener = listen(0)
    async with (
        serving(FaultyBackend(backend, backend.faults), listener, DroppableProtocol),
        httpx.AsyncClient(base_url=origin(listener)) as client,
    ):
        yield client


@pytest.fixture
async def control(backend: Backend) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app's port."""
    transport = httpx.ASGITransport(FaultControl(backend, backend.faults))
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        yield client


async def tell(control: httpx.AsyncClient, **faults: dict[str, Any]) -> None:
    """Give an order."""
    (await control.put(CONTROL_PATH, json=faults)).raise_for_status()


async def outcome(client: httpx.AsyncClient, method: str, path: str, *, patience: float | None = 20) -> object:
    """The status and body of an answer, or the kind of trouble."""
    try:
        response = await client.request(method, path, timeout=patience)
    except httpx.TransportError as error:
        return type(error)
    return response.status_code, response.content[:10]


async def test_untold_backend_answers(rpc: httpx.AsyncClient, backend: Backend) -> None:
    """Nothing fails by itself."""
    assert await outcome(rpc, "GET", READ) == (202, b'{"id":"x"}')
    assert backend.reached == [f"GET {READ}"]


@pytest.mark.parametrize(
    "told", [(500, (500, b'{"Message"')), (503, (503, b"")), ("empty", (500, b""))], ids=lambda told: str(told[0])
)
@pytest.mark.parametrize("request_line", [("status_reads", "GET", READ), ("starts", "POST", START)])
async def test_told_backend_fails_as_often_as_it_was_told(
    control: httpx.AsyncClient,
    rpc: httpx.AsyncClient,
    backend: Backend,
    request_line: tuple[str, str, str],
    told: tuple[object, object],
) -> None:
    """Then it answers again; the failing requests reached nothing."""
    kind, method, path = request_line
    answer, failure = told
    await tell(control, **{kind: {"answer": answer, "times": 2}})

    outcomes = [await outcome(rpc, method, path) for _ in range(3)]

    assert outcomes == [failure, failure, (202, b'{"id":"x"}')]
    assert backend.reached == [f"{method} {path}"]


@pytest.mark.parametrize(("answer", "trouble"), [("drop", httpx.RemoteProtocolError), ("hang", httpx.ReadTimeout)])
async def test_told_backend_leaves_a_client_without_an_answer(
    control: httpx.AsyncClient, wire: httpx.AsyncClient, backend: Backend, answer: str, trouble: object
) -> None:
    """The connection breaks, or nothing comes until the client leaves; the next request is answered."""
    await tell(control, status_reads={"answer": answer})

    first = await outcome(wire, "GET", READ, patience=0.1 if answer == "hang" else 20)

    assert first == trouble
    assert await outcome(wire, "GET", READ) == (202, b'{"id":"x"}')
    assert backend.reached == [f"GET {READ}"]


async def test_start_that_fails_afterwards_has_happened(
    control: httpx.AsyncClient, rpc: httpx.AsyncClient, backend: Backend
) -> None:
    """The request reached the backend, its answer never the client."""
    await tell(control, starts={"answer": 503, "when": "after_enqueue"})

    assert await outcome(rpc, "POST", START) == (503, b"")
    assert backend.reached == [f"POST {START}"]


async def test_only_reads_of_an_instance_and_starts_fail(control: httpx.AsyncClient, rpc: httpx.AsyncClient) -> None:
    """Listing, events and the rest go through."""
    await tell(control, status_reads={"answer": 503}, starts={"answer": 503})

    others = [("GET", "/durabletask/instances/"), ("POST", f"{READ}/raiseEvent/e"), ("DELETE", READ)]

    assert {await outcome(rpc, method, path) for method, path in others} == {(202, b'{"id":"x"}')}


async def test_orders_are_shown_and_forgotten(control: httpx.AsyncClient, backend: Backend) -> None:
    """A new order replaces the old one; without one nothing is left."""
    await tell(control, status_reads={"answer": 500, "times": 3})
    await tell(control, starts={"answer": "drop"})
    shown = (await control.get(CONTROL_PATH)).json()

    await control.delete(CONTROL_PATH)

    assert shown == {"status_reads": None, "starts": {"answer": "drop", "times": 1, "when": "before_enqueue"}}
    assert backend.faults == Faults()


@pytest.mark.parametrize(
    "order",
    [
        "",
        "[]",
        '{"stauts_reads": {"answer": 500}}',
        '{"status_reads": {"answer": 404}}',
        '{"status_reads": {"answer": 500, "times": 0}}',
        '{"status_reads": {"answer": 500, "when": "after_enqueue"}}',
        '{"starts": {"answer": 500, "when": "later"}}',
    ],
)
async def test_order_that_cannot_be_followed_is_refused(
    control: httpx.AsyncClient, backend: Backend, order: str
) -> None:
    """In words, and what was ordered before still holds."""
    await tell(control, status_reads={"answer": 503})

    refused = await control.put(CONTROL_PATH, content=order)

    assert (refused.status_code, "Faults" in refused.text) == (400, True)
    assert backend.faults.status_reads is not None


async def test_everything_else_on_the_apps_port_goes_through(control: httpx.AsyncClient, backend: Backend) -> None:
    """The switch has one path."""
    await control.get("/api/status/x")

    assert backend.reached == ["GET /api/status/x"]
    assert (await control.post(CONTROL_PATH)).status_code == 404
