"""What each kind of fault does."""

import asyncio
from pathlib import Path

import pytest

from devtools.sora_sim.jobs import NewVideo
from devtools.sora_sim.rendering import PlaceholderRenderer
from tests.unit.sora_sim.conftest import VIDEO, Simulated, simulated


async def test_a_scripted_answer_comes_instead_of_the_work(simulator: Simulated) -> None:
    """Status, headers and body are as armed; nothing is accepted; afterwards all is well again."""
    await simulator.arm(
        operation="create", kind="respond", status=429, headers={"Retry-After": "7"}, body={"detail": "slow down"}
    )

    refused = await simulator.http.post("/v1/videos", json={"prompt": "x"})
    accepted = await simulator.http.post("/v1/videos", json={"prompt": "x"})

    assert (refused.status_code, refused.headers["retry-after"], refused.json()) == (429, "7", {"detail": "slow down"})
    assert accepted.status_code == 200
    assert len(await simulator.jobs()) == 1


async def test_a_scripted_answer_without_a_body_is_in_openais_envelope(simulator: Simulated) -> None:
    """The type says whose fault it is."""
    await simulator.arm(operation="list", kind="respond", status=503)

    answer = await simulator.http.get("/v1/videos")

    assert answer.status_code == 503
    assert answer.json() == {
        "error": {"message": "Service Unavailable", "type": "server_error", "param": None, "code": None}
    }


@pytest.mark.parametrize(("status", "body"), [(204, b""), (520, b"Status 520")])
async def test_any_status_can_be_scripted(simulator: Simulated, status: int, body: bytes) -> None:
    """Those without a body and those without a name, too."""
    await simulator.arm(operation="list", kind="respond", status=status)

    answer = await simulator.http.get("/v1/videos")

    assert answer.status_code == status
    assert body in answer.content
    assert bool(body) == bool(answer.content)


async def test_a_scripted_text_is_html_unless_a_header_says_otherwise(simulator: Simulated) -> None:
    """Gateways answer in HTML; other media types can be had."""
    await simulator.arm(operation="list", kind="respond", status=502, body="<h1>Bad Gateway</h1>")
    await simulator.arm(
        operation="list", kind="respond", status=200, body="oops", headers={"Content-Type": "text/plain"}
    )

    html, plain = await simulator.http.get("/v1/videos"), await simulator.http.get("/v1/videos")

    assert (html.text, html.headers["content-type"]) == ("<h1>Bad Gateway</h1>", "text/html; charset=utf-8")
    assert (plain.text, plain.headers["content-type"]) == ("oops", "text/plain")


async def test_a_delayed_answer_comes_late(simulator: Simulated) -> None:
    """The work is done after the delay."""
    await simulator.arm(operation="create", kind="delay", seconds=0.2)

    began = asyncio.get_running_loop().time()
    await simulator.create()

    assert asyncio.get_running_loop().time() - began >= 0.2


async def test_a_failing_job_gets_so_far_and_no_further(tmp_path: Path) -> None:
    """It is accepted, renders up to the given percentage, and fails with the given words."""
    async with simulated(tmp_path, render_seconds=0.2) as simulator:
        await simulator.arm(
            operation="create", kind="fail", at_percent=40, code="moderation_blocked", message="Blocked."
        )
        job = await simulator.create()
        failed = await simulator.wait_for(job["id"], "failed")

    assert job["status"] == "queued"
    assert failed["error"] == {"code": "moderation_blocked", "message": "Blocked."}
    assert failed["progress"] == 40


async def test_what_a_fault_did_to_a_job_outlives_a_restart(tmp_path: Path) -> None:
    """The fault is disarmed by then; the job remains doomed."""
    async with simulated(tmp_path, max_running=1) as simulator:
        await simulator.create("[sim:never-finishes]")
        await simulator.arm(operation="create", kind="fail", code="moderation_blocked")
        doomed = await simulator.create()
        await simulator.arm(operation="create", kind="never_finish")
        endless = await simulator.create()

    async with simulated(tmp_path, max_running=3) as simulator:
        failed = await simulator.wait_for(doomed["id"], "failed")
        await simulator.completed("an ordinary one")
        still = await simulator.look(endless["id"])

    assert failed["error"]["code"] == "moderation_blocked"
    assert still["status"] == "in_progress"


async def test_an_endless_job_keeps_its_place_until_deleted(tmp_path: Path) -> None:
    """It never completes, and the next job has to wait for it."""
    async with simulated(tmp_path, max_running=1) as simulator:
        endless = await simulator.create("[sim:never-finishes]")
        await simulator.wait_for(endless["id"], "in_progress")
        waiting = await simulator.create()
        progress = (await simulator.look(endless["id"]))["progress"]
        status = (await simulator.look(waiting["id"]))["status"]
        await simulator.http.delete(f"/v1/videos/{endless['id']}")
        await simulator.wait_for(waiting["id"], "completed")

    assert (progress, status) == (99, "queued")


