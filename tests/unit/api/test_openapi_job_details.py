"""A job in full as the OpenAPI document describes it: which fields there are, and what they may hold."""

import json
from typing import get_args

import jsonschema_rs
import pytest

from shared.errors import FAILURE_CODES, PUBLIC_MESSAGES
from shared.jobs.lifecycle import JobStatus
from shared.jobs.models import Stage, VideoRequest
from tests.unit.api.openapi_reading import described, operation, validator


def test_schema_of_a_job_in_full_knows_every_word() -> None:
    """Statuses, codes and sentences, and every stage that is shown: a story that closes shows its end itself."""
    fields = described()["components"]["schemas"]["JobDetails"]["properties"]

    assert fields["status"]["enum"] == list(get_args(JobStatus))
    assert fields["stage"]["enum"] == [*(stage for stage in get_args(Stage) if stage != "close"), None]
    assert fields["code"]["enum"] == [*FAILURE_CODES, None]
    assert sorted(filter(None, fields["error"]["enum"])) == sorted(set(PUBLIC_MESSAGES.values()))
    assert None in fields["error"]["enum"]


JOB_IN_FULL = operation("getJob")["responses"]["200"]["content"]["application/json"]["examples"]["rendering"]["value"]


@pytest.mark.parametrize(
    ("path", "may_be_null"),
    [
        ("job_id", False),
        ("status", False),
        ("stage", True),
        ("progress", True),
        ("position", True),
        ("request", True),
        ("times", False),
        ("submits", False),
        ("code", True),
        ("error", True),
        ("video_url", True),
        ("expires_at", True),
        *((f"times.{step}", True) for step in ("accepted", "placed", "submitted", "rendered", "stored", "ended")),
        *((f"request.{name}", False) for name in VideoRequest.model_fields),
    ],
)
def test_field_of_a_job_in_full_is_there_and_null_only_where_that_is_said(path: str, *, may_be_null: bool) -> None:
    """A program may read every field without asking whether it is there."""
    schema = validator({"$ref": "#/components/schemas/JobDetails"})
    *outer, name = path.split(".")
    without, with_null = json.loads(json.dumps([JOB_IN_FULL, JOB_IN_FULL]))
    for part in outer:
        without[part], with_null[part] = {**without[part]}, {**with_null[part]}
    (without[outer[0]] if outer else without).pop(name)
    (with_null[outer[0]] if outer else with_null)[name] = None

    assert schema.is_valid(JOB_IN_FULL)
    assert not schema.is_valid(without)
    assert schema.is_valid(with_null) == may_be_null


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stage", "close"),
        ("progress", 101),
        ("progress", -1),
        ("progress", 40.5),
        ("position", 0),
        ("submits", -1),
        ("code", "unheard_of"),
        ("error", "Traceback"),
        ("video_url", "https://example.com/video.mp4"),
        ("status", "expired"),
        ("seed", 7),
    ],
)
def test_job_in_full_has_nothing_else(field: str, value: object) -> None:
    """Neither another field nor a value out of its bounds."""
    assert not validator({"$ref": "#/components/schemas/JobDetails"}).is_valid({**JOB_IN_FULL, field: value})


def test_times_are_in_the_form_that_the_document_names() -> None:
    """RFC 3339, as every library reads it; a format is checked by those who ask for it."""
    schema = {"$ref": "#/components/schemas/JobDetails", "components": described()["components"]}
    strict = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)

    assert strict.is_valid(JOB_IN_FULL)
    assert not strict.is_valid({**JOB_IN_FULL, "expires_at": "in March"})
    assert not strict.is_valid({**JOB_IN_FULL, "times": {**JOB_IN_FULL["times"], "placed": "2026-03-01 12:30"}})
