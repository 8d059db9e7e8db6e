"""The fault matrix on the wire: the real adapters, on a storage emulator behind a proxy and on the simulator."""

import pytest

from shared.names import SUBMIT_RENDER
from tests.faults.matrix import judged
from tests.faults.scenarios import FIRST, SCENARIOS
from tests.faults.vocabulary import Effect
from tests.faults.wire_faults import ServiceStrike
from tests.faults.wire_matrix import REQUESTS, WireCell, play_on_the_wire, requests_made, service_cells, storage_cells
from tests.faults.wire_stage import Simulator, Stage, wire_world

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="package")]


@pytest.mark.soak
@pytest.mark.parametrize("cell", list(storage_cells()), ids=str)
async def test_a_request_to_storage_that_goes_wrong_loses_and_doubles_nothing(cell: WireCell, on: Stage) -> None:
    """All jobs end as they must, every invariant holds, and everything comes to rest."""
    verdict = await play_on_the_wire(cell, on)

    assert verdict.broken == ()


@pytest.mark.soak
@pytest.mark.parametrize("cell", list(service_cells()), ids=str)
async def test_an_answer_of_the_video_service_that_goes_wrong_pays_for_nothing_twice(cell: WireCell, on: Stage) -> None:
    """All jobs end as they must, every invariant holds, and everything comes to rest."""
    verdict = await play_on_the_wire(cell, on)

    assert verdict.broken == ()


async def test_an_answer_that_is_withheld_from_a_process_that_dies_is_one_render_and_a_video(on: Stage) -> None:
    """The service has accepted the job, nobody was told, and the process is gone: the job gets the render it has."""
    withheld = ServiceStrike("withheld", {"kind": "withhold", "operation": "create", "prompt": FIRST}, kills=True)
    scenario = SCENARIOS["plain"]
    async with wire_world(on) as world:
        assert isinstance(world.upstream, Simulator)
        world.tap.aim(SUBMIT_RENDER, Effect("submit", "upstream"), withheld)

        verdict = await judged(world, scenario.script, scenario.ends)
        renders = [job for job in world.upstream.jobs() if job["prompt"] == FIRST]
        calls = world.upstream.accepting_calls(FIRST)

    assert verdict.broken == ()
    assert verdict.end == "completed"
    assert world.deaths == 1
    assert len(renders) == 1
    assert [call["status"] for call in calls] == [None]


async def test_calls_make_the_requests_that_are_counted_on(on: Stage) -> None:
    """A request that a call of the store makes anew has no cell, and fails here until it has."""
    made = await requests_made(on)

    assert made == {call: len(requests) for call, requests in REQUESTS.items()}
