"""The OpenAPI document against everything that it is made from: routes, models, refusals, sentences, settings."""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any, get_args

import azure.functions as func
import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from shared.api import responses, routes
from shared.api.openapi_schemas import FILE_ID_PATTERN, JOB_ID_PATTERN, NOT_BLANK
from shared.api.parsing import BadRequest, parse_body
from shared.api.refusals import REFUSALS
from shared.errors import PUBLIC_MESSAGES
from shared.jobs import ids
from shared.jobs.lifecycle import JobStatus
from shared.jobs.models import VideoRequest
from shared.version import VERSION
from tests.unit.api.calling import get_page, read_request
from tests.unit.api.openapi_reading import described, operation, operations, validator

NOT_DESCRIBED = {
    ("api/status/{job_id}", "HEAD"),  # GET without its body, as HTTP has it
    ("api/jobs/{job_id}", "HEAD"),  # the same
    ("api/health", "HEAD"),
    ("api/ready", "HEAD"),
    *((route.path, method) for route in (routes.OPENAPI, routes.DOCS, routes.DOCS_FILE) for method in route.methods),
}
"""What a caller of the API does not need to read about."""


async def test_document_is_served_as_json_that_anyone_may_keep_but_must_ask_for() -> None:
    """The bytes of the document, with a strong tag, and nothing for browsers to guess."""
    answer = await get_page("openapi", "/openapi.json")

    assert answer.status == 200
    assert json.loads(answer.body)["openapi"].startswith("3.1.")
    assert re.fullmatch(r'"[0-9a-f]{32}"', answer.headers["etag"])
    assert answer.headers == {
        "content-type": "application/json",
        "content-length": str(len(answer.body)),
        "cache-control": "no-cache",
        "etag": answer.headers["etag"],
        "x-content-type-options": "nosniff",
    }


@pytest.mark.parametrize("tags", ["{etag}", "W/{etag}", '"other", {etag}', '"other",W/{etag} , "third"', "*"])
async def test_document_that_the_caller_has_is_not_sent_again(tags: str) -> None:
    """304 with the same tag and no body."""
    etag = (await get_page("openapi", "/openapi.json")).headers["etag"]

    answer = await get_page("openapi", "/openapi.json", {"If-None-Match": tags.format(etag=etag)})

    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["etag"] == etag
    assert "content-type" not in answer.headers


@pytest.mark.parametrize("tags", ['"other"', "", '"', "W/", '"*"'])
async def test_another_version_of_the_document_is_sent(tags: str) -> None:
    """A tag of an earlier deployment, or what is none, does not keep a caller from the new document."""
    answer = await get_page("openapi", "/openapi.json", {"If-None-Match": tags})

    assert answer.status == 200


@pytest.mark.parametrize("needs_key", [True, False])
def test_document_is_valid_openapi(*, needs_key: bool) -> None:
    """By the specification's own schema and by its rules about ids, parameters and references."""
    validate(described(needs_key=needs_key), cls=OpenAPIV31SpecValidator)


def test_document_says_which_version_of_the_app_it_describes() -> None:
    """One version, in one place; the address of the server is wherever the document came from."""
    document = described(needs_key=True)

    assert document["info"]["version"] == VERSION
    assert document["servers"] == [{"url": "/"}]


def test_every_method_of_every_route_is_described_or_left_out_on_purpose() -> None:
    """A new route or method cannot be forgotten, nor can one that is gone stay."""
    told = {(path.lstrip("/"), method.upper()) for path, method, _ in operations()}
    real = {(route.path, method) for route in routes.ROUTES for method in route.methods}

    assert told | NOT_DESCRIBED == real
    assert told & NOT_DESCRIBED == set()


def test_everything_described_about_jobs_is_for_callers_with_a_key() -> None:
    """The document says of all such operations what it says of one; so they must have one authorization level."""
    levels = {
        (each["tags"][0], route.auth_level)
        for route in routes.ROUTES
        for path, _, each in operations()
        if path == f"/{route.path}"
    }

    assert levels == {("Videos", routes.JOB_ROUTES), ("Health", func.AuthLevel.ANONYMOUS)}


