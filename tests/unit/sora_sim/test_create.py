import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.sora_sim.conftest import Simulated, simulated


async def test_a_form_and_json_make_the_same_order(simulator: Simulated) -> None:
    """Both ways of sending the fields are understood alike."""
    fields = {"prompt": "Bär\r\nund Fuchs", "model": "my-model", "seconds": "8", "size": "1280x720"}

    as_json = (await simulator.http.post("/v1/videos", json=fields)).json()
    as_form = (
        await simulator.http.post("/v1/videos", files={name: (None, value) for name, value in fields.items()})
    ).json()

    assert {name: as_json[name] for name in fields} == fields
    assert {name: as_form[name] for name in fields} == fields


async def test_a_new_job_looks_like_openais(simulator: Simulated) -> None:
    """Every field of the video object is there, with OpenAI's types."""
    job = await simulator.create("a lighthouse")

    assert job["id"].startswith("video_")
    assert isinstance(job["created_at"], int)
    assert job["expires_at"] - job["created_at"] == 86_400
    assert job | {"id": "", "created_at": 0, "expires_at": 0} == {
        "id": "",
        "object": "video",
        "model": "sora-2",
        "status": "queued",
        "progress": 0,
        "created_at": 0,
        "completed_at": None,
        "expires_at": 0,
        "prompt": "a lighthouse",
        "seconds": "1",
        "size": "64x64",
        "remixed_from_video_id": None,
        "error": None,
    }


async def test_what_is_not_said_is_sora_2s_default(simulator: Simulated) -> None:
    """Only the prompt is required."""
    job = (await simulator.http.post("/v1/videos", json={"prompt": "x", "seconds": None})).json()

    assert (job["model"], job["seconds"], job["size"]) == ("sora-2", "4", "720x1280")


async def test_unknown_fields_and_uploads_are_ignored(simulator: Simulated) -> None:
    """An input image is accepted and not looked at."""
    image = ("cat.png", b"\x89PNG\xff\x00", "image/png")

    response = await simulator.http.post(
        "/v1/videos", data={"prompt": "x", "fps": "12"}, files={"input_reference": image}
    )

    assert response.status_code == 200
    assert response.json()["prompt"] == "x"


async def test_azures_prefix_leads_to_the_same_jobs(simulator: Simulated) -> None:
    """What is created under one prefix is seen under the other."""
    job = await simulator.create()

    seen = await simulator.http.get(f"/openai/v1/videos/{job['id']}")

    assert seen.json()["id"] == job["id"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": 7}, "prompt"),
        ({"prompt": "x" * 32_001}, "prompt"),
        ({"prompt": "\ud800"}, "prompt"),
        ({"prompt": "x", "seconds": "601"}, "seconds"),
        ({"prompt": "x", "seconds": "0"}, "seconds"),
        ({"prompt": "x", "seconds": 4.5}, "seconds"),
        ({"prompt": "x", "seconds": True}, "seconds"),
        ({"prompt": "x", "size": "1280x721"}, "size"),
        ({"prompt": "x", "size": "4098x720"}, "size"),
        ({"prompt": "x", "size": "large"}, "size"),
    ],
)
async def test_a_wrong_value_is_refused_by_name(simulator: Simulated, fields: dict[str, Any], param: str) -> None:
    """The error says which field it is about, in OpenAI's envelope, and nothing is accepted."""
    response = await simulator.http.post(
        "/v1/videos", content=_ascii_json(fields), headers={"content-type": "application/json"}
    )

    assert response.status_code == 400
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert response.json()["error"]["param"] == param
    assert await simulator.jobs() == []


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b"[1]"),
        ("application/json", b"\xff"),
        ("multipart/form-data", b"no boundary"),
        (
            "multipart/form-data; boundary=x",
            b"--x\r\ncontent-disposition: form-data; name=prompt\r\n\r\n\xff\r\n--x--\r\n",
        ),
        ("text/plain", b"prompt"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(simulator: Simulated, content_type: str, body: bytes) -> None:
    """Bad input gets a clear error, not a crash."""
    response = await simulator.http.post("/v1/videos", content=body, headers={"content-type": content_type})

    assert response.status_code == 400
    assert response.json()["error"]["message"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer "}, {"Authorization": "Basic x"}, {"api-key": ""}])
async def test_a_call_without_a_key_is_refused(simulator: Simulated, headers: dict[str, str]) -> None:
    """No credentials, no service, on any route."""
    del simulator.http.headers["Authorization"]

    statuses = {
        (await simulator.http.request(method, path, headers=headers)).status_code
        for method, path in [
            ("POST", "/v1/videos"),
            ("GET", "/v1/videos"),
            ("GET", "/v1/videos/video_1"),
            ("DELETE", "/v1/videos/video_1"),
            ("GET", "/v1/videos/video_1/content"),
        ]
    }

    assert statuses == {401}


async def test_an_api_key_header_is_as_good_as_a_bearer_token(simulator: Simulated) -> None:
    """Azure's way of sending a key."""
    del simulator.http.headers["Authorization"]

    response = await simulator.http.get("/v1/videos", headers={"api-key": "k"})

    assert response.status_code == 200


async def test_a_restricted_simulator_accepts_only_its_sizes_and_lengths(tmp_path: Path) -> None:
    """An upstream like the real Sora 2 can be had."""
    order = {"prompt": "x", "seconds": "4", "size": "1280x720"}
    async with simulated(
        tmp_path, allowed_sizes=frozenset({"1280x720"}), allowed_seconds=frozenset({4, 8})
    ) as simulator:
        answers: list[httpx.Response] = [
            await simulator.http.post("/v1/videos", json=order | other)
            for other in ({}, {"size": "720x720"}, {"seconds": "5"})
        ]

    assert [answer.status_code for answer in answers] == [200, 400, 400]
    assert "'4', '8'" in answers[2].json()["error"]["message"]


async def test_unknown_paths_and_methods_answer_in_the_same_envelope(simulator: Simulated) -> None:
    """404 and 405 are OpenAI errors too."""
    unknown = await simulator.http.get("/v1/images")
    wrong = await simulator.http.put("/v1/videos")

    assert (unknown.status_code, wrong.status_code) == (404, 405)
    assert "/v1/images" in unknown.json()["error"]["message"]
    assert "PUT" in wrong.json()["error"]["message"]


def _ascii_json(fields: dict[str, Any]) -> bytes:
    """JSON as a careless client writes it, half surrogates included."""
    return json.dumps(fields).encode()
