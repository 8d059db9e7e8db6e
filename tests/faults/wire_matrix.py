"""The matrix on the wire: what storage and the video service really answer, or do not, and what comes of it."""

from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any, Final, NamedTuple

from shared.names import ACTIVITIES, CANCEL_RENDER, CHECK_RENDER, FETCH_RENDER, SUBMIT_RENDER
from tests.faults.effects import Declared, declared
from tests.faults.matrix import Verdict, judged
from tests.faults.recording import studied_run
from tests.faults.scenarios import FIRST, SCENARIOS
from tests.faults.vocabulary import Effect, Port
from tests.faults.wire_faults import RequestStrike, ServiceStrike
from tests.faults.wire_stage import Stage, fresh_store, wire_world
from tests.support.fault_proxy import Fault

REQUESTS: Final[Mapping[str, tuple[str, ...]]] = {
    "create_record": ("write",),
    "read_record": ("read",),
    "read_versioned": ("read",),
    "replace_version": ("write",),
    "replace_record": ("write",),
    "delete_record": ("write",),
    "list_names": ("read",),
    "find_video": ("read",),
    "write_video": ("write", "read", "write"),
    "mark_verified": ("write",),
    "read_range": ("read",),
}
"""The HTTP requests that a call of the store makes, where all goes well."""

FAULTS: Final[Mapping[str, tuple[RequestStrike, ...]]] = {
    "read": (
        RequestStrike(Fault.UNAVAILABLE_BEFORE),
        RequestStrike(Fault.TRUNCATED),
        RequestStrike(Fault.HANG, times=1),
        RequestStrike(Fault.RESET_BEFORE),
        RequestStrike(Fault.CONFLICT, times=1),
    ),
    "write": (
        RequestStrike(Fault.UNAVAILABLE_AFTER, times=1),
        RequestStrike(Fault.RESET_AFTER),
        RequestStrike(Fault.UNAVAILABLE_BEFORE),
        RequestStrike(Fault.TRUNCATED),
        RequestStrike(Fault.CONFLICT, times=1),
        RequestStrike(Fault.UNAVAILABLE_AFTER),
        RequestStrike(Fault.HANG, times=1),
        RequestStrike(Fault.RESET_BEFORE),
        RequestStrike(Fault.RESET_AFTER, times=1),
    ),
}
"""What can happen to a request. What strikes once, the SDK tries again by itself; the rest reaches the app."""

AT_EACH: Final[Mapping[str, int]] = {"read": 1, "write": 2}
"""So many of these faults strike each request of each activity, in turn. That each call of the store gets over each of
them is tests/contract/test_azure_blob_store_records.py's subject; here it is what the app makes of it."""


class ServiceFault(NamedTuple):
    """What the simulator is told, how the first job ends then, and whether its render cannot be stopped."""

    name: str
    fault: dict[str, Any]
    end: str = "completed"
    goes_on: bool = False


def _respond(status: int, **more: Any) -> dict[str, Any]:
    return {"kind": "respond", "status": status, **more}


HTML: Final = "<html><body>Bad Gateway</body></html>"
FOR_EVER: Final = {"times": None}

BEFORE: Final = (
    ServiceFault("429", _respond(429)),
    ServiceFault("500", _respond(500)),
    ServiceFault("502 of a gateway", _respond(502, body=HTML)),
    ServiceFault("time-out", {"kind": "hang"}),
    ServiceFault("reset", {"kind": "close", "when": "before"}),
    ServiceFault("truncated", {"kind": "truncate"}),
)
"""What can happen to every operation, and is got over by all of them; what is truncated has been done."""

AFTER: Final = (
    ServiceFault("answer withheld", {"kind": "withhold"}),
    ServiceFault("reset afterwards", {"kind": "close", "when": "after"}),
)
"""The same for operations that do something; to the others these are nothing new."""

