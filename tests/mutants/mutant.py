"""What a mutant is, and the tests that mutants are run against."""

from dataclasses import dataclass
from typing import Final

ANNOUNCEMENTS: Final = "tests/unit/ledger/test_announcements.py tests/unit/ledger/test_announcing_in_trouble.py"
INTAKE: Final = "tests/unit/intake"
LINE: Final = "tests/unit/ledger/test_line.py"
PLACES: Final = "tests/unit/jobs/test_places.py"
ACCEPTANCE: Final = "tests/unit/ledger/test_acceptance.py"
ADMISSION: Final = "tests/unit/ledger/test_admission.py"
CLOSING: Final = "tests/unit/ledger/test_closing.py"
STOPPING: Final = "tests/unit/ledger/test_stopping_a_render.py"
SWEEP: Final = "tests/unit/upkeep"
SUBMIT: Final = "tests/unit/activities"
STORIES: Final = "tests/replay"
LIFE_CYCLE: Final = "tests/unit/jobs/test_lifecycle.py"
DOWNLOAD: Final = "tests/unit/api/test_download.py"


@dataclass(frozen=True)
class Mutant:
    """A sabotage: `before` becomes `after` in `file`; one of `tests` must notice."""

    name: str
    file: str
    before: str
    after: str
    tests: str