async def test_a_forgotten_job_is_not_found_from_then_on(simulator: Simulated) -> None:
    """As with an upstream that keeps its jobs in memory and was restarted."""
    job = await simulator.completed()
    await simulator.arm(operation="retrieve", kind="forget")

    statuses = [(await simulator.http.get(f"/v1/videos/{job['id']}")).status_code for _ in range(3)]
    content = await simulator.http.get(f"/v1/videos/{job['id']}/content")
    page = (await simulator.http.get("/v1/videos")).json()

    assert statuses == [404, 404, 404]
    assert content.status_code == 404
    assert page["data"] == []
    assert [line["gone"] for line in await simulator.jobs()] == ["forgotten"]


async def test_a_forgotten_job_gives_its_place_away(tmp_path: Path) -> None:
    """Its render stops with it."""
    async with simulated(tmp_path, max_running=1) as simulator:
        endless = await simulator.create("[sim:never-finishes]")
        await simulator.wait_for(endless["id"], "in_progress")
        await simulator.arm(operation="retrieve", kind="forget")

        await simulator.http.get(f"/v1/videos/{endless['id']}")

        await simulator.completed("the next one")


async def test_a_job_forgotten_at_create_was_accepted(simulator: Simulated) -> None:
    """The client gets an id that nobody knows."""
    await simulator.arm(operation="create", kind="forget")

    job = await simulator.create()

    assert (await simulator.http.get(f"/v1/videos/{job['id']}")).status_code == 404


async def test_an_expired_video_cannot_be_fetched_but_its_job_is_there(simulator: Simulated) -> None:
    """Content 404, job completed."""
    job = await simulator.completed()
    await simulator.arm(operation="content", kind="expire")

    statuses = [(await simulator.http.get(f"/v1/videos/{job['id']}/content")).status_code for _ in range(2)]
    seen = await simulator.look(job["id"])

    assert statuses == [404, 404]
    assert seen["status"] == "completed"
    assert seen["expires_at"] <= job["expires_at"] - 86_000


async def test_an_unknown_status_is_reported_for_as_many_looks_as_armed(simulator: Simulated) -> None:
    """The job itself goes on."""
    job = await simulator.completed()
    await simulator.arm(operation="retrieve", kind="unknown_status", status="postprocessing", times=2)

    words = [(await simulator.look(job["id"]))["status"] for _ in range(3)]

    assert words == ["postprocessing", "postprocessing", "completed"]


@pytest.mark.parametrize(
    ("content", "media_type", "beginning"),
    [
        ("json", "application/json", b'{"error"'),
        ("html", "text/html; charset=utf-8", b"<html>"),
        ("noise", "video/mp4", b"noise noise"),
        ("half", "video/mp4", VIDEO[: len(VIDEO) // 2]),
    ],
)
async def test_content_that_is_no_video_comes_with_200(
    simulator: Simulated, content: str, media_type: str, beginning: bytes
) -> None:
    """Only a client that looks closely notices."""
    job = await simulator.completed()
    await simulator.arm(operation="content", kind="wrong_content", content=content)

    answer = await simulator.http.get(f"/v1/videos/{job['id']}/content")

    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert answer.content.startswith(beginning)
    assert answer.content != VIDEO


async def test_another_video_than_ordered_is_rendered_silently(tmp_path: Path) -> None:
    """The job claims what was ordered, the file is something else."""
    renderer = PlaceholderRenderer()
    async with simulated(tmp_path, renderer) as simulator:
        await simulator.arm(operation="create", kind="wrong_video", size_factor=0.5, length_factor=2)
        job = await simulator.completed("x", seconds=3, size="1280x718")

    assert (job["size"], job["seconds"]) == ("1280x718", "3")
    assert renderer.orders == [NewVideo("x", "sora-2", seconds=6, width=640, height=358)]


async def test_a_withheld_answer_leaves_a_job_that_renders(simulator: Simulated) -> None:
    """The client gives up; the job is on record with its call, which was never answered."""
    await simulator.arm(operation="create", kind="withhold")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await simulator.create("withheld")

    (job,) = await simulator.jobs()
    await simulator.wait_for(job["id"], "completed")
    assert job["prompt"] == "withheld"
    assert (await simulator.calls())[0] | {"time": ""} == {
        "time": "",
        "method": "POST",
        "path": "/v1/videos",
        "status": None,
        "job": job["id"],
    }


async def test_a_hanging_call_does_nothing(simulator: Simulated) -> None:
    """The client gives up; nothing was accepted."""
    await simulator.arm(operation="create", kind="hang")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await simulator.create()

    assert await simulator.jobs() == []
    assert [(call["status"], call["job"]) for call in await simulator.calls()] == [(None, None)]
