"""Every answer of the API, byte for byte, over the local Functions host and over Microsoft's worker library.

The golden answers are files; `python -m tests.golden.write` records them anew.
"""

from collections.abc import Iterator, Mapping

import pytest

from tests.support.app_server_process import CARRIERS, app_server
from tests.support.golden_cases import CASES, FOLDER, Case
from tests.support.golden_exchange import NOT_COMPARED, exchange, golden_form

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module", params=CARRIERS)
def answers(request: pytest.FixtureRequest) -> Iterator[Mapping[str, bytes]]:
    """What one carrier answers to every case, as it came."""
    with app_server(request.param, "golden") as server:
        yield {name: exchange(server.port, case.request) for name, case in CASES.items()}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_answer_is_the_golden_one(answers: Mapping[str, bytes], case: Case) -> None:
    """Status, headers and body."""
    assert golden_form(answers[case.id]) == case.file.read_bytes()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_no_byte_can_change_unnoticed(answers: Mapping[str, bytes], case: Case) -> None:
    """Neither in the file nor in the answer, but for its phrase, its date and that it closes the connection."""
    golden, answer = case.file.read_bytes(), answers[case.id]
    ignored = {place for passage in NOT_COMPARED.finditer(answer) for place in range(*passage.span(1))}

    assert [place for place in range(len(golden)) if golden_form(answer) == changed(golden, place)] == []
    assert [place for place in range(len(answer)) if is_golden(changed(answer, place), golden)] == sorted(ignored)


def changed(content: bytes, place: int) -> bytes:
    """The content with another byte in this place."""
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def is_golden(answer: bytes, golden: bytes) -> bool:
    """Whether this would be taken for the golden answer."""
    try:
        return golden_form(answer) == golden
    except ValueError:
        return False


def test_every_file_has_its_case() -> None:
    """A golden answer that nobody asks for any more is removed."""
    assert set(FOLDER.rglob("*.http")) == {case.file for case in CASES.values()}
