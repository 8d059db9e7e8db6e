"""The shapes of the OpenAPI document: what a request may be, from its model, and what every answer is."""

from collections.abc import Iterable
from typing import Final, get_args

from shared.api.job_details import STEPS
from shared.api.json_text import INTEGER_LIMIT
from shared.api.refusals import REFUSALS
from shared.api.responses import KEY_REUSED, CheckState
from shared.errors import FAILURE_CODES, PUBLIC_MESSAGES
from shared.jobs.lifecycle import JobStatus
from shared.jobs.models import Stage, VideoRequest

Json = dict[str, object]

JOB_ID_PATTERN: Final = "^[0-7][0-9a-hjkmnp-tv-z]{25}$"
FILE_ID_PATTERN: Final = "^gen_[0-7][0-9a-hjkmnp-tv-z]{25}$"

_VIDEO_URL_PATTERN: Final = f"^/api/download/{FILE_ID_PATTERN.removeprefix('^')}"

NOT_BLANK: Final = r"[^\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
"""Finds a character that `str.strip` leaves, in words that ECMA's and Python's regular expressions read alike: JSON
Schema means the former, and their `\\S` is another set."""


def schemas() -> Json:
    """Return every named schema."""
    return {
        "VideoRequest": _video_request(),
        "IgnoredValue": _ignored_value(),
        "AcceptedJob": _job("A job that has just been accepted.", {"const": "queued"}),
        "Job": _job_in_any_state(),
        "UnfinishedJob": _job("A job that is under way.", {"enum": ["queued", "processing"]}),
        "CompletedJob": _job(
            "A job whose video can be downloaded.",
            {"const": "completed"},
            video_url={"type": "string", "pattern": _VIDEO_URL_PATTERN},
        ),
        "FailedJob": _job(
            "A job that ended without a video.",
            {"const": "failed"},
            error={"type": "string", "enum": _SENTENCES, "description": "Why, in a sentence."},
        ),
        "JobDetails": _job_details(),
        "RequestedVideo": _requested_video(),
        "Alive": _object("A process that answers.", {"status": {"const": "alive"}}),
        "Ready": _object("An app that can accept jobs.", {"status": {"const": "ready"}}),
        "NotReady": _not_ready(),
        "Error": _object("What went wrong.", {"detail": {"type": "string", "description": "A sentence."}}),
        "ValidationErrors": _object(
            "What is wrong with the request: every field that is, in the order of the fields.",
            {"detail": {"type": "array", "minItems": 1, "items": ref("ValidationError")}},
        ),
        "ValidationError": _validation_error(),
    }


def ref(name: str) -> Json:
    """Return a reference to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def _video_request() -> Json:
    """Adapt the model's schema to what is accepted before the model: null for a default, and no blank prompt."""
    model = VideoRequest.model_json_schema()
    properties: Json = {}
    for name, schema in model["properties"].items():
        del schema["title"]
        if name not in model["required"]:
            schema["type"] = [schema["type"], "null"]
        properties[name] = schema
    prompt = model["properties"]["prompt"]
    prompt |= {"minLength": 1, "pattern": NOT_BLANK}
    return {
        "type": "object",
        "description": "The video to generate. `null` stands for the default; fields with other names are ignored.",
        "properties": properties,
        "required": model["required"],
        "additionalProperties": ref("IgnoredValue"),
    }


def _ignored_value() -> Json:
    """Describe what a field that nobody reads may hold: JSON that every library carries, as `json_text` has it."""
    return {
        "description": "Any JSON value whose numbers fit 64 bits.",
        "anyOf": [
            {"type": ["null", "boolean", "string"]},
            {"type": "number", "minimum": -INTEGER_LIMIT, "maximum": INTEGER_LIMIT - 1},
            {"type": "array", "items": ref("IgnoredValue")},
            {"type": "object", "additionalProperties": ref("IgnoredValue")},
        ],
    }


def _job_in_any_state() -> Json:
    kinds = {
        "queued": "UnfinishedJob",
        "processing": "UnfinishedJob",
        "completed": "CompletedJob",
        "failed": "FailedJob",
    }
    return {
        "description": "A job in one of its states; `status` says which.",
        "oneOf": [ref(name) for name in _distinct(kinds.values())],
        "discriminator": {
            "propertyName": "status",
            "mapping": {status: str(ref(name)["$ref"]) for status, name in kinds.items()},
        },
    }


def _job(description: str, status: Json, **more: Json) -> Json:
    job_id: Json = {"type": "string", "pattern": JOB_ID_PATTERN}
    return _object(description, {"job_id": job_id, "status": {"type": "string", **status}, **more})


