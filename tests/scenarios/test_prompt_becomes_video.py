"""A prompt becomes an MP4 of the requested size and length, through HTTP alone."""

import io
from fractions import Fraction
from uuid import uuid4

import av
import pytest

from devtools.stack import Stack
from tests.support.caller import Caller, renders_of

pytestmark = [pytest.mark.stack, pytest.mark.any_host]


@pytest.mark.parametrize(("width", "height", "seconds"), [(320, 256, 1), (257, 301, 2), (1280, 720, 3)])
def test_the_file_has_the_requested_size_and_length(
    stack: Stack, caller: Caller, width: int, height: int, seconds: int
) -> None:
    """Odd sides round up to even ones; the length is right to within one frame; there is a picture and sound."""
    prompt = f"A lighthouse at dusk, {width}x{height} {uuid4()}"

    job_id = caller.submit(prompt, width=width, height=height, duration=seconds)
    ended = caller.wait(job_id)
    response = caller.download(job_id)

    assert ended == {"job_id": job_id, "status": "completed", "video_url": f"/api/download/gen_{job_id}"}
    assert caller.seen[job_id][-1] == "completed"
    assert caller.seen[job_id] == sorted(caller.seen[job_id], key=["queued", "processing", "completed"].index)
    assert response.status_code == 200
    assert response.headers["content-type"] == "video/mp4"
    assert response.headers["content-disposition"] == f'attachment; filename="gen_{job_id}.mp4"'
    assert int(response.headers["content-length"]) == len(response.content)
    with av.open(io.BytesIO(response.content), "r") as video:
        picture = video.streams.video[0]
        assert (picture.width, picture.height) == (width + width % 2, height + height % 2)
        assert picture.duration is not None
        assert picture.time_base is not None
        assert abs(picture.duration * picture.time_base - seconds) <= Fraction(1, 24)
        assert sum(1 for _ in video.decode(picture)) == seconds * 24
        assert len(video.streams.audio) == 1
    assert len(renders_of(stack.simulator, prompt)) == 1


def test_a_part_of_the_file_can_be_asked_for(caller: Caller) -> None:
    """A broken download goes on where it broke off, and only while the file is the same."""
    job_id = caller.submit("A river")
    caller.wait(job_id)
    whole = caller.download(job_id)
    url = f"/api/download/gen_{job_id}"
    half = len(whole.content) // 2

    rest = caller.http.get(url, headers={"Range": f"bytes={half}-", "If-Range": whole.headers["etag"]})
    other_version = caller.http.get(url, headers={"Range": f"bytes={half}-", "If-Range": '"another"'})
    outside = caller.http.get(url, headers={"Range": f"bytes={len(whole.content)}-"})
    unchanged = caller.http.get(url, headers={"If-None-Match": whole.headers["etag"]})
    head = caller.http.head(url)

    assert rest.status_code == 206
    assert whole.content == whole.content[:half] + rest.content
    assert rest.headers["content-range"] == f"bytes {half}-{len(whole.content) - 1}/{len(whole.content)}"
    assert (other_version.status_code, other_version.content) == (200, whole.content)
    assert outside.status_code == 416
    assert outside.headers["content-range"] == f"bytes */{len(whole.content)}"
    assert unchanged.status_code == 304
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(whole.content)))


def test_jobs_with_the_same_prompt_get_a_render_each(stack: Stack, caller: Caller) -> None:
    """Two callers may ask for the same thing; neither gets the other's file."""
    prompt = f"The same wish {uuid4()}"
    jobs = [caller.submit(prompt) for _ in range(3)]

    ends = [caller.wait(job_id)["status"] for job_id in jobs]

    assert ends == ["completed"] * 3
    assert len(renders_of(stack.simulator, prompt)) == 3


@pytest.mark.parametrize(
    "job_id", ["01jyg74z6ee6e9y23ceq2fmwc4", "01JYG74Z6EE6E9Y23CEQ2FMWC4", "no-such-job", "..%2f..%2fjobs"]
)
def test_what_does_not_exist_is_not_found(caller: Caller, job_id: str) -> None:
    """Unknown and impossible ids look the same."""
    status = caller.http.get(f"/api/status/{job_id}")
    file = caller.http.get(f"/api/download/gen_{job_id}")

    assert (status.status_code, status.json()) == (404, {"detail": "Job not found"})
    assert (file.status_code, file.json()) == (404, {"detail": "File not found"})


def test_a_request_that_breaks_the_rules_is_answered_in_the_contracts_form(caller: Caller) -> None:
    """All errors at once, in field order; an empty prompt has its own answer."""
    bad = caller.http.post("/api/generate", json={"prompt": "x", "duration": 0, "width": 9999})
    empty = caller.http.post("/api/generate", json={"prompt": "  "})

    assert bad.status_code == 422
    assert [error["loc"] for error in bad.json()["detail"]] == [["body", "duration"], ["body", "width"]]
    assert (empty.status_code, empty.json()) == (400, {"detail": "Invalid prompt: prompt cannot be empty"})


def test_a_file_is_not_there_before_its_job_is_completed(caller: Caller) -> None:
    """Unfinished means not found, however far the render is."""
    job_id = caller.submit("An unfinished symphony")

    response = caller.download(job_id)

    assert (response.status_code, response.json()) == (404, {"detail": "File not found"})
    assert caller.wait(job_id)["status"] == "completed"