@pytest.mark.parametrize("needs_key", [True, False])
def test_watchdogs_need_no_key(*, needs_key: bool) -> None:
    """Whatever the routes of jobs ask for."""
    for _, _, each in operations(needs_key=needs_key):
        if each["tags"] == ["Health"]:
            assert each["security"] == []
            assert "401" not in each["responses"]


def test_closed_routes_ask_for_a_key_and_say_what_happens_without() -> None:
    """One of two ways to send a function key is required; 401 is the platform's answer."""
    for closed in (each for _, _, each in operations(needs_key=True) if each["tags"] == ["Videos"]):
        assert closed["security"] == [{"functionKey": []}, {"functionKeyInQuery": []}]
        assert "content" not in closed["responses"]["401"]
        assert list(closed["responses"]) == sorted(closed["responses"])
    assert "x-functions-key: $KEY" in described(needs_key=True)["info"]["description"]


def test_opened_routes_ask_for_nothing() -> None:
    """A key may be sent and need not be; nobody is told about 401, nor to put a key into the commands."""
    for opened in (each for _, _, each in operations(needs_key=False) if each["tags"] == ["Videos"]):
        assert opened["security"] == [{}, {"functionKey": []}, {"functionKeyInQuery": []}]
        assert "401" not in opened["responses"]
    assert "$KEY" not in described(needs_key=False)["info"]["description"]


def _examples_of_answers() -> Iterator[Any]:
    for path, method, each in operations():
        for status, answer in each["responses"].items():
            for media_type, content in answer.get("content", {}).items():
                for name, example in content.get("examples", {}).items():
                    where = f"{method} {path} {status} {name}"
                    yield pytest.param(content["schema"], example["value"], id=where)
                assert "examples" in content or media_type == "video/mp4"


EXAMPLES = tuple(_examples_of_answers())


@pytest.mark.parametrize(("schema", "value"), EXAMPLES)
def test_example_of_an_answer_has_the_form_that_is_described(schema: Any, value: object) -> None:
    """What a reader sees and what a program checks are the same."""
    validator(schema).validate(value)


def test_examples_of_requests_are_accepted() -> None:
    """Each is valid by its schema, and accepted by the function that reads requests."""
    content = operation("generateVideo")["requestBody"]["content"]["application/json"]

    for example in content["examples"].values():
        validator(content["schema"]).validate(example["value"])
        parse_body("application/json", json.dumps(example["value"]).encode())


@pytest.mark.parametrize("name", REFUSALS)
def test_every_refusal_is_an_example_under_its_status(name: str) -> None:
    """Whoever reads the document sees every way to be refused, in the words that will be read."""
    row = REFUSALS[name]
    content = operation("generateVideo")["responses"][str(row.status)]["content"]["application/json"]

    with pytest.raises(BadRequest) as refused:
        read_request(row)

    assert content["examples"][name] == {"summary": row.summary, "value": {"detail": refused.value.detail}}


def test_schema_of_errors_knows_every_kind() -> None:
    """The words for programs are those of the table and the one of a reused key, each once."""
    kinds = described()["components"]["schemas"]["ValidationError"]["properties"]["type"]["enum"]
    rows = {row.kind for row in REFUSALS.values() if row.kind}

    assert sorted(kinds) == sorted(rows | {"value_error.idempotency_key"})


def test_schema_of_failed_jobs_knows_every_sentence() -> None:
    """What a failed job may say is listed, each sentence once."""
    sentences = described()["components"]["schemas"]["FailedJob"]["properties"]["error"]["enum"]

    assert sorted(sentences) == sorted(set(PUBLIC_MESSAGES.values()))


def test_schema_of_jobs_knows_every_status() -> None:
    """Each status has one form, and a program finds it by the status alone."""
    job = described()["components"]["schemas"]["Job"]

    assert set(job["discriminator"]["mapping"]) == set(get_args(JobStatus))
    assert {each["$ref"] for each in job["oneOf"]} == set(job["discriminator"]["mapping"].values())


