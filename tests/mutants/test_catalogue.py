"""The catalogue of mutants follows the code: every passage is where it says, once."""

import ast
from pathlib import Path

import pytest

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_changes_one_passage_into_python_that_can_be_read(mutant: Mutant) -> None:
    """A mutant that no longer applies, or that no interpreter takes, would be killed by anything."""
    source = (ROOT / mutant.file).read_text(encoding="utf-8")

    assert source.count(mutant.before) == 1
    ast.parse(source.replace(mutant.before, mutant.after))
    assert all((ROOT / tests).exists() for tests in mutant.tests.split())


def test_there_are_many_mutants_and_no_two_of_one_name() -> None:
    """At least fifteen guards are sabotaged."""
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 15
