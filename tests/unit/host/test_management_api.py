"""The durable endpoints, over HTTP and through the SDK's own client."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import httpx
import pytest
from azure.durable_functions.models.utils import http_utils

from devtools.host.binding import RPC_PATH, ClientBinding
from devtools.host.inprocess import InProcessHost, in_process_host
from devtools.host.management_api import ManagementApi
from devtools.host.server import listen, origin, serving
from tests.unit.host import stories


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[InProcessHost]:
    async with in_process_host(stories.app, tmp_path) as running:
        yield running


@pytest.fixture
async def http(host: InProcessHost) -> AsyncIterator[httpx.AsyncClient]:
    binding = ClientBinding("Hub", public="http://app", rpc="http://rpc")
    app = ManagementApi(host.engine, binding).app("/durable")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://app/durable"
    ) as client:
        yield client


@pytest.fixture
async def sdk(host: InProcessHost) -> AsyncIterator[df.DurableOrchestrationClient]:
    listener = listen(0)
    binding = ClientBinding("Hub", public="http://app", rpc=origin(listener))
    async with serving(ManagementApi(host.engine, binding).app(RPC_PATH), listener):
        yield df.DurableOrchestrationClient(binding.text())
        await http_utils._close_session()  # the SDK keeps one session for the process


async def test_start_answers_with_the_management_urls(http: httpx.AsyncClient) -> None:
    """202, where to look, and every URL but rewind's."""
    response = await http.post("/orchestrators/chain/j1", content='"{\\"a\\": 1}"')

    assert response.status_code == 202
    assert response.headers["retry-after"] == "10"
    assert response.headers["location"] == response.json()["statusQueryGetUri"]
    assert list(response.json()) == [
        "id",
        "statusQueryGetUri",
        "sendEventPostUri",
        "terminatePostUri",
        "purgeHistoryDeleteUri",
        "restartPostUri",
        "suspendPostUri",
        "resumePostUri",
    ]


@pytest.mark.parametrize(
    ("body", "status"), [(b'{"a":', 500), (b"hello", 400), (b"\xff", 400), (b"", 202), (b"null", 202), (b"[1]", 202)]
)
async def test_start_reads_its_body_as_the_extension_does(http: httpx.AsyncClient, body: bytes, status: int) -> None:
    """JSON that stops too early is a 500 there, other nonsense a 400."""
    assert (await http.post("/orchestrators/chain", content=body)).status_code == status


async def test_running_id_is_refused_with_409(http: httpx.AsyncClient, host: InProcessHost) -> None:
    """The message names the state."""
    await http.post("/orchestrators/patient/j1")
    await host.idle()

    response = await http.post("/orchestrators/patient/j1")

    assert response.status_code == 409
    assert response.json() == {"Message": "An orchestration with id 'j1' already exists. It is in state Running"}


async def test_start_with_a_version_stays_pending(http: httpx.AsyncClient, host: InProcessHost) -> None:
    """As with a host.json that names no default version."""
    await http.post("/orchestrators/chain/j1?version=1.2", content="1")
    await host.idle()

    assert (await http.get("/instances/j1")).json()["runtimeStatus"] == "Pending"


async def test_status_follows_the_instance(http: httpx.AsyncClient, host: InProcessHost) -> None:
    """202 while it runs, 200 when it has ended, 404 when there is none."""
    await http.post("/orchestrators/patient/j1", content='"1"')
    await host.idle()
    running = await http.get("/instances/j1")
    await http.post("/instances/j1/raiseEvent/Go", json={"b": 2})
    await host.idle()
    ended = await http.get("/instances/j1?showInput=false")

    assert (running.status_code, running.headers["retry-after"]) == (202, "5")
    assert list(ended.json()) == [
        "name",
        "instanceId",
        "runtimeStatus",
        "input",
        "customStatus",
        "output",
        "createdTime",
        "lastUpdatedTime",
    ]
    assert (ended.status_code, ended.json()["output"], ended.json()["input"]) == (200, {"b": 2}, None)
    missing = await http.get("/instances/nope")
    assert (missing.status_code, missing.content) == (404, b"")


