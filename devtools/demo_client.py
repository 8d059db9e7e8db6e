"""The demo's view of the API: one job, followed from request to file as any client would."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from devtools.stack_settings import SIMULATOR_KEY

ANSWER_SECONDS = 30.0  # a cold first answer on a busy laptop
POLL_SECONDS = 0.3


class JobFailedError(Exception):
    """The video was not made; the text is one sentence."""


@dataclass(frozen=True)
class Snapshot:
    """What is known of the job at one moment: its percent where the upstream tells one, its address once it has one."""

    stage: str
    percent: int | None
    video_url: str = ""


class DemoClient:
    """Speaks to the app at one address, and asks the simulator at another how far it is."""

    def __init__(self, app: str, simulator: str, transport: httpx.BaseTransport | None = None) -> None:
        # A proxy of the user's has no business between two programs of one machine.
        self._http = httpx.Client(base_url=app, timeout=ANSWER_SECONDS, trust_env=False, transport=transport)
        self._simulator = simulator

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def submit(self, prompt: str, *, duration: int, width: int, height: int) -> str:
        """Ask for the video; returns the job id."""
        body = {"prompt": prompt, "duration": duration, "width": width, "height": height}
        answer = self._checked(self._http.post("/api/generate", json=body))
        return str(answer["job_id"])

    def follow(self, job_id: str, *, deadline_seconds: float) -> Iterator[Snapshot]:
        """The job's snapshots up to the completed one; JobFailedError if it fails or takes too long."""
        deadline = time.monotonic() + deadline_seconds
        while time.monotonic() < deadline:
            answer = self._checked(self._http.get(f"/api/status/{job_id}"))
            stage = answer["status"]
            if stage == "failed":
                raise JobFailedError(f"The job failed: {answer.get('error')}.")
            if stage == "completed":
                yield Snapshot(stage, 100, answer["video_url"])
                return
            yield Snapshot(stage, self._percent() if stage == "processing" else None)
            time.sleep(POLL_SECONDS)
        raise JobFailedError(f"The job did not end within {deadline_seconds:.0f} s.")

    def download(self, video_url: str, path: Path) -> None:
        """Stream the file to `path`, which exists only once it is complete."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with self._http.stream("GET", video_url) as answer:
            if answer.status_code != httpx.codes.OK:
                raise JobFailedError(f"The download was answered with {answer.status_code}.")
            with part.open("wb") as file:
                for chunk in answer.iter_bytes():
                    file.write(chunk)
        part.replace(path)

    def _checked(self, answer: httpx.Response) -> dict[str, Any]:
        if answer.status_code != httpx.codes.OK:
            raise JobFailedError(f"The API answered {answer.status_code}: {_detail(answer)}.")
        body: dict[str, Any] = answer.json()
        return body

    def _percent(self) -> int | None:
        """How far the newest render is. The API does not say, so this looks behind it; not knowing is no failure."""
        with suppress(httpx.HTTPError, ValueError, KeyError, IndexError, TypeError):
            answer = self._http.get(
                f"{self._simulator}/v1/videos",
                params={"limit": 1, "order": "desc"},
                headers={"Authorization": f"Bearer {SIMULATOR_KEY}"},
            )
            return int(answer.json()["data"][0]["progress"])
        return None


def _detail(answer: httpx.Response) -> str:
    """The API's own words about what was wrong."""
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]
    if isinstance(detail, list):
        return "; ".join(f"{error['loc'][-1]}: {error['msg']}" for error in detail)
    return str(detail)
