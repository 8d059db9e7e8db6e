"""What only a real connection can show, through a simulator in a thread of this process."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from devtools.sora_sim.rendering import PlaceholderRenderer
from devtools.sora_sim.server import running_simulator
from devtools.sora_sim.settings import SimulatorSettings
from tests.sora_sim.conftest import wait_until

pytestmark = pytest.mark.stack

VIDEO = b"0123456789" * 100_000
ORDER = {"prompt": "a lighthouse", "seconds": 1, "size": "64x64"}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a simulator that encodes nothing."""
    settings = SimulatorSettings(state=tmp_path, render_seconds=0)
    with (
        running_simulator(settings, PlaceholderRenderer(VIDEO)) as base,
        httpx.Client(base_url=base, headers={"api-key": "k"}, timeout=10) as http,
    ):
        yield http


def _arm(client: httpx.Client, **fault: object) -> None:
    client.post("/_sim/faults", json=fault).raise_for_status()


def _completed(client: httpx.Client) -> str:
    job_id = str(client.post("/v1/videos", json=ORDER).json()["id"])
    wait_until(lambda: client.get(f"/v1/videos/{job_id}").json()["status"] == "completed", "the job to complete")
    return job_id


@pytest.mark.parametrize(("when", "jobs"), [("before", 0), ("after", 1)])
def test_a_closed_connection_is_no_answer(client: httpx.Client, when: str, jobs: int) -> None:
    """Whether the job was accepted is exactly what the client cannot know."""
    _arm(client, operation="create", kind="close", when=when)

    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        client.post("/v1/videos", json=ORDER)

    assert len(client.get("/_sim/jobs").json()) == jobs
    (call,) = client.get("/_sim/calls").json()
    assert (call["status"], call["job"] is not None) == (None, jobs == 1)


def test_truncated_content_breaks_off(client: httpx.Client) -> None:
    """The length is promised; less comes; the next fetch is whole."""
    job_id = _completed(client)
    _arm(client, operation="content", kind="truncate", at_percent=30)

    with pytest.raises(httpx.RemoteProtocolError, match=r"received 300000 bytes, expected 1000000"):
        client.get(f"/v1/videos/{job_id}/content")

    assert client.get(f"/v1/videos/{job_id}/content").content == VIDEO


def test_a_client_that_left_is_on_record(client: httpx.Client) -> None:
    """A call that timed out counts, with its job and without a status."""
    _arm(client, operation="create", kind="withhold")

    with pytest.raises(httpx.ReadTimeout):
        client.post("/v1/videos", json=ORDER, timeout=0.2)

    (call,) = client.get("/_sim/calls").json()
    (job,) = client.get("/_sim/jobs").json()
    assert (call["status"], call["job"]) == (None, job["id"])


def test_a_client_that_left_during_a_delay_ordered_nothing(client: httpx.Client) -> None:
    """The work would have come after the delay."""
    _arm(client, operation="create", kind="delay", seconds=0.3)

    with pytest.raises(httpx.ReadTimeout):
        client.post("/v1/videos", json=ORDER, timeout=0.1)
    _arm(client, operation="list", kind="delay", seconds=0.5)
    client.get("/v1/videos")

    assert client.get("/_sim/jobs").json() == []


def test_a_hang_ends_with_its_time(client: httpx.Client) -> None:
    """Even a patient client is let go."""
    _arm(client, operation="create", kind="hang", seconds=0.2)

    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        client.post("/v1/videos", json=ORDER)

    assert client.get("/_sim/jobs").json() == []


def test_a_simulator_in_a_thread_renders_real_videos(tmp_path: Path) -> None:
    """Without a renderer given, encoders are started from the thread."""
    with (
        running_simulator(SimulatorSettings(state=tmp_path, render_seconds=0)) as base,
        httpx.Client(base_url=base, headers={"api-key": "k"}, timeout=10) as http,
    ):
        content = http.get(f"/v1/videos/{_completed(http)}/content").content

    assert content[4:8] == b"ftyp"
