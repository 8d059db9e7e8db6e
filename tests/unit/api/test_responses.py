import json

import pytest

from shared.api import responses
from shared.errors import FAILURE_CODES, PUBLIC_MESSAGES, FailureCode
from shared.jobs.ids import JobId
from shared.jobs.lifecycle import JobStatus, JobView
from tests.unit.api.calling import sent

JOB = JobId("01jyg74z6ee6e9y23ceq2fmwc4")


async def test_accepted_job_is_queued_and_says_where_to_look() -> None:
    """The answer to a new job is the contract's, with the status address as a header."""
    answer = await sent(responses.accepted(JOB))

    assert answer.status == 200
    assert answer.body == b'{"job_id":"01jyg74z6ee6e9y23ceq2fmwc4","status":"queued"}'
    assert answer.headers == {
        "cache-control": "no-store",
        "location": "/api/status/01jyg74z6ee6e9y23ceq2fmwc4",
        "content-length": str(len(answer.body)),
        "content-type": "application/json",
    }


async def test_job_that_was_asked_for_before_is_the_same_answer_with_a_mark() -> None:
    """A caller that does not look for the mark reads what it would have read the first time."""
    first, again = await sent(responses.accepted(JOB)), await sent(responses.accepted(JOB, replayed=True))

    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers == {**first.headers, "idempotency-replayed": "true"}


async def test_key_of_another_request_is_a_located_fault() -> None:
    """In the contract's form of a 422; the key itself is not repeated."""
    answer = await sent(responses.key_reused())

    assert answer.status == 422
    assert answer.body == (
        b'{"detail":[{"loc":["header","Idempotency-Key"],"msg":"the key was used with another request",'
        b'"type":"value_error.idempotency_key"}]}'
    )


async def test_too_many_jobs_says_when_to_ask_again() -> None:
    """A sentence, and whole seconds."""
    answer = await sent(responses.too_many_jobs(41_385))

    assert (answer.status, answer.body) == (429, b'{"detail":"Too many jobs are waiting"}')
    assert answer.headers["retry-after"] == "41385"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("ended", [True, False])
async def test_job_in_full_says_when_to_ask_again_until_it_has_ended(*, ended: bool) -> None:
    """Its fields are whatever it was described by, nothing left out for being null."""
    answer = await sent(responses.job({"job_id": JOB, "code": None}, ended=ended))

    assert (answer.status, answer.body) == (200, b'{"job_id":"01jyg74z6ee6e9y23ceq2fmwc4","code":null}')
    assert answer.headers.get("retry-after") == (None if ended else "2")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("status", ["queued", "processing"])
async def test_unfinished_job_says_when_to_ask_again(status: JobStatus) -> None:
    """A job that still runs has no other field than its status, and a hint when to look next."""
    answer = await sent(responses.job_status(JOB, JobView(status)))

    assert answer.status == 200
    assert answer.body == b'{"job_id":"01jyg74z6ee6e9y23ceq2fmwc4","status":"%s"}' % status.encode()
    assert answer.headers == {
        "cache-control": "no-store",
        "retry-after": "2",
        "content-length": str(len(answer.body)),
        "content-type": "application/json",
    }


async def test_completed_job_says_where_its_file_is() -> None:
    """A completed job has the address of its file, and nothing to wait for."""
    answer = await sent(responses.job_status(JOB, JobView("completed")))

    assert answer.body == (
        b'{"job_id":"01jyg74z6ee6e9y23ceq2fmwc4","status":"completed",'
        b'"video_url":"/api/download/gen_01jyg74z6ee6e9y23ceq2fmwc4"}'
    )
    assert set(answer.headers) == {"cache-control", "content-length", "content-type"}


@pytest.mark.parametrize("code", FAILURE_CODES)
async def test_failed_job_says_the_sentence_of_its_code(code: FailureCode) -> None:
    """A failed job shows the public sentence and not the code."""
    answer = await sent(responses.job_status(JOB, JobView("failed", code)))

    assert json.loads(answer.body) == {"job_id": JOB, "status": "failed", "error": PUBLIC_MESSAGES[code]}
    assert set(answer.headers) == {"cache-control", "content-length", "content-type"}


async def test_failed_job_is_the_contracts_example_to_the_byte() -> None:
    """The contract's failed job, field order and spacing included."""
    answer = await sent(responses.job_status(JOB, JobView("failed", "content_policy")))

    assert answer.body == (
        b'{"job_id":"01jyg74z6ee6e9y23ceq2fmwc4","status":"failed","error":"Content policy violation detected"}'
    )


async def test_failed_job_without_a_code_is_an_internal_error() -> None:
    """A failure that nobody named is still a sentence."""
    answer = await sent(responses.job_status(JOB, JobView("failed")))

    assert json.loads(answer.body)["error"] == "Internal error"


@pytest.mark.parametrize(
    ("status", "detail", "body"),
    [
        (404, responses.JOB_NOT_FOUND, b'{"detail":"Job not found"}'),
        (404, responses.FILE_NOT_FOUND, b'{"detail":"File not found"}'),
        (400, responses.INVALID_KEY, b'{"detail":"Invalid Idempotency-Key"}'),
        (400, responses.EMPTY_PROMPT, b'{"detail":"Invalid prompt: prompt cannot be empty"}'),
        (413, responses.BODY_TOO_LARGE, b'{"detail":"Request body too large"}'),
        (415, responses.UNSUPPORTED_MEDIA_TYPE, b'{"detail":"Unsupported media type"}'),
        (416, responses.RANGE_NOT_SATISFIABLE, b'{"detail":"Range not satisfiable"}'),
        (500, responses.NOT_ACCEPTED, b'{"detail":"Azure OpenAI service is currently unavailable"}'),
        (500, responses.UNAVAILABLE, b'{"detail":"Service is temporarily unavailable"}'),
    ],
)
async def test_error_is_one_detail_in_json(status: int, detail: str, body: bytes) -> None:
    """Every error has the contract's form, and its sentence is fixed."""
    answer = await sent(responses.error(status, detail))

    assert (answer.status, answer.body) == (status, body)
    assert answer.headers == {
        "cache-control": "no-store",
        "content-length": str(len(body)),
        "content-type": "application/json",
    }


async def test_validation_errors_are_the_contracts_example_to_the_byte() -> None:
    """The contract's 422, as a list of located faults."""
    fault = {
        "loc": ["body", "duration"],
        "msg": "ensure this value is greater than or equal to 1",
        "type": "value_error.number.not_ge",
        "ctx": {"limit_value": 1},
    }

    answer = await sent(responses.error(422, [fault]))

    assert answer.body == (
        b'{"detail":[{"loc":["body","duration"],"msg":"ensure this value is greater than or equal to 1",'
        b'"type":"value_error.number.not_ge","ctx":{"limit_value":1}}]}'
    )


async def test_error_takes_further_headers() -> None:
    """What a status code asks for beyond the body comes along."""
    answer = await sent(responses.error(416, responses.RANGE_NOT_SATISFIABLE, {"Content-Range": "bytes */7"}))

    assert answer.headers["content-range"] == "bytes */7"
    assert answer.headers["cache-control"] == "no-store"
