"""The shapes that cross a boundary: an accepted request, what a story carries, what activities take and return.

Everything here is plain JSON outside (`model_dump(mode="json")`, `model_validate`), frozen inside, and refuses nothing
that an older version wrote: fields may be added with a default, never removed, because running jobs hold them.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import FailureCode
from shared.jobs.ids import JobId
from shared.jobs.lifecycle import Step

UnknownSubmissionRule = Literal["fail", "resubmit"]
Stage = Literal["wait", "submit", "render", "fetch", "verify", "close"]
STORY_VERSION = 2
"""How jobs are told that are accepted now: 2 waits for a place and can be cancelled, 1 did neither."""

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Payload(BaseModel):
    """Base of all payloads: immutable, tolerant of fields that a newer version wrote."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class JobEnd(Payload):
    """How a job ended; `times` has its steps, `submits` the calls that were made to have its render accepted."""

    status: Literal["completed", "failed"]
    code: FailureCode | None = None
    times: dict[Step, datetime] = {}
    submits: int = 0
    expires_at: datetime | None = None


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
    wait_timeout_seconds: Seconds = 604_800
    job_timeout_seconds: Seconds = 691_200
    video_retention_seconds: Seconds | None = None


class RenderSpec(Payload):
    """What is asked of the video service: even sides, whole seconds."""

    prompt: str
    seconds: int
    width: int
    height: int


class StoryState(Payload):
    """How far a story has come, carried across `continue_as_new`.

    `deadline` ends the current stage, `job_deadline` the story; `tries` counts failures in a row, `waits` the waits of
    the current stage. `grant` is the place that the job holds; `give_back` one that it has still to give back, because
    the service was full, and `pause_seconds` how long nobody shall try again then. `lost_upstream_id` is a render that
    the service no longer knows, while another is asked for in its place. `end` is how the job ended, once decided,
    `in_line` whether it had to do with the line then, and `tidied_up` what has been done about that since.
    """

    stage: Stage = "submit"
    deadline: datetime | None = None
    tries: int = 0
    waits: int = 0
    fetches: int = 0
    upstream_id: str | None = None
    progress: int | None = None
    job_deadline: datetime | None = None
    wait_deadline: datetime | None = None
    accepted: bool = False
    grant: str | None = None
    give_back: str | None = None
    pause_seconds: float | None = None
    pause_was_asked: bool = False
    throttles: int = 0
    turn: int = 0
    submits: int = 0
    lost_upstream_id: str | None = None
    expires_at: datetime | None = None
    times: dict[Step, datetime] = {}
    end: JobEnd | None = None
    in_line: bool = False
    tidied_up: tuple[str, ...] = ()


class GenerateVideoInput(Payload):
    """The input of the story: all that it needs to know, now and under any later version of the code."""

    job_id: JobId
    request: VideoRequest
    flow: FlowSettings
    state: StoryState = StoryState()
    version: int = 1


class RequestPlaceInput(Payload):
    """Input of `request_place`; with `give_back` the job first returns that grant, for the service is full.

    Then nobody is granted a place for `pause_seconds`. With `turn` the job joins the line anew; for its first turn, 0,
    it has joined when it was accepted.
    """

    job_id: JobId
    turn: int | None = None
    give_back: str | None = None
    pause_seconds: float | None = None
    pause_was_asked: bool | None = None


class RequestPlaceResult(Payload):
    """The place that the job holds; none while it waits, and `ask_again_at` where nobody else will give it one."""

    grant: str | None = None
    ask_again_at: datetime | None = None


class ReleasePlaceInput(Payload):
    """Input of `release_place`."""

    job_id: JobId
    grant: str


class ReleasePlaceResult(Payload):
    """Nothing: the place is free."""


class SubmitRenderInput(Payload):
    """Input of `submit_render`; after `give_up_at` it only finds out what became of an earlier submission.

    `grant` is the place that is used; `lost_upstream_id` a render of this job that another is to replace.
    """

    job_id: JobId
    spec: RenderSpec
    unknown_submission: UnknownSubmissionRule
    give_up_at: datetime
    grant: str | None = None
    lost_upstream_id: str | None = None


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
    retention_seconds: float | None = None


class VerifyVideoResult(Payload):
    """What the stored file was found to be, and until when it can be downloaded (None: always)."""

    width: int
    height: int
    seconds: float
    expires_at: datetime | None = None


class CancelRenderInput(Payload):
    """Input of `cancel_render`."""

    job_id: JobId
    spec: RenderSpec


class CancelRenderResult(Payload):
    """Whether the service was told to stop a render; False where it has none of this job."""

    told: bool


class CloseJobInput(Payload):
    """Input of `close_job`: how the job ended; `in_line` says that it may still wait for a place or hold one."""

    job_id: JobId
    end: JobEnd
    in_line: bool


class CloseJobResult(Payload):
    """Nothing: the end is on record."""


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
