import pytest

from devtools.sora_sim.keywords import KEYWORDS
from tests.unit.sora_sim.conftest import Simulated


@pytest.mark.parametrize(
    ("keyword", "statuses"),
    [
        ("[sim:policy-at-create]", [400, 400]),
        ("[sim:bad-request]", [400, 400]),
        ("[sim:unauthorized]", [401, 401]),
        ("[sim:no-deployment]", [404, 404]),
        ("[sim:rate-limit]", [429, 429]),
        ("[sim:rate-limit-once]", [429, 200]),
        ("[sim:too-many-tasks-once]", [429, 200]),
        ("[sim:server-error]", [500, 500]),
        ("[sim:server-error-once]", [500, 200]),
        ("[sim:gateway-html]", [502, 502]),
    ],
)
async def test_a_keyword_refuses_the_create(simulator: Simulated, keyword: str, statuses: list[int]) -> None:
    """Always, or once for each different prompt."""
    for prompt in (f"a fox {keyword}", f"a bear {keyword}"):
        answers = [await simulator.http.post("/v1/videos", json={"prompt": prompt}) for _ in statuses]

        assert [answer.status_code for answer in answers] == statuses


@pytest.mark.parametrize(
    ("keyword", "code"), [("[sim:moderation]", "moderation_blocked"), ("[sim:fail]", "server_error")]
)
async def test_a_keyword_fails_the_job(simulator: Simulated, keyword: str, code: str) -> None:
    """The job is accepted first."""
    job = await simulator.create(f"a fox {keyword}")

    failed = await simulator.wait_for(job["id"], "failed")

    assert failed["error"]["code"] == code


@pytest.mark.parametrize(
    ("keyword", "statuses"),
    [("[sim:look-fails-thrice]", [500, 500, 500, 200]), ("[sim:forgotten]", [404, 404])],
)
async def test_a_keyword_disturbs_the_looks(simulator: Simulated, keyword: str, statuses: list[int]) -> None:
    """Each look is counted."""
    job = await simulator.create(f"a fox {keyword}")

    answers = [await simulator.http.get(f"/v1/videos/{job['id']}") for _ in statuses]

    assert [answer.status_code for answer in answers] == statuses


@pytest.mark.parametrize(
    ("keyword", "statuses"), [("[sim:expired]", [404, 404]), ("[sim:content-error-once]", [500, 200])]
)
async def test_a_keyword_disturbs_the_download(simulator: Simulated, keyword: str, statuses: list[int]) -> None:
    """The job completes; its content does not come, or not at first."""
    job = await simulator.completed(f"a fox {keyword}")

    answers = [await simulator.http.get(f"/v1/videos/{job['id']}/content") for _ in statuses]

    assert [answer.status_code for answer in answers] == statuses


async def test_an_armed_fault_goes_before_a_keyword(simulator: Simulated) -> None:
    """A call meets one fault: what was armed on purpose."""
    await simulator.arm(operation="create", kind="respond", status=418)

    answer = await simulator.http.post("/v1/videos", json={"prompt": "[sim:server-error]"})

    assert answer.status_code == 418


def test_no_keyword_contains_another() -> None:
    """A prompt means the keyword that it shows."""
    contained = [(one, other) for one in KEYWORDS for other in KEYWORDS if one != other and one in other]

    assert contained == []