async def test_history_is_shown_with_names_and_without_task_begins(
    http: httpx.AsyncClient, host: InProcessHost
) -> None:
    """A completed task takes the place of its begin; results only when asked for."""
    await http.post("/orchestrators/chain/j1", content='"5"')
    await host.idle()

    plain = (await http.get("/instances/j1?showHistory=true")).json()["historyEvents"]
    full = (await http.get("/instances/j1?showHistory=True&showHistoryOutput=True")).json()["historyEvents"]

    kinds = ["ExecutionStarted", "TaskCompleted", "TaskCompleted", "ExecutionCompleted"]
    assert [event["EventType"] for event in plain] == kinds
    assert "Result" not in plain[1]
    assert (full[1]["FunctionName"], full[1]["Result"]) == ("echo", 5)
    assert full[3]["OrchestrationStatus"] == "Completed"


async def test_failed_instance_is_500_only_when_asked(http: httpx.AsyncClient, host: InProcessHost) -> None:
    """`returnInternalServerErrorOnFailure` is off by default."""
    await http.post("/orchestrators/uncaught/j1", content='"\\"fail\\""')
    await host.idle()

    assert (await http.get("/instances/j1")).status_code == 200
    assert (await http.get("/instances/j1?returnInternalServerErrorOnFailure=true")).status_code == 500


@pytest.mark.parametrize("operation", ["terminate", "suspend", "resume", "raiseEvent/Go"])
async def test_messages_to_ended_and_unknown_instances(
    http: httpx.AsyncClient, host: InProcessHost, operation: str
) -> None:
    """410 and 404, without a body."""
    await http.post("/orchestrators/chain/j1", content="1")
    await host.idle()

    answers = [await http.post(f"/instances/{name}/{operation}", json=1) for name in ("j1", "nope")]

    assert [(answer.status_code, answer.content) for answer in answers] == [(410, b""), (404, b"")]


async def test_second_suspend_is_a_500_as_in_the_extension(http: httpx.AsyncClient, host: InProcessHost) -> None:
    """An InvalidOperationException there."""
    await http.post("/orchestrators/patient/j1")
    await host.idle()
    first = await http.post("/instances/j1/suspend?reason=x")
    await host.idle()

    second = await http.post("/instances/j1/suspend")

    assert (first.status_code, second.status_code) == (202, 500)
    assert second.json()["ExceptionType"] == "System.InvalidOperationException"


@pytest.mark.parametrize(
    ("content", "content_type"), [(b"", "application/json"), (b"{bad", "application/json"), (b"x=1", "text/plain")]
)
async def test_event_without_json_is_refused(
    http: httpx.AsyncClient, host: InProcessHost, content: bytes, content_type: str
) -> None:
    """400 for an empty body, for nonsense, and for other media types."""
    await http.post("/orchestrators/patient/j1")
    await host.idle()

    answer = await http.post("/instances/j1/raiseEvent/Go", content=content, headers={"Content-Type": content_type})

    assert answer.status_code in {400, 500}
    assert host.status("j1")["runtimeStatus"] == "Running"


async def test_list_pages_and_filters(http: httpx.AsyncClient, host: InProcessHost) -> None:
    """By prefix, state and time of creation; a token leads to the next page."""
    for name in ("a1", "a2", "b1"):
        await http.post(f"/orchestrators/chain/{name}", content="1")
    await http.post("/orchestrators/patient/a3")
    await host.idle()

    async def ids(query: str, token: str = "") -> list[str]:
        answer = await http.get(f"/instances/?{query}", headers={"x-ms-continuation-token": token})
        return [item["instanceId"] for item in answer.json()]

    first = await http.get("/instances/?top=3")
    assert [item["instanceId"] for item in first.json()] == ["a1", "a2", "a3"]
    assert await ids("top=3", first.headers["x-ms-continuation-token"]) == ["b1"]
    assert await ids("instanceIdPrefix=a&runtimeStatus=Completed,Failed") == ["a1", "a2"]
    assert await ids("createdTimeFrom=2030-01-01T00:00:00Z") == []
    assert await ids("createdTimeTo=2030-01-01T00:00:00Z&runtimeStatus=Running") == ["a3"]