def _job_details() -> Json:
    stages = [stage for stage in get_args(Stage) if stage != "close"]  # a story that closes shows the end itself
    return _object(
        "A job in full. Every field is always there; what there is nothing to say of is `null`.",
        {
            "job_id": {"type": "string", "pattern": JOB_ID_PATTERN},
            "status": {"type": "string", "enum": list(get_args(JobStatus))},
            "stage": _or_null(
                "What is being done: waiting for a place at the video service, submitting, rendering there, fetching "
                "the file, or verifying it. `null` once the job has ended.",
                "string",
                enum=stages,
            ),
            "progress": _or_null(
                "How far the render is, in percent, where the video service says so; 100 once the job is completed.",
                "integer",
                minimum=0,
                maximum=100,
            ),
            "position": _or_null(
                "The job's place in the line of those that wait, from 1, a few seconds old; `null` where it does not "
                "stand there.",
                "integer",
                minimum=1,
            ),
            "request": {
                "description": "What was asked for, defaults included; `null` once it is no longer kept.",
                "anyOf": [ref("RequestedVideo"), {"type": "null"}],
            },
            "times": _object(
                "When each step was done; `null` for one that was not.",
                {step: _or_null(description, "string", format="date-time") for step, description in _STEPS.items()},
            ),
            "submits": {
                "type": "integer",
                "minimum": 0,
                "description": "How often the video service was asked to accept the render.",
            },
            "code": _or_null("Why the job failed, as a stable word, for programs.", "string", enum=list(FAILURE_CODES)),
            "error": _or_null("The same in a sentence.", "string", enum=_SENTENCES),
            "video_url": _or_null(
                "Where the video is, while it can be downloaded.", "string", pattern=_VIDEO_URL_PATTERN
            ),
            "expires_at": _or_null(
                "Until when a completed job's video can be downloaded; `null` where it is kept for good.",
                "string",
                format="date-time",
            ),
        },
    )


def _requested_video() -> Json:
    properties = VideoRequest.model_json_schema()["properties"]
    for schema in properties.values():
        del schema["title"]
        schema.pop("default", None)
    return _object("The video that was asked for.", properties)


def _not_ready() -> Json:
    def state(description: str) -> Json:
        return {"type": "string", "enum": list(get_args(CheckState)), "description": description}

    checks = _object(
        "What was looked at. `unknown` is what could not be asked.",
        {
            "settings": state("The app's settings, those of the video service included."),
            "storage": state("The storage of jobs and videos."),
            "backend": state("The durable backend, which runs the jobs."),
        },
    )
    return _object("An app that cannot accept jobs now.", {"status": {"const": "not ready"}, "checks": checks})


def _or_null(description: str, kind: str, **limits: object) -> Json:
    """Return the schema of a value that may be missing; an `enum` lists everything, null as well."""
    enum = limits.get("enum")
    if isinstance(enum, list):
        limits["enum"] = [*enum, None]
    return {"type": [kind, "null"], "description": description, **limits}


def _validation_error() -> Json:
    location = {
        "type": "array",
        "prefixItems": [{"enum": ["body", "header"]}, {"type": ["string", "integer"]}],
        "items": False,
        "minItems": 1,
        "description": (
            "`body`, and where in it: a field, or the position at which it ceases to be JSON. Or `header`, and which."
        ),
    }
    context = {
        "type": "object",
        "properties": {
            "limit_value": {"type": "integer", "description": "The bound that was not kept."},
            "msg": {"type": "string"},
            "pos": {"type": "integer", "description": "The position, in characters from 0."},
            "lineno": {"type": "integer"},
            "colno": {"type": "integer"},
        },
        "additionalProperties": False,
        "description": "What the sentence is made of, where it has parts.",
    }
    kinds = _distinct([*(row.kind for row in REFUSALS.values() if row.kind), str(KEY_REUSED["type"])])
    described = {
        "loc": location,
        "msg": {"type": "string", "description": "What is wrong, in a sentence."},
        "type": {"type": "string", "enum": kinds, "description": "The same as a stable word, for programs."},
    }
    schema = _object("One thing that is wrong.", described)
    return {**schema, "properties": {**described, "ctx": context}}


def _object(description: str, properties: Json) -> Json:
    """Return the schema of an object that has exactly these properties."""
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _distinct(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


_SENTENCES: Final = _distinct(PUBLIC_MESSAGES.values())

_STEPS: Final = dict(
    zip(
        STEPS,
        (
            "The job was accepted.",
            "It got a place at the video service.",
            "The video service accepted its render.",
            "The render was finished.",
            "The video was stored and checked.",
            "The job ended.",
        ),
        strict=True,
    )
)
