"""`python -m tests.golden.write`: record the answers of all cases anew. Look at the difference before you commit it.

The local host's HTTP front answers; that Microsoft's worker library answers with the same bytes is for the tests.
"""

import sys

from shared.api.routes import OPENAPI
from tests.support.app_server_process import app_server
from tests.support.golden_cases import CASES, FOLDER, OPENAPI_DOCUMENT
from tests.support.golden_exchange import Request, exchange, golden_form, has_status


def main() -> None:
    """Write the file of every case, and remove those of cases that are gone; nothing where an answer is unexpected."""
    with app_server("local-host", "golden") as server:
        answers = {case.file: golden_form(exchange(server.port, case.request)) for case in CASES.values()}
        document = golden_form(exchange(server.port, Request("GET", f"/{OPENAPI.path}")))
    wrong = [case.id for case in CASES.values() if not has_status(answers[case.file], case.status)]
    if wrong:
        sys.exit(f"not of the status that the case says: {', '.join(wrong)}")
    for file in set(FOLDER.rglob("*.http")) - answers.keys():
        file.unlink()
    for file, answer in answers.items():
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(answer)
    OPENAPI_DOCUMENT.write_bytes(document.partition(b"\n\n")[2])
    sys.stdout.write(f"{len(answers)} answers and the OpenAPI document written\n")


if __name__ == "__main__":
    main()
