"""docs/upstreams.md says what the code does."""

import re
from pathlib import Path

import pytest

from shared.errors import FAILURE_CODES
from shared.providers import videos_api, wire

DOCUMENT = (Path(__file__).parents[3] / "docs" / "upstreams.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"(?<!`)`([^`\n]+)`(?!`)", DOCUMENT))

NOT_THE_SERVICES = {"cancelled", "internal"}
"""Codes that no answer of a video service leads to; the first one is a status word, too."""


@pytest.mark.parametrize("word", sorted(wire._RENDERED | wire._FAILED | wire._LOST))
def test_every_status_word_that_ends_a_render_is_named(word: str) -> None:
    """An operator can look up what a server's word leads to."""
    assert word in NAMED


@pytest.mark.parametrize("code", sorted(set(FAILURE_CODES) - NOT_THE_SERVICES))
def test_every_code_that_an_answer_can_lead_to_is_named(code: str) -> None:
    """And how it comes about."""
    assert code in NAMED


def test_the_words_of_refused_content_are_named() -> None:
    """Spelled with an underscore; spaces and none are read as well."""
    for word in wire._REFUSALS:
        spelled = word.replace(" ", "_").replace("contentsafety", "content_safety")
        assert spelled.replace("policyviolation", "policy_violation") in NAMED


def test_the_types_that_are_taken_for_a_video_are_named() -> None:
    """Besides `video/*`."""
    assert set(videos_api._UNTYPED) | {"video/*"} <= NAMED


@pytest.mark.parametrize("status", sorted(videos_api._SUBMIT_CODES))
def test_every_status_with_a_code_of_its_own_is_named(status: int) -> None:
    """Redirects are named as such."""
    assert status < 400 or re.search(rf"\b{status}\b", DOCUMENT)


def test_every_answer_to_a_cancellation_that_does_not_refuse_it_is_named_there() -> None:
    """Together with the one above 500 that does."""
    section = DOCUMENT.partition("### To a cancellation")[2].partition("\n## ")[0]

    assert {str(status) for status in (*videos_api._NO_REFUSALS, 501)} <= set(re.findall(r"\b\d{3}\b", section))
