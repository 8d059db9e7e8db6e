from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.jobs.ids import (
    JobId,
    claim_blob,
    file_id,
    job_blob,
    made_at,
    new_job_id,
    parse_file_id,
    parse_job_id,
    submission_blob,
    video_blob,
)
from tests.support.builders import JOB_ID

JOB = JobId(JOB_ID)


def test_new_id_is_a_job_id_in_lower_case() -> None:
    """Whatever is given out is accepted again."""
    job_id = new_job_id()

    assert parse_job_id(job_id) == job_id
    assert len(job_id) == 26
    assert job_id == job_id.lower()


def test_id_says_when_it_was_made() -> None:
    """To the millisecond, by the form of a ULID."""
    before = datetime.now(UTC)
    job_id = new_job_id()

    assert before - timedelta(milliseconds=1) <= made_at(job_id) <= datetime.now(UTC)
    assert made_at(JobId("01jyg74z6ee6e9y23ceq2fmwc4")) == datetime(2025, 6, 24, 5, 39, 7, 86000, tzinfo=UTC)


def test_new_ids_differ() -> None:
    """A thousand ids made at once are a thousand ids."""
    assert len({new_job_id() for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(JOB_ID, id="the contract's example"),
        pytest.param("0" * 26, id="smallest"),
        pytest.param("7" + "z" * 25, id="largest"),
        pytest.param("0123456789abcdefghjkmnpqrs", id="letters up to s"),
        pytest.param("0tvwxyz0000000000000000000", id="letters from t"),
    ],
)
def test_well_formed_id_is_a_job_id(text: str) -> None:
    """A ULID in lower case is a job id."""
    assert parse_job_id(text) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(JOB_ID.upper(), id="upper case"),
        pytest.param(JOB_ID[:25], id="25 characters"),
        pytest.param(JOB_ID + "0", id="27 characters"),
        pytest.param("8" + JOB_ID[1:], id="above 128 bit"),
        pytest.param(JOB_ID[:-1] + "i", id="i"),
        pytest.param(JOB_ID[:-1] + "l", id="l"),
        pytest.param(JOB_ID[:-1] + "o", id="o"),
        pytest.param(JOB_ID[:-1] + "u", id="u"),
        pytest.param(JOB_ID[:-1] + "/", id="slash"),
        pytest.param(JOB_ID[:-1] + "%", id="percent"),
        pytest.param(JOB_ID[:-1] + "\u0660", id="a zero of another script"),
        pytest.param(JOB_ID + "\n", id="line end behind"),
        pytest.param(" " + JOB_ID, id="blank before"),
    ],
)
def test_anything_else_is_neither_a_job_id_nor_a_file_id(text: str) -> None:
    """Only the exact form is ever used in a name or a query."""
    assert parse_job_id(text) is None
    assert parse_file_id(f"gen_{text}") is None


def test_file_id_leads_back_to_its_job() -> None:
    """A file is named after its job."""
    assert file_id(JOB) == f"gen_{JOB_ID}"
    assert parse_file_id(file_id(JOB)) == JOB


@pytest.mark.parametrize("text", [JOB_ID, f"GEN_{JOB_ID}", f"gen_gen_{JOB_ID}", f"gen-{JOB_ID}", f" gen_{JOB_ID}"])
def test_file_id_has_exactly_one_prefix(text: str) -> None:
    """A job id is no file id, and neither is anything like one."""
    assert parse_file_id(text) is None


def test_blob_names_follow_from_the_job() -> None:
    """Stored jobs are found again under these names: changing one loses them."""
    assert video_blob(JOB) == f"videos/{JOB_ID}.mp4"
    assert job_blob(JOB) == f"jobs/{JOB_ID}.json"
    assert submission_blob(JOB) == f"submissions/{JOB_ID}.json"


def test_claim_is_named_by_the_hash_of_the_upstream_id() -> None:
    """The name of a claim is fixed: a change would let a second job claim the same render."""
    digest = "a69c734b740446e410ee1994c5a44bdda9852a3d3e68406a2e9e508d7196815e"

    assert claim_blob("video_123") == f"claims/{digest}.json"


@settings(deadline=None)  # a busy machine is no failure; pytest's own limit holds
@given(st.text(min_size=1, max_size=512))
def test_any_upstream_id_makes_a_plain_blob_name(upstream_id: str) -> None:
    """Whatever a service calls its renders, the blob's name has one fixed form."""
    folder, _, name = claim_blob(upstream_id).partition("/")

    assert folder == "claims"
    assert len(name) == len("0" * 64 + ".json")
    assert name.removesuffix(".json").isalnum()
