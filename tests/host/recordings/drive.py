"""Runs a case on the host's real engine: its functions, its management API over HTTP, and the SDK's own client."""

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import httpx
from azure.durable_functions import DurableOrchestrationClient
from starlette.types import ASGIApp, Receive, Scope, Send

from devtools.host.binding import RPC_PATH, WEBHOOK_PATH, ClientBinding
from devtools.host.catalog import Catalog
from devtools.host.clock import RealClock
from devtools.host.dispatcher import Limits
from devtools.host.engine import Engine
from devtools.host.engine_client import encoded
from devtools.host.management_api import ManagementApi
from devtools.host.server import listen, origin, serving
from tests.host.recordings import sdk_calls
from tests.host.recordings.case import Case, Row, Step
from tests.host.recordings.exchange import Exchange
from tests.host.recordings.tap import TappedWorker, keep_commit

HUB: Final = "LabHub"
"""The task hub of the recordings."""

SYSTEM_KEY: Final = "syskey"
"""The extension's key of the recordings."""

SHOWN_HEADERS: Final = ("content-type", "location", "retry-after", "x-ms-continuation-token")
"""The headers of answers that were recorded."""

LOOK_SECONDS: Final = 0.02
REST_SECONDS: Final = 0.15
"""An instance rests when nothing has been exchanged for so long."""

HUNG_SECONDS: Final = 1.0
"""Where the original hung, so long a rest is waited for; the recording waited for as many seconds as its step says."""

_MEDIA_TYPES: Final = {"raise form body": "application/x-www-form-urlencoded", "start text/plain": "text/plain"}
"""Of requests that were sent as something else than JSON, by their label."""


@dataclass(frozen=True)
class Stage:
    """A host with nothing in it but the case's instances."""

    engine: Engine
    http: httpx.AsyncClient
    client: DurableOrchestrationClient
    heard: Exchange


class Reads:
    """What a recording says about its reads of instances, one after the other."""

    def __init__(self, case: Case) -> None:
        self._rows: defaultdict[str, deque[Row]] = defaultdict(deque)
        for row in case.rows_of("status"):
            self._rows[row["body"].get("instanceId", row["function"])].append(row["body"])

    def hung(self, instance_id: str) -> bool:
        """Whether the instance had not ended when it was waited for."""
        return any("labNote" in row for row in self._rows[instance_id])

    def next_has_history(self, instance_id: str) -> bool:
        """Whether the next read of the instance asked for its history; it counts as done."""
        rows = self._rows[instance_id]
        row = rows.popleft() if rows else {}
        return "historyEvents" in row or "ExceptionType" in row


@asynccontextmanager
async def stage_for(case: Case, catalog: Catalog, folder: Path) -> AsyncIterator[Stage]:
    """Serve the engine, with its journal in `folder`, while the context is open."""
    heard, listener = Exchange(), listen(0)
    binding = ClientBinding(HUB, public=origin(listener), rpc=origin(listener), system_key=SYSTEM_KEY)
    worker = TappedWorker(catalog, binding.text(), heard)
    engine = Engine(
        catalog,
        worker,
        folder / "journal.sqlite",
        RealClock(),
        limits=Limits(activities=100, orchestrators=100),
        timer_limits=case.timer_limits,
        on_commit=partial(keep_commit, heard),
    )
    api = ManagementApi(engine, binding)
    app = _both(api.app(RPC_PATH), api.app(WEBHOOK_PATH))
    try:
        async with (
            engine.running(),
            serving(app, listener),
            httpx.AsyncClient(base_url=origin(listener) + WEBHOOK_PATH) as http,
        ):
            yield Stage(engine, http, DurableOrchestrationClient(binding.text()), heard)
    finally:
        worker.close()


