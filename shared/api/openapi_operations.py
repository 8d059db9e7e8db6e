"""The operations of the OpenAPI document: of each route and method, what it takes and every answer it can give."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shared.api import openapi_examples as examples
from shared.api import openapi_prose as prose
from shared.api import responses, routes
from shared.api.idempotency import KEY_HEADER, KEY_PATTERN
from shared.api.openapi_examples import Example
from shared.api.openapi_headers import described_headers
from shared.api.openapi_known_jobs import JOB_ID
from shared.api.openapi_schemas import FILE_ID_PATTERN, JOB_ID_PATTERN, Json, ref

FUNCTION_KEYS: Final[Json] = {
    "functionKey": {
        "type": "apiKey",
        "in": "header",
        "name": "x-functions-key",
        "description": "A function key of this app.",
    },
    "functionKeyInQuery": {
        "type": "apiKey",
        "in": "query",
        "name": "code",
        "description": "The same key, for where no header can be set.",
    },
}


@dataclass(frozen=True)
class Operation:
    """What an operation is and takes, and its answers by status."""

    told: Json
    answers: dict[str, Json]


def paths(*, needs_key: bool) -> Json:
    """Return every operation by path and method; the page and this document describe themselves."""
    return {
        f"/{routes.GENERATE.path}": {"post": _operation(_generate(), needs_key=needs_key)},
        f"/{routes.STATUS.path}": {"get": _operation(_status(), needs_key=needs_key)},
        f"/{routes.JOB.path}": {
            "get": _operation(_job(), needs_key=needs_key),
            "delete": _operation(_cancel(), needs_key=needs_key),
        },
        f"/{routes.DOWNLOAD.path}": {
            "get": _operation(_download(), needs_key=needs_key),
            "head": _operation(_inspect(), needs_key=needs_key),
        },
        f"/{routes.HEALTH.path}": {"get": _open_to_all(_health())},
        f"/{routes.READY.path}": {"get": _open_to_all(_ready())},
    }


def _operation(described: Operation, *, needs_key: bool) -> Json:
    """Complete an operation by what the platform adds to it."""
    keys: list[Json] = [{name: []} for name in FUNCTION_KEYS]
    answers = described.answers
    if needs_key:
        unauthorized: Json = {"description": "No function key, or a wrong one. The platform answers, with no body."}
        answers = dict(sorted({**answers, "401": unauthorized}.items()))
    return {
        **described.told,
        "tags": [prose.TAG],
        "responses": answers,
        "security": keys if needs_key else [{}, *keys],
    }


def _open_to_all(described: Operation) -> Json:
    """Complete an operation that nobody needs a key for."""
    return {**described.told, "tags": [prose.HEALTH_TAG], "responses": described.answers, "security": []}


def _generate() -> Operation:
    bodies = {name: {"summary": summary, "value": value} for name, (summary, value) in examples.REQUESTS.items()}
    told: Json = {
        "operationId": "generateVideo",
        "summary": "Generate a video",
        "description": prose.GENERATE,
        "parameters": [_in_header(KEY_HEADER, prose.KEY, pattern=KEY_PATTERN)],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": ref("VideoRequest"), "examples": bodies}},
        },
    }
    links = {
        "status": _to_job("getStatus", "What becomes of the job."),
        "job": _to_job("getJob", "The job in full."),
        "cancel": _to_job("cancelJob", "Its end before its time."),
    }
    answers = {
        "200": _json("The job is accepted.", "AcceptedJob", examples.accepted()) | {"links": links},
        "400": _json("The prompt is empty or blank, or the key is none.", "Error", examples.refused(400)),
        "408": _json("The body did not arrive in time.", "Error", examples.error(408, responses.BODY_TOO_SLOW)),
        "413": _json("The body is larger than 64 KiB.", "Error", examples.refused(413)),
        "415": _json("The body is not JSON, by its `Content-Type`.", "Error", examples.refused(415)),
        "422": _json(
            "The body is not what it must be, or the key came with another one before.",
            "ValidationErrors",
            [*examples.refused(422), *examples.key_reused()],
        ),
        "429": _json("No job is taken in now: too many wait already.", "Error", examples.too_many_jobs()),
        "500": _json(
            "The job cannot be accepted now. Try again later.", "Error", examples.error(500, responses.NOT_ACCEPTED)
        ),
    }
    return Operation(told, answers)


def _status() -> Operation:
    told: Json = {
        "operationId": "getStatus",
        "summary": "Check job status",
        "description": prose.STATUS,
        "parameters": [_JOB],
    }
    answers = {
        "200": _json("The job, whatever its status.", "Job", examples.jobs()) | {"links": {"download": _TO_FILE}},
        "404": _json("There is no such job.", "Error", examples.error(404, responses.JOB_NOT_FOUND)),
        "500": _unreadable("The job cannot be read now. Try again later."),
    }
    return Operation(told, answers)


def _job() -> Operation:
    told: Json = {
        "operationId": "getJob",
        "summary": "Show a job in full",
        "description": prose.JOB,
        "parameters": [_JOB],
    }
    shown = _json("The job, whatever its status.", "JobDetails", examples.jobs_in_full())
    answers = {
        "200": shown | {"links": {"download": _TO_FILE, "cancel": _to_job("cancelJob", "Its end before its time.")}},
        "404": _json("There is no such job.", "Error", examples.error(404, responses.JOB_NOT_FOUND)),
        "500": _unreadable("The job cannot be read now. Try again later."),
    }
    return Operation(told, answers)


def _cancel() -> Operation:
    told: Json = {
        "operationId": "cancelJob",
        "summary": "Cancel a job",
        "description": prose.CANCEL,
        "parameters": [_JOB],
    }
    shown = _json("The job: it has ended, or will in a moment.", "JobDetails", examples.cancelled_jobs())
    answers = {
        "200": shown | {"links": {"job": _to_job("getJob", "How it ended.")}},
        "404": _json("There is no such job.", "Error", examples.error(404, responses.JOB_NOT_FOUND)),
        "500": _unreadable("It is not certain that the job will end. Cancel it again."),
    }
    return Operation(told, answers)


def _download() -> Operation:
    told: Json = {
        "operationId": "downloadVideo",
        "summary": "Download a video",
        "description": prose.DOWNLOAD,
        "parameters": [
            _FILE,
            _in_header("Range", "The part to send, such as `bytes=0-1048575`. More than one gets the whole file."),
            _in_header("If-Range", "The `ETag` that the part must belong to; another version is sent whole."),
            _IF_NONE_MATCH,
        ],
    }
    not_found = "There is no such file: unknown, not finished yet, failed, or expired."
    answers = {
        "200": _file("The whole video.", examples.whole_file()),
        "206": _file("The part that `Range` asks for.", examples.part_of_file()),
        "304": _bare("The caller has the video, by `If-None-Match`.", examples.unchanged_file()),
        "404": _json(not_found, "Error", examples.error(404, responses.FILE_NOT_FOUND)),
        "412": _json(_NOT_THAT_ONE, "Error", examples.error(412, responses.PRECONDITION_FAILED)),
        "416": _json("The part lies outside the video.", "Error", examples.beyond_file()),
        "500": _unreadable("The file cannot be read now. Try again later."),
    }
    return Operation(told, answers)


def _inspect() -> Operation:
    told: Json = {
        "operationId": "inspectVideo",
        "summary": "Inspect a video",
        "description": prose.INSPECT,
        "parameters": [_FILE, _IF_NONE_MATCH],
    }
    answers = {
        "200": _bare("There is such a video.", examples.whole_file()),
        "304": _bare("The caller has the video, by `If-None-Match`.", examples.unchanged_file()),
        "404": _bare("There is no such file.", examples.error(404, responses.FILE_NOT_FOUND)),
        "412": _bare(_NOT_THAT_ONE, examples.error(412, responses.PRECONDITION_FAILED)),
        "500": _bare("The file cannot be read now.", examples.error(500, responses.UNAVAILABLE)),
    }
    return Operation(told, answers)


def _health() -> Operation:
    told: Json = {"operationId": "getHealth", "summary": "Is it alive?", "description": prose.HEALTH}
    return Operation(told, {"200": _json("It answers.", "Alive", examples.alive())})


def _ready() -> Operation:
    told: Json = {"operationId": "getReadiness", "summary": "Is it ready?", "description": prose.READY}
    answers = {
        "200": _json("A job could be accepted now.", "Ready", examples.ready()),
        "503": _json("It could not; `checks` says which part is failing.", "NotReady", examples.not_ready()),
    }
    return Operation(told, answers)


def _unreadable(description: str) -> Json:
    return _json(description, "Error", examples.error(500, responses.UNAVAILABLE))


def _bare(description: str, shown: list[Example]) -> Json:
    """Describe an answer without a body."""
    return {"description": description, "headers": described_headers(shown)}


def _file(description: str, shown: list[Example]) -> Json:
    """Describe an answer whose body is bytes, for which OpenAPI 3.1 has no schema."""
    return {**_bare(description, shown), "content": {"video/mp4": {}}}


def _json(description: str, schema: str, shown: list[Example]) -> Json:
    """Describe an answer whose body is JSON."""
    content = {"schema": ref(schema), "examples": dict(_values(shown))}
    return {**_bare(description, shown), "content": {"application/json": content}}


def _values(shown: Iterable[Example]) -> Iterable[tuple[str, Json]]:
    for example in shown:
        yield example.name, {"summary": example.summary, "value": json.loads(bytes(example.answer.body))}


def _in_path(name: str, description: str, pattern: str, example: str) -> Json:
    schema = {"type": "string", "pattern": pattern}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
        "example": example,
    }


def _in_header(name: str, description: str, **limits: str) -> Json:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string", **limits}}


def _to_job(operation: str, description: str) -> Json:
    """Link from an answer that names a job to an operation on it."""
    parameters = {"job_id": "$response.body#/job_id"}
    return {"operationId": operation, "parameters": parameters, "description": description}


_TO_FILE: Final[Json] = {
    "operationId": "downloadVideo",
    "parameters": {"file_id": "gen_{$request.path.job_id}"},
    "description": "Its file, once the job is completed.",
}
_JOB: Final = _in_path("job_id", "The `job_id` that *Generate a video* answered.", JOB_ID_PATTERN, JOB_ID)


_NOT_THAT_ONE: Final = "The video is not the one that the request's `If-Match` or `If-Unmodified-Since` allows."
_FILE: Final = _in_path("file_id", "The last part of a completed job's `video_url`.", FILE_ID_PATTERN, examples.FILE_ID)
_IF_NONE_MATCH: Final = _in_header("If-None-Match", "The `ETag` of the video that the caller has.")