OPERATIONS: Final[Mapping[tuple[str, str, str, str], tuple[ServiceFault, ...]]] = {
    ("plain", SUBMIT_RENDER, "submit", "create"): (
        *BEFORE,
        *AFTER,
        ServiceFault("429 with Retry-After", _respond(429, headers={"Retry-After": "90"})),
        ServiceFault("garbage", _respond(200, body=HTML), "submission_unknown"),
        ServiceFault("forgotten", {"kind": "forget"}, "upstream_lost"),
        ServiceFault("unknown status", {"kind": "unknown_status", "status": "preprocessing"}),
        ServiceFault("fails", {"kind": "fail"}, "upstream_failed"),
        ServiceFault("refused", {"kind": "fail", "code": "moderation_blocked"}, "content_policy"),
        ServiceFault("never finishes", {"kind": "never_finish"}, "upstream_timeout"),
    ),
    ("plain", CHECK_RENDER, "look", "retrieve"): (
        *BEFORE,
        ServiceFault("garbage", _respond(200, body=HTML)),
        ServiceFault("unknown for a moment", _respond(404)),
        ServiceFault("unknown status", {"kind": "unknown_status", "status": "postprocessing"}),
        ServiceFault("forgotten", {"kind": "forget"}, "upstream_lost"),
        ServiceFault("expired", {"kind": "expire"}, "upstream_lost"),
    ),
    ("plain", FETCH_RENDER, "fetch", "content"): (
        *BEFORE,
        ServiceFault("unknown for a moment", _respond(404)),
        *(
            ServiceFault(f"{content} instead", {"kind": "wrong_content", "content": content})
            for content in ("json", "html", "noise", "half")
        ),
        ServiceFault(
            "noise for ever", {"kind": "wrong_content", "content": "noise", **FOR_EVER}, "invalid_upstream_video"
        ),
        ServiceFault("forgotten", {"kind": "forget"}, "upstream_lost"),
        ServiceFault("expired", {"kind": "expire"}, "upstream_lost"),
    ),
    ("cancel", CANCEL_RENDER, "cancel", "delete"): (
        *(fault._replace(end="cancelled") for fault in (*BEFORE, *AFTER)),
        ServiceFault("forgotten", {"kind": "forget"}, "cancelled"),
        ServiceFault("not possible", _respond(501, **FOR_EVER), "cancelled", goes_on=True),
    ),
    ("doubt", SUBMIT_RENDER, "find", "list"): (
        *BEFORE,
        ServiceFault("garbage", _respond(200, body=HTML)),
        ServiceFault("no such list", _respond(404, **FOR_EVER), "submission_unknown"),
    ),
}
"""By scenario, function, the app's operation and the service's: what is possible there, and the end that it leads to.

Left out: an answer to a cancellation that makes no sense (nobody reads it), garbage instead of a video (that is noise).
"""


@dataclass(frozen=True)
class WireCell:
    """One test on the wire."""

    row: str
    scenario: str
    effect: Effect
    strike: RequestStrike | ServiceStrike
    end: str
    goes_on: bool = False

    def __str__(self) -> str:
        scene = "" if self.scenario == "plain" else f"@{self.scenario}"
        return f"{self.row}/{self.effect}{scene}/{self.strike}"


def storage_cells() -> Iterator[WireCell]:
    """Yield cells for every HTTP request to storage that an activity makes, each with the next faults in turn."""
    turns = {what: cycle(faults) for what, faults in FAULTS.items()}
    for each in _calls():
        for number, what in enumerate(REQUESTS[each.effect.call], start=1):
            for strike in islice(turns[what], AT_EACH[what]):
                at = RequestStrike(strike.fault, strike.times, number)
                yield WireCell(each.row, each.scenario, each.effect, at, SCENARIOS[each.scenario].ends[FIRST])


def _calls() -> list[Declared]:
    """Return the calls of the store that activities make in an ordinary run, and when a render is cancelled."""
    return [
        each
        for each in declared()
        if each.struck_here
        and each.effect.port is Port.STORE
        and each.row in ACTIVITIES
        and (each.scenario == "plain" or (each.scenario, each.row) == ("cancel", CANCEL_RENDER))
    ]


def service_cells() -> Iterator[WireCell]:
    """Yield a cell for every operation of the video service, and everything that the simulator can do to it."""
    for (scenario, row, call, operation), faults in OPERATIONS.items():
        for name, fault, end, goes_on in faults:
            about = {} if operation == "list" else {"prompt": FIRST}
            strike = ServiceStrike(name, {**fault, **about, "operation": operation})
            yield WireCell(row, scenario, Effect(call, "upstream"), strike, end, goes_on)


async def play_on_the_wire(cell: WireCell, on: Stage) -> Verdict:
    """Run a cell of the matrix on the wire."""
    scenario = SCENARIOS[cell.scenario]
    run = await studied_run(cell.scenario, cell.row)
    async with wire_world(on) as world:
        world.tap.aim(cell.row, cell.effect, cell.strike, run=run)
        ends = {**scenario.ends, FIRST: cell.end}
        return await judged(world, scenario.script, ends, extra_renders=int(cell.goes_on))


async def requests_made(on: Stage) -> Mapping[str, int]:
    """Return how many HTTP requests each call of the store makes, where all goes well."""

    async def film() -> AsyncIterator[bytes]:
        yield b"the bytes of a video"

    async with fresh_store(on) as (_, store):

        async def count(call: Awaitable[object]) -> int:
            before = len(on.proxy.requests)
            await call
            return len(on.proxy.requests) - before

        made = {
            "create_record": await count(store.create_record("record", {"job": 1})),
            "read_record": await count(store.read_record("record")),
            "read_versioned": await count(store.read_versioned("record")),
            "replace_record": await count(store.replace_record("record", {"job": 2})),
        }
        versioned = await store.read_versioned("record")
        assert versioned is not None
        made |= {
            "replace_version": await count(store.replace_version("record", {"job": 3}, versioned.etag)),
            "list_names": await count(store.list_names("rec", limit=1)),
            "delete_record": await count(store.delete_record("record")),
            "write_video": await count(store.write_video("video", film())),
            "find_video": await count(store.find_video("video")),
        }
        video = await store.find_video("video")
        assert video is not None
        made["read_range"] = await count(store.read_range("video", video, 0, 5))
        made["mark_verified"] = await count(store.mark_verified("video", video, {}))
    return made