def test_every_sentence_of_an_error_is_in_the_document() -> None:
    """As an example; those of addresses and methods that do not exist in the introduction."""
    sentences = {value for name, value in vars(responses).items() if name.isupper() and isinstance(value, str)}
    shown = {json.dumps(param.values[1], ensure_ascii=False) for param in EXAMPLES}
    introduction = described()["info"]["description"]

    assert len(sentences) > 8
    for sentence in sentences:
        assert f'{{"detail": "{sentence}"}}' in shown or f"`{sentence}`" in introduction, sentence


def test_request_has_the_fields_bounds_and_defaults_of_the_model() -> None:
    """Nothing about a field is written a second time."""
    schema = described()["components"]["schemas"]["VideoRequest"]

    assert list(schema["properties"]) == list(VideoRequest.model_fields)
    assert schema["required"] == ["prompt"]
    duration = schema["properties"]["duration"]
    assert duration == {
        "type": ["integer", "null"],
        "minimum": 1,
        "maximum": 60,
        "default": 10,
        "description": duration["description"],
    }


@pytest.mark.parametrize(
    "value",
    [
        {"prompt": "a"},
        {"prompt": "a" * 1000},
        {"prompt": "\N{PRETZEL}" * 1000},
        {"prompt": " a "},
        {"prompt": "\ufeff"},
        {"prompt": "\u200b"},
        {"prompt": "a", "duration": None, "width": None, "height": None},
        {"prompt": "a", "duration": 10.0},
        {"prompt": "a", "duration": 60, "width": 256, "height": 4096},
        {"prompt": "a", "seed": 7, "": []},
        {},
        {"prompt": None},
        {"prompt": 5},
        {"prompt": ""},
        {"prompt": " \t\r\n\u0085\u3000\x1c"},
        {"prompt": "a" * 1001},
        {"prompt": "\N{PRETZEL}" * 1001},
        {"prompt": "a", "duration": 10.5},
        {"prompt": "a", "duration": "10"},
        {"prompt": "a", "duration": True},
        {"prompt": "a", "duration": 0},
        {"prompt": "a", "width": 255},
        {"prompt": "a", "height": 4097},
        [],
        None,
    ],
    ids=ascii,
)
def test_schema_accepts_what_is_accepted(value: object) -> None:
    """A body is valid by the document exactly where the function that reads requests takes it."""
    try:
        parse_body("application/json", json.dumps(value).encode())
        accepted = True
    except BadRequest:
        accepted = False

    assert validator({"$ref": "#/components/schemas/VideoRequest"}).is_valid(value) == accepted


def test_blank_is_what_python_strips() -> None:
    """Of all characters, the pattern for prompts misses those, in Python's engine and in another one."""
    other = jsonschema_rs.validator_for({"type": "string", "pattern": NOT_BLANK})
    characters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]

    assert [c for c in characters if bool(re.search(NOT_BLANK, c)) != bool(c.strip())] == []
    assert [c for c in characters if other.is_valid(c) != bool(c.strip())] == []


def test_ids_have_the_form_that_is_looked_for() -> None:
    """What the document calls an id is what the API takes for one."""
    assert f"^{ids._ULID.pattern}$" == JOB_ID_PATTERN
    assert f"^gen_{ids._ULID.pattern}$" == FILE_ID_PATTERN


def test_links_lead_to_operations_and_their_parameters() -> None:
    """From an accepted job to its status, to the whole of it and to its end, and from there to its file."""
    expected = {
        "generateVideo": {"status": "getStatus", "job": "getJob", "cancel": "cancelJob"},
        "getStatus": {"download": "downloadVideo"},
        "getJob": {"download": "downloadVideo", "cancel": "cancelJob"},
        "cancelJob": {"job": "getJob"},
    }

    found = {
        each["operationId"]: {name: link["operationId"] for name, link in answer["links"].items()}
        for _, _, each in operations()
        for answer in each["responses"].values()
        if "links" in answer
    }

    assert found == expected
    for name, links in found.items():
        for link, target in links.items():
            [parameter] = operation(name)["responses"]["200"]["links"][link]["parameters"]
            assert parameter in [each["name"] for each in operation(target)["parameters"]]