@pytest.mark.parametrize("query", ["createdTimeFrom=soon", "runtimeStatus=Happy", "top=-1", "top=many"])
async def test_filter_that_cannot_be_read_is_a_400(http: httpx.AsyncClient, query: str) -> None:
    """With a sentence that names the parameter."""
    answer = await http.get(f"/instances/?{query}")

    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.text


async def test_purge_of_one_and_by_filter(http: httpx.AsyncClient, host: InProcessHost) -> None:
    """Only ended instances go; a filter needs a beginning."""
    for name in ("a", "b"):
        await http.post(f"/orchestrators/chain/{name}", content="1")
    await http.post("/orchestrators/patient/c")
    await host.idle()

    running = await http.delete("/instances/c")
    one = await http.delete("/instances/a")
    again = await http.delete("/instances/a")
    unbounded = await http.delete("/instances/?runtimeStatus=Completed")
    rest = await http.delete("/instances/?createdTimeFrom=2000-01-01T00:00:00.0Z")

    assert (running.status_code, isinstance(running.json(), str)) == (412, True)
    assert (one.json(), again.status_code) == ({"instancesDeleted": 1}, 404)
    assert unbounded.status_code == 400
    assert rest.json() == {"instancesDeleted": 1}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/instances/x/rewind", 501),
        ("POST", "/instances/x/restart", 501),
        ("GET", "/entities/counter/1", 501),
        ("GET", "/orchestrators/chain", 404),
        ("PUT", "/instances/x", 404),
        ("POST", "/instances/x/nonsense", 404),
        ("GET", "/elsewhere", 404),
    ],
)
async def test_what_is_not_served(http: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    """501 with a sentence for known operations, a bare 404 for the rest."""
    answer = await http.request(method, path)

    assert answer.status_code == status
    assert ("does not serve" in answer.text) == (status == 501)


async def test_wait_for_completion_answers_the_output_or_the_urls(http: httpx.AsyncClient, host: InProcessHost) -> None:
    """`timeout` makes a start wait, for so many real seconds."""
    del host

    done = await http.post("/orchestrators/chain/j1?timeout=20&pollingInterval=0.01", content='"7"')
    waiting = await http.post("/orchestrators/patient/j2?timeout=0.05&pollingInterval=0.01")

    assert (done.status_code, done.json()) == (200, [7, {"was": 7, "ü": None}])
    assert (waiting.status_code, waiting.json()["id"]) == (202, "j2")


async def test_sdk_client_starts_steers_and_reads(sdk: Any, host: InProcessHost) -> None:
    """The client of azure-functions-durable 1.7.0 finds what it expects."""
    job = await sdk.start_new("patient", "j1", {"a": 1})
    await host.idle()
    running = await sdk.get_status(job, show_input=True)
    await sdk.raise_event(job, "Go", {"ok": True})
    await host.idle()
    ended = await sdk.get_status(job)

    assert (running.runtime_status.name, json.loads(running.input_)) == ("Running", {"a": 1})
    assert (ended.runtime_status.name, ended.output) == ("Completed", '{"ok": true}')
    assert [found.instance_id for found in await sdk.get_status_all()] == ["j1"]
    assert (await sdk.purge_instance_history(job)).instances_deleted == 1


async def test_sdk_client_meets_the_expected_errors(sdk: Any, host: InProcessHost) -> None:
    """Unknown and ended instances, a duplicate start."""
    await sdk.start_new("patient", "j1")
    await host.idle()

    with pytest.raises(Exception, match="already exists"):
        await sdk.start_new("patient", "j1")
    with pytest.raises(Exception, match="No instance with ID nope found"):
        await sdk.raise_event("nope", "Go")
    await sdk.terminate("j1", "enough & more")
    await host.idle()
    await sdk.terminate("j1", "again")

    assert not await sdk.get_status("nope")
    assert host.status("j1")["output"] == "enough & more"
