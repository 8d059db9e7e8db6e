"""When a fault happens: to which calls, how often, in which order, and which are refused."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.sora_sim.conftest import Simulated, simulated


async def statuses_of_lists(simulator: Simulated, calls: int) -> list[int]:
    """What so many list calls are answered."""
    return [(await simulator.http.get("/v1/videos")).status_code for _ in range(calls)]


async def test_a_fault_lets_calls_pass_and_wears_off(simulator: Simulated) -> None:
    """`skip` and `times` count matching calls only; what is left can be read."""
    job, other = await simulator.create("one"), await simulator.create("other")
    await simulator.arm(operation="retrieve", kind="respond", status=500, prompt="one", skip=1, times=2)

    await simulator.http.get(f"/v1/videos/{other['id']}")
    statuses = [(await simulator.http.get(f"/v1/videos/{job['id']}")).status_code for _ in range(4)]
    armed = (await simulator.http.get("/_sim/faults")).json()["faults"]

    assert statuses == [200, 500, 500, 200]
    assert [(fault["matched"], fault["left"], fault["prompt"]) for fault in armed] == [(4, 0, "one")]


async def test_a_fault_for_ever_ends_when_cleared(simulator: Simulated) -> None:
    """`times: null` has no end of its own."""
    job = await simulator.create()
    await simulator.arm(operation="retrieve", kind="respond", status=500, job=job["id"], times=None)

    during = [(await simulator.http.get(f"/v1/videos/{job['id']}")).status_code for _ in range(5)]
    await simulator.http.delete("/_sim/faults")

    assert during == [500] * 5
    assert (await simulator.look(job["id"]))["id"] == job["id"]


async def test_faults_armed_together_strike_in_order(simulator: Simulated) -> None:
    """A list is a script."""
    script = [{"operation": "list", "kind": "respond", "status": status} for status in (500, 429, 404)]
    await simulator.http.post("/_sim/faults", json=script)

    assert [(await simulator.http.get("/v1/videos")).status_code for _ in range(4)] == [500, 429, 404, 200]


async def test_a_fault_can_happen_every_so_often(simulator: Simulated) -> None:
    """At the last of each so many calls, once some have passed, until it has happened often enough."""
    await simulator.arm(operation="list", kind="respond", status=500, skip=2, every=3, times=2)

    statuses = await statuses_of_lists(simulator, 12)
    (fault,) = (await simulator.http.get("/_sim/faults")).json()["faults"]

    assert statuses == [200, 200, 200, 200, 500, 200, 200, 500, 200, 200, 200, 200]
    assert (fault["matched"], fault["left"], fault["every"]) == (12, 0, 3)


async def test_a_fault_every_so_often_counts_only_calls_that_match(simulator: Simulated) -> None:
    """Calls about other jobs are none of its business."""
    job, other = await simulator.create("one"), await simulator.create("other")
    await simulator.arm(operation="retrieve", kind="respond", status=500, prompt="one", every=2, times=None)

    statuses = [
        (await simulator.http.get(f"/v1/videos/{looked_at['id']}")).status_code
        for looked_at in (job, other, job, other, job, job)
    ]

    assert statuses == [200, 200, 500, 200, 200, 500]


async def test_faults_every_so_often_make_an_exact_share_of_calls_go_wrong(simulator: Simulated) -> None:
    """Three of every tenth call are three in ten, wherever their turns come."""
    faults = [(500, 0), (429, 3), (503, 6)]
    await simulator.http.post(
        "/_sim/faults",
        json=[
            {"operation": "list", "kind": "respond", "status": status, "every": 10, "skip": skip, "times": None}
            for status, skip in faults
        ],
    )
    await statuses_of_lists(simulator, 10)

    statuses = await statuses_of_lists(simulator, 100)

    assert [statuses.count(status) for status, _ in faults] == [10, 10, 10]
    assert statuses[:10] == [200, 200, 429, 200, 200, 503, 200, 200, 200, 500]


async def test_a_turn_at_a_call_that_meets_another_fault_is_taken_at_the_next(simulator: Simulated) -> None:
    """None is lost, and none is saved up beyond one."""
    once = {"operation": "list", "kind": "respond", "times": None}
    await simulator.http.post("/_sim/faults", json=[{**once, "status": status, "every": 4} for status in (500, 429)])
    seen = await statuses_of_lists(simulator, 8)
    await simulator.http.delete("/_sim/faults")
    await simulator.http.post(
        "/_sim/faults", json=[{**once, "status": 500, "times": 6}, {**once, "status": 429, "every": 2}]
    )

    assert seen == [200, 200, 200, 500, 429, 200, 200, 500]
    assert await statuses_of_lists(simulator, 9) == [500] * 6 + [429, 429, 200]


async def test_a_keyword_strikes_where_no_turn_has_come(simulator: Simulated) -> None:
    """Faults every so often leave the other calls to the prompt's keyword."""
    await simulator.arm(operation="create", kind="respond", status=503, every=2, times=None)

    statuses = [
        (await simulator.http.post("/v1/videos", json={"prompt": "[sim:server-error-once]"})).status_code
        for _ in range(4)
    ]

    assert statuses == [500, 503, 200, 503]


async def test_a_restart_disarms_everything(tmp_path: Path) -> None:
    """Faults live in memory."""
    async with simulated(tmp_path) as simulator:
        await simulator.arm(operation="list", kind="respond", status=500, times=None)
    async with simulated(tmp_path) as simulator:
        answer = await simulator.http.get("/v1/videos")

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "fault",
    [
        {"operation": "create", "kind": "explode"},
        {"operation": "create", "kind": "respond"},
        {"operation": "create", "kind": "respond", "status": 99},
        {"operation": "create", "kind": "hang", "seconds": 601},
        {"operation": "retrieve", "kind": "fail"},
        {"operation": "create", "kind": "wrong_content", "content": "json"},
        {"operation": "create", "kind": "hang", "job": "video_1"},
        {"operation": "list", "kind": "hang", "prompt": "x"},
        {"operation": "render", "kind": "hang"},
        {"operation": "create", "kind": "hang", "typo": 1},
        {"operation": "create", "kind": "hang", "every": 10},
        {"operation": "create", "kind": "hang", "every": 10, "times": 1},
        {"operation": "create", "kind": "hang", "every": 1, "times": None},
        {"operation": "create", "kind": "hang", "every": 0, "times": None},
        {"operation": "create", "kind": "hang", "every": 2.5, "times": None},
        "hang",
    ],
)
async def test_an_impossible_fault_is_refused(simulator: Simulated, fault: Any) -> None:
    """A test that arms nonsense hears about it, and the sound faults sent along are not armed either."""
    sound = {"operation": "list", "kind": "respond", "status": 500}

    refused = await simulator.http.post("/_sim/faults", json=[sound, fault])

    assert refused.status_code == 400
    assert refused.json()["problems"][0]["msg"]
    assert (await simulator.http.get("/_sim/faults")).json() == {"faults": []}


async def test_a_fault_that_is_not_json_is_refused(simulator: Simulated) -> None:
    """The control route checks its input as well."""
    refused = await simulator.http.post("/_sim/faults", content=b"{")

    assert refused.status_code == 400
