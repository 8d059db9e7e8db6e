"""The demo's view of the API, against answers as the contract has them."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from devtools.demo_client import DemoClient, JobFailedError, Snapshot

JOB = "01jyg74z6ee6e9y23ceq2fmwc4"
Answers = Callable[[httpx.Request], httpx.Response]


def client(answers: Answers) -> DemoClient:
    """A client whose requests are answered by a function."""
    return DemoClient("http://app", "http://simulator", httpx.MockTransport(answers))


def job_with(statuses: list[dict[str, str]], *, list_answer: httpx.Response) -> Answers:
    """An app that tells these states one after the other, and a simulator with that list of videos."""
    waiting = iter(statuses)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "simulator":
            return list_answer
        return httpx.Response(200, json={"job_id": JOB, **next(waiting)})

    return answer


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake answers at once."""
    monkeypatch.setattr("devtools.demo_client.POLL_SECONDS", 0)


def test_a_job_is_followed_to_its_file() -> None:
    """Stages come from the API, percents from the simulator."""
    done = {"status": "completed", "video_url": "/api/download/gen_1"}
    videos = httpx.Response(200, json={"data": [{"progress": 40}]})
    app = job_with([{"status": "queued"}, {"status": "processing"}, done], list_answer=videos)

    seen = list(client(app).follow(JOB, deadline_seconds=10))

    assert seen == [
        Snapshot("queued", None),
        Snapshot("processing", 40),
        Snapshot("completed", 100, "/api/download/gen_1"),
    ]


@pytest.mark.parametrize(
    "videos",
    [
        httpx.Response(500, text="oops"),
        httpx.Response(200, json={"data": []}),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"data": [{"progress": None}]}),
    ],
)
def test_an_unknown_percent_is_no_failure(videos: httpx.Response) -> None:
    """The bar only shows what is known."""
    app = job_with([{"status": "processing"}, {"status": "completed", "video_url": "/v"}], list_answer=videos)

    first = next(client(app).follow(JOB, deadline_seconds=10))

    assert first == Snapshot("processing", None)


def test_a_failed_job_is_told_in_the_words_of_the_api() -> None:
    """The contract's sentence reaches the terminal."""
    app = job_with(
        [{"status": "failed", "error": "Content policy violation detected"}], list_answer=httpx.Response(404)
    )

    with pytest.raises(JobFailedError, match=r"^The job failed: Content policy violation detected\.$"):
        list(client(app).follow(JOB, deadline_seconds=10))


def test_a_job_that_never_ends_is_given_up() -> None:
    """Every wait has a deadline."""
    with pytest.raises(JobFailedError, match="did not end within 0 s"):
        list(client(job_with([], list_answer=httpx.Response(404))).follow(JOB, deadline_seconds=0))


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (httpx.Response(400, json={"detail": "Invalid prompt: prompt cannot be empty"}), "prompt cannot be empty"),
        (httpx.Response(422, json={"detail": [{"loc": ["body", "width"], "msg": "too big"}]}), "422: width: too big"),
        (httpx.Response(502, text="<html>"), "502: <html>"),
    ],
)
def test_a_refused_request_says_why(answer: httpx.Response, sentence: str) -> None:
    """Whatever form the refusal has."""
    with pytest.raises(JobFailedError, match=sentence):
        client(lambda _: answer).submit("", duration=5, width=1280, height=720)


def test_the_file_exists_only_once_it_is_complete(tmp_path: Path) -> None:
    """The folder is made, and nothing half-done is left under the final name."""
    path = tmp_path / "out" / "video.mp4"

    client(lambda _: httpx.Response(200, content=b"mp4")).download("/api/download/gen_1", path)

    assert path.read_bytes() == b"mp4"
    assert list(path.parent.iterdir()) == [path]


def test_a_refused_download_leaves_no_file(tmp_path: Path) -> None:
    """An error page is not saved as a video."""
    with pytest.raises(JobFailedError, match="answered with 404"):
        client(lambda _: httpx.Response(404)).download("/api/download/gen_1", tmp_path / "video.mp4")

    assert list(tmp_path.iterdir()) == []