def _both(rpc: ASGIApp, webhook: ASGIApp) -> ASGIApp:
    """The management API under both of its paths on one port."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (webhook if scope["path"].startswith(WEBHOOK_PATH) else rpc)(scope, receive, send)

    return app


async def run_case(case: Case, catalog: Catalog, folder: Path) -> Exchange:
    """Do what the case's client did, and return what was exchanged."""
    reads = Reads(case)
    async with stage_for(case, catalog, folder) as stage:
        for step in _sent_together(case.steps):
            await _take(step, stage, reads)
        await _rest(stage, REST_SECONDS)
    return stage.heard


def _sent_together(steps: Sequence[Step]) -> list[Step]:
    """The steps, those that send events one right after the other as one.

    The original's store was looked at every 15 ms and found them together; over HTTP each would have an episode here.
    """
    joined: list[Step] = []
    for step in steps:
        if step.get("sdk") == "raise_event" and joined and "events" in joined[-1]:
            joined[-1]["events"].append(step["args"])
        else:
            joined.append({"events": [step["args"]], **step} if step.get("sdk") == "raise_event" else step)
    return joined


async def _take(step: Step, stage: Stage, reads: Reads) -> None:
    match step:
        case {"sleep": seconds}:
            await asyncio.sleep(seconds)
        case {"rest": _}:
            await _rest(stage, REST_SECONDS)
        case {"read": instance_id}:
            await _read(stage, instance_id, reads, output=False)
        case {"wait_until_final": instance_id, "seconds": seconds}:
            await _wait(stage, instance_id, HUNG_SECONDS if reads.hung(instance_id) else None, seconds)
            await _read(stage, instance_id, reads, output=True)
        case {"http": method, "path": path}:
            await _request(stage, method, path, step.get("body"), step.get("label"))
        case {"events": [_, _, *_] as events}:
            for instance_id, name, *data in events:
                stage.engine.raise_event(instance_id, name, encoded(json.dumps(data[0] if data else None)))
        case {"sdk_call": name}:
            stage.heard.requests.append(await sdk_calls.on_its_own(stage.client, name))
        case {"sdk": operation}:
            await sdk_calls.perform(stage.client, operation, step)
        case _:
            raise ValueError(f"The step {step} is not known.")


async def _request(stage: Stage, method: str, path: str, body: str | None, label: str | None) -> None:
    headers = {} if body is None else {"Content-Type": _MEDIA_TYPES.get(label or "", "application/json")}
    url = f"{path}{'&' if '?' in path else '?'}code={SYSTEM_KEY}"
    answer = await stage.http.request(method, url, content=body, headers=headers)
    shown = {name: value for name, value in answer.headers.items() if name in SHOWN_HEADERS}
    stage.heard.requests.append(
        {
            "label": label,
            "request": {"method": method, "path": path, "body": body},
            "status": answer.status_code,
            "headers": shown,
            "body": answer.json() if answer.content else "",
        }
    )


async def _read(stage: Stage, instance_id: str, reads: Reads, *, output: bool) -> None:
    shown = {"showHistory": "true", "showHistoryOutput": str(output)}
    query = shown if reads.next_has_history(instance_id) else {}
    answer = await stage.http.get(f"/instances/{instance_id}", params=query)
    stage.heard.statuses[instance_id].append(json.loads(answer.text))


async def _wait(stage: Stage, instance_id: str, rest_seconds: float | None, seconds: float) -> None:
    """Wait for the end of an instance, or for its rest where the original did not end; at most so many seconds."""
    loop = asyncio.get_running_loop()
    deadline, count, moved = loop.time() + seconds, -1, loop.time()
    while loop.time() < deadline and not stage.engine.instance(instance_id).status.is_final:
        if stage.heard.count() != count:
            count, moved = stage.heard.count(), loop.time()
        if rest_seconds is not None and loop.time() - moved >= rest_seconds:
            return
        await asyncio.sleep(LOOK_SECONDS)


async def _rest(stage: Stage, seconds: float) -> None:
    count = -1
    while stage.heard.count() != count:
        count = stage.heard.count()
        await asyncio.sleep(seconds)
