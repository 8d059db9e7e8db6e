"""The documents that users look things up in say what the code does, all of it and nothing else."""

import json
import re
from pathlib import Path
from typing import Final

import pytest

from shared.api import responses
from shared.errors import FAILURE_CODES, PUBLIC_MESSAGES
from shared.jobs.models import FlowSettings
from shared.settings import Settings

ROOT: Final = Path(__file__).parents[1]
HOST_SETTINGS: Final = {"FUNCTIONS_WORKER_RUNTIME", "PYTHON_ENABLE_INIT_INDEXING"}
"""What the example file sets for the Functions host; the app does not read them."""


def table(document: str, first_heading: str) -> list[list[str]]:
    """Return the cells of all tables whose first column has this heading."""
    rows: list[list[str]] = []
    inside = False
    for line in (ROOT / "docs" / document).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            inside = False
        elif cells[0] == first_heading:
            inside = True
        elif inside and not set(line) <= set("|- "):
            rows.append(cells)
    return rows


def code(cell: str) -> str:
    """Return what stands between backticks."""
    marked = re.fullmatch(r"`([^`]*)`", cell)
    assert marked, f"{cell!r} should be marked as code"
    return marked[1]


def documented_defaults() -> list[tuple[str, str]]:
    """Each setting's name and default as docs/settings.md has them."""
    return [(code(row[0]), row[1]) for row in table("settings.md", "Name")]


def real_defaults() -> list[tuple[str, str]]:
    """Each setting's name and default as the app has them."""
    return [
        (
            str(field.validation_alias or name.upper()),
            "not set" if field.default is None else f"`{field.default}`",
        )
        for name, field in Settings.model_fields.items()
    ]


def sentences() -> set[str]:
    """Every sentence of an HTTP error."""
    return {value for name, value in vars(responses).items() if name.isupper() and isinstance(value, str)}


def test_every_setting_is_documented_with_its_default() -> None:
    """docs/settings.md lists each setting once, with the default that holds, and no others."""
    assert sorted(documented_defaults()) == sorted(real_defaults())


def test_every_setting_has_a_meaning() -> None:
    """No row of docs/settings.md is empty."""
    rows = table("settings.md", "Name")

    assert all(len(row) == 3 and len(row[2].split()) >= 4 for row in rows)


def test_settings_that_travel_with_a_job_are_marked() -> None:
    """Whoever changes a setting reads whether jobs that run already notice."""
    marked = {code(row[0]) for row in table("settings.md", "Name") if "¹" in row[2]}

    travelling = {name.upper() for name in FlowSettings.model_fields}
    assert marked == travelling - {"VIDEO_RETENTION_SECONDS"} | {"VIDEO_RETENTION_DAYS"}


def test_example_file_names_every_setting() -> None:
    """Whoever copies the example sees all there is to set, and nothing that is not read."""
    example = json.loads((ROOT / "local.settings.json.example").read_text(encoding="utf-8"))

    assert set(example["Values"]) - HOST_SETTINGS == {name for name, _ in real_defaults()}
    assert set(example["Values"]) >= HOST_SETTINGS


def test_example_file_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example is a valid configuration as it is: the simulator and the storage emulator."""
    for name, _ in real_defaults():
        monkeypatch.delenv(name, raising=False)
    example = json.loads((ROOT / "local.settings.json.example").read_text(encoding="utf-8"))
    for name, value in example["Values"].items():
        monkeypatch.setenv(name, value)

    assert Settings().provider == "openai"


def test_every_failure_code_is_documented_with_its_sentence() -> None:
    """docs/errors.md lists each code once, with the sentence that callers read."""
    documented = [(code(row[0]), code(row[1])) for row in table("errors.md", "Code")]

    assert sorted(documented) == sorted((name, PUBLIC_MESSAGES[name]) for name in FAILURE_CODES)


def test_every_failure_code_says_what_happens_and_what_to_do() -> None:
    """No row of docs/errors.md is empty."""
    rows = table("errors.md", "Code")

    assert all(len(row) == 4 and row[2] and len(row[3].split()) >= 4 for row in rows)


def test_every_failure_code_has_a_sentence() -> None:
    """A code without a sentence would be an error on the status route."""
    assert set(PUBLIC_MESSAGES) == set(FAILURE_CODES)


def test_every_http_sentence_is_documented() -> None:
    """docs/errors.md lists each sentence of an HTTP error once, and no others."""
    documented = [code(row[1]) for row in table("errors.md", "Status") if row[1] != "a list"]

    assert sorted(documented) == sorted(sentences())


@pytest.mark.parametrize(
    "document", sorted(ROOT.glob("docs/**/*.md")) + sorted(ROOT.glob("*.md")), ids=lambda p: p.name
)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    """A relative link names a file or folder that is there."""
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", document.read_text(encoding="utf-8"))

    assert [target for target in targets if not (document.parent / target).exists()] == []
