"""Whatever anybody sends: an answer of the contract, and nothing of what was sent in it."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devtools.fakes.in_memory_store import InMemoryStore
from shared.wiring import use_services
from tests.support.durable_client import FakeDurableClient
from tests.unit.api.calling import Answer, ask, delete_job, get_download, get_job, get_status, post_generate
from tests.unit.api.conftest import services_over

MARKER = "zqxjkvb"
"""Stands in everything that is sent, and in no answer."""

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(MARKER),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
marked_objects = st.fixed_dictionaries(
    {"prompt": json_values | st.text().map(lambda text: MARKER + text)},
    optional={"duration": json_values, "width": json_values, "height": json_values, MARKER: json_values},
)
bodies = st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=300).map(lambda junk: MARKER.encode() + junk),
    st.binary(max_size=300).map(lambda junk: b'{"prompt":"' + MARKER.encode() + b'",' + junk),
    json_values.map(lambda value: json.dumps([value, MARKER]).encode()),
    marked_objects.map(lambda value: json.dumps({**value, "rest": MARKER}).encode()),
)
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40).map(lambda text: text + MARKER)
content_types = st.none() | st.sampled_from(["application/json", "application/x+json; charset=latin-1"]) | header_values
keys = st.none() | header_values | header_values.map(lambda text: f'"{text}"')
paths = st.text(max_size=60).map(lambda text: text + MARKER)

# A busy machine is no failure, pytest's own limit holds; and one store is as good as a new one here.
arbitrary = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def is_of_the_contract(answer: Answer, *statuses: int) -> None:
    assert answer.status in statuses
    body = json.loads(answer.body)
    assert MARKER not in json.dumps([body, dict(answer.headers)], ensure_ascii=False)
    if answer.status != 200:
        assert set(body) == {"detail"}
        assert isinstance(body["detail"], list if answer.status == 422 else str)
    for described in body["detail"] if answer.status == 422 else []:
        assert {"loc", "msg", "type"} <= set(described) <= {"loc", "msg", "type", "ctx"}
        assert described["loc"][0] in ("body", "header")


@arbitrary
@given(body=bodies, content_type=content_types, key=keys)
async def test_any_body_is_accepted_or_refused_in_the_contracts_words(
    body: bytes, content_type: str | None, key: str | None
) -> None:
    """No request is a server error, and a refused one starts nothing."""
    client = FakeDurableClient()

    with use_services(services_over(InMemoryStore())):
        answer = await post_generate(client, body, content_type, key=key)

    is_of_the_contract(answer, 200, 400, 413, 415, 422)
    assert len(client.instances) == (answer.status == 200)


@arbitrary
@given(job_id=paths)
async def test_any_id_of_no_job_is_not_found(job_id: str) -> None:
    """Nothing but a well-formed id is looked for."""
    client = FakeDurableClient()

    for about in (get_status, get_job, delete_job):
        is_of_the_contract(await about(client, job_id), 404)

    assert client.calls == 0


@pytest.mark.usefixtures("use_store")
@arbitrary
@given(file_id=paths, asked=header_values)
async def test_any_id_of_no_file_is_not_found(file_id: str, asked: str) -> None:
    """Whatever range of it is asked for."""
    is_of_the_contract(await get_download(file_id, {"Range": asked}), 404)


@arbitrary
@given(method=st.text(st.characters(min_codepoint=65, max_codepoint=90), min_size=1, max_size=9), path=paths)
async def test_any_other_path_is_not_found(method: str, path: str) -> None:
    """Nothing of a path comes back; a path that happens to be one of ours may say what it takes."""
    is_of_the_contract(await ask(method, "/" + path), 404, 405)
