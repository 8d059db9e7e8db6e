import httpx
import pytest

from tests.unit.sora_sim.conftest import VIDEO, Simulated


async def test_pages_follow_each_other_newest_first(simulator: Simulated) -> None:
    """`after` goes on where the last page ended; `has_more` ends the walk."""
    ids = [(await simulator.create(f"number {n}"))["id"] for n in range(5)]

    first = (await simulator.http.get("/v1/videos?limit=2")).json()
    second = (await simulator.http.get(f"/v1/videos?limit=2&after={first['last_id']}")).json()
    third = (await simulator.http.get(f"/v1/videos?limit=2&after={second['last_id']}")).json()

    pages = [[job["id"] for job in page["data"]] for page in (first, second, third)]
    assert pages == [ids[:2:-1], ids[2:0:-1], ids[:1]]
    assert [page["has_more"] for page in (first, second, third)] == [True, True, False]
    assert (first["object"], first["first_id"]) == ("list", ids[4])


async def test_oldest_first_leaves_out_deleted_jobs(simulator: Simulated) -> None:
    """A page shows what the API still knows."""
    ids = [(await simulator.create(f"number {n}"))["id"] for n in range(3)]
    await simulator.http.delete(f"/v1/videos/{ids[1]}")

    page = (await simulator.http.get("/v1/videos?order=asc")).json()

    assert [job["id"] for job in page["data"]] == [ids[0], ids[2]]


async def test_no_jobs_is_an_empty_page(simulator: Simulated) -> None:
    """An empty list has neither first nor last."""
    page = (await simulator.http.get("/v1/videos")).json()

    assert page == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


@pytest.mark.parametrize(
    ("query", "status"), [("limit=101", 400), ("limit=x", 400), ("order=up", 400), ("after=video_none", 404)]
)
async def test_a_wrong_question_gets_an_error(simulator: Simulated, query: str, status: int) -> None:
    """Parameters are checked."""
    response = await simulator.http.get(f"/v1/videos?{query}")

    assert response.status_code == status
    assert response.json()["error"]["type"] == "invalid_request_error"


async def test_the_content_comes_whole_with_its_length(simulator: Simulated) -> None:
    """A plain GET is the MP4; the one variant there is may be named."""
    job = await simulator.completed()

    for query in ("", "?variant=video"):
        response = await simulator.http.get(f"/v1/videos/{job['id']}/content{query}")

        assert response.content == VIDEO
        assert response.headers["content-type"] == "video/mp4"
        assert response.headers["content-length"] == str(len(VIDEO))


async def test_a_range_comes_alone(simulator: Simulated) -> None:
    """Broken downloads can be resumed."""
    job = await simulator.completed()

    part = await simulator.http.get(f"/v1/videos/{job['id']}/content", headers={"Range": "bytes=10-14"})
    beyond = await simulator.http.get(f"/v1/videos/{job['id']}/content", headers={"Range": "bytes=5000-"})

    assert (part.status_code, part.content) == (206, b"01234")
    assert part.headers["content-range"] == f"bytes 10-14/{len(VIDEO)}"
    assert beyond.status_code == 416


async def test_other_variants_do_not_exist(simulator: Simulated) -> None:
    """There is no thumbnail here."""
    job = await simulator.completed()

    response = await simulator.http.get(f"/v1/videos/{job['id']}/content?variant=thumbnail")

    assert response.status_code == 400


async def test_content_is_not_found_unless_completed(simulator: Simulated) -> None:
    """Rendering, failed and unknown videos have none."""
    rendering = await simulator.create("[sim:never-finishes]")
    failed = await simulator.create("[sim:fail]")
    await simulator.wait_for(failed["id"], "failed")

    answers: list[httpx.Response] = [
        await simulator.http.get(f"/v1/videos/{job_id}/content")
        for job_id in (rendering["id"], failed["id"], "video_1")
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert "not ready" in answers[0].json()["error"]["message"]
