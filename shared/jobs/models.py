"""The shapes that cross a boundary: an accepted request, what a story carries, what activities take and return.

Everything here is plain JSON outside (`model_dump(mode="json")`, `model_validate`), frozen inside, and refuses nothing
that an older version wrote: fields may be added with a default, never removed, because running jobs hold them.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import FailureCode
from shared.jobs.ids import JobId

UnknownSubmissionRule = Literal["fail", "resubmit"]
Stage = Literal["submit", "render", "fetch", "verify"]

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Payload(BaseModel):
    """Base of all payloads: immutable, tolerant of fields that a newer version wrote."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class VideoRequest(Payload):
    """What the caller asked for; bounds are the contract's (`POST /api/generate`)."""

    prompt: str = Field(max_length=1000, description="What the video shows, in words.")
    duration: int = Field(default=10, ge=1, le=60, description="Its length in seconds.")
    width: int = Field(default=1920, ge=256, le=4096, description="Its width in pixels.")
    height: int = Field(default=1080, ge=256, le=4096, description="Its height in pixels.")


class FlowSettings(Payload):
    """The settings that steer a story, resolved when the job is accepted: a redeploy does not change a running job."""

    submit_timeout_seconds: Seconds
    render_timeout_seconds: Seconds
    store_timeout_seconds: Seconds
    poll_first_seconds: Seconds
    poll_longest_seconds: Seconds
    retry_first_seconds: Seconds
    retry_longest_seconds: Seconds
    unknown_submission: UnknownSubmissionRule


class RenderSpec(Payload):
    """What is asked of the video service: even sides, whole seconds."""

    prompt: str
    seconds: int
    width: int
    height: int


class StoryState(Payload):
    """How far a story has come, carried across `continue_as_new`.

    `deadline` ends the current stage; `tries` counts failures in a row, `waits` the waits of the current stage.
    """

    stage: Stage = "submit"
    deadline: datetime | None = None
    tries: int = 0
    waits: int = 0
    fetches: int = 0
    upstream_id: str | None = None
    progress: int | None = None


class GenerateVideoInput(Payload):
    """The input of the story: all that it needs to know, now and under any later version of the code."""

    job_id: JobId
    request: VideoRequest
    flow: FlowSettings
    state: StoryState = StoryState()


class SubmitRenderInput(Payload):
    """Input of `submit_render`; after `give_up_at` it only finds out what became of an earlier submission."""

    job_id: JobId
    spec: RenderSpec
    unknown_submission: UnknownSubmissionRule
    give_up_at: datetime


class SubmitRenderResult(Payload):
    """The one upstream render that this job owns."""

    upstream_id: str


class CheckRenderInput(Payload):
    """Input of `check_render`."""

    job_id: JobId
    upstream_id: str


class CheckRenderResult(Payload):
    """One look: whether the render is finished, and how far it is (0 to 100) where the service says so."""

    rendered: bool
    progress: int | None = None


class FetchRenderInput(Payload):
    """Input of `fetch_render`."""

    job_id: JobId
    upstream_id: str


class FetchRenderResult(Payload):
    """The video's size in our storage, in bytes."""

    size: int


class VerifyVideoInput(Payload):
    """Input of `verify_video`."""

    job_id: JobId
    spec: RenderSpec


class VerifyVideoResult(Payload):
    """What the stored file was found to be."""

    width: int
    height: int
    seconds: float


class Failure(Payload):
    """Why an activity did not do its work, as data: an exception's type would not survive the way to the story."""

    code: FailureCode
    reason: str
    retryable: bool
    retry_after_seconds: float | None = None


class Outcome(Payload):
    """What an activity returns: a value, or a failure."""

    value: dict[str, object] | None = None
    failure: Failure | None = None
