"""The vocabulary of faults: what can go wrong, in which operation, for which job, how many times.

Each model is the JSON that `POST /_sim/faults` takes. There are no dice: a fault happens exactly when it is armed for.
"""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, model_validator

Operation = Literal["create", "retrieve", "list", "delete", "content"]
ALL_OPERATIONS: frozenset[Operation] = frozenset(("create", "retrieve", "list", "delete", "content"))
OF_A_JOB: frozenset[Operation] = ALL_OPERATIONS - {"list"}

LONGEST_HANG_SECONDS = 600

Seconds = Annotated[float, Field(ge=0, le=LONGEST_HANG_SECONDS)]


class FaultBase(BaseModel):
    """When a fault happens; the subclasses say what."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    possible: ClassVar[frozenset[Operation]] = ALL_OPERATIONS

    operation: Operation
    prompt: str | None = None
    """Only for jobs whose prompt contains this."""
    job: str | None = None
    """Only for the job with this id."""
    skip: int = Field(default=0, ge=0)
    """Let this many matching calls pass first."""
    every: int | None = Field(default=None, ge=2)
    """Happen at the last of every so many matching calls only; None means at each."""
    times: int | None = Field(default=1, ge=1)
    """Happen this many times, then no more; None means for ever."""

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.operation not in self.possible:
            raise ValueError(f"this kind of fault is possible in {', '.join(sorted(self.possible))} only")
        if self.operation == "create" and self.job is not None:
            raise ValueError("a job has no id before it is created; match on its prompt")
        if self.operation == "list" and (self.job, self.prompt) != (None, None):
            raise ValueError("list is about no single job, so it can match neither prompt nor job")
        if self.every is not None and self.times == 1:
            raise ValueError("once is not every so often: say how many times (null for ever), or skip calls instead")
        return self

    def matches(self, operation: Operation, prompt: str | None, job: str | None) -> bool:
        """Whether a call is one that this fault waits for."""
        return (
            self.operation == operation
            and (self.prompt is None or (prompt is not None and self.prompt in prompt))
            and (self.job is None or self.job == job)
        )


class Respond(FaultBase):
    """Answer this instead of doing anything; without a body, OpenAI's envelope."""

    kind: Literal["respond"] = "respond"
    status: int = Field(ge=200, le=599)
    headers: dict[str, str] = {}
    body: JsonValue = None
    """Text is sent as it is (text/html unless a header says otherwise), anything else as JSON."""


class Hang(FaultBase):
    """Do nothing and never answer; the connection closes when the client leaves or the time is over."""

    kind: Literal["hang"] = "hang"
    seconds: Seconds = LONGEST_HANG_SECONDS


class Delay(FaultBase):
    """Wait, then do and answer as usual; nothing is done if the client has left by then."""

    kind: Literal["delay"] = "delay"
    seconds: Seconds


class Withhold(FaultBase):
    """Do it, but never answer. For create: the job exists and renders, and the client does not know its id."""

    kind: Literal["withhold"] = "withhold"
    seconds: Seconds = LONGEST_HANG_SECONDS


class Close(FaultBase):
    """Close the connection without an answer, before or after doing it."""

    kind: Literal["close"] = "close"
    when: Literal["before", "after"] = "before"


class Truncate(FaultBase):
    """Promise the whole length, send this much of the body, and close the connection."""

    kind: Literal["truncate"] = "truncate"
    at_percent: int = Field(default=50, ge=0, le=99)


class WrongContent(FaultBase):
    """Answer 200 with something else: JSON, HTML, noise (about the right length), half of the video (honest length)."""

    possible = frozenset(("content",))
    kind: Literal["wrong_content"] = "wrong_content"
    content: Literal["json", "html", "noise", "half"]


class WrongVideo(FaultBase):
    """Render a sound video of another size or length, while the job claims what was ordered."""

    possible = frozenset(("create",))
    kind: Literal["wrong_video"] = "wrong_video"
    size_factor: float = Field(default=1, ge=0.1, le=2)
    length_factor: float = Field(default=1, ge=0.1, le=2)


class Fail(FaultBase):
    """Accept the job and fail it when it is this far."""

    possible = frozenset(("create",))
    kind: Literal["fail"] = "fail"
    at_percent: int = Field(default=60, ge=0, le=100)
    code: str = "server_error"
    message: str = "The video could not be generated."


class NeverFinish(FaultBase):
    """Accept the job and render it for ever. It occupies its place until it is deleted."""

    possible = frozenset(("create",))
    kind: Literal["never_finish"] = "never_finish"


class Forget(FaultBase):
    """Lose the job: its render stops, everything about it is 404. At create, the answer is still the new job."""

    possible = OF_A_JOB
    kind: Literal["forget"] = "forget"


class Expire(FaultBase):
    """Let the job's video expire now: its content is 404, the job itself remains."""

    possible = frozenset(("retrieve", "content"))
    kind: Literal["expire"] = "expire"


class UnknownStatus(FaultBase):
    """Report this word instead of the true status, in this answer."""

    possible = frozenset(("create", "retrieve"))
    kind: Literal["unknown_status"] = "unknown_status"
    status: str


Fault = Annotated[
    Respond
    | Hang
    | Delay
    | Withhold
    | Close
    | Truncate
    | WrongContent
    | WrongVideo
    | Fail
    | NeverFinish
    | Forget
    | Expire
    | UnknownStatus,
    Field(discriminator="kind"),
]

FAULTS: TypeAdapter[list[Fault]] = TypeAdapter(list[Fault])


def parse_faults(sent: Any) -> list[Fault]:
    """One fault or a list of them, from JSON. Raises pydantic's ValidationError (a ValueError)."""
    return FAULTS.validate_python(sent if isinstance(sent, list) else [sent])
