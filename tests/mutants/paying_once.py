"""Sabotages of what keeps a render from being paid twice."""

from typing import Final

from tests.mutants.mutant import CLOSING, STOPPING, SUBMIT, Mutant

PAYING_ONCE: Final = (
    Mutant(
        "submit without an intent on record",
        "activities/submit_render.py",
        "    if await services.store.create_record(submission_blob(payload.job_id), intent):\n",
        "    if await services.store.read_record(submission_blob(payload.job_id)) is None:\n",
        SUBMIT,
    ),
    Mutant(
        "forget the id that the service gave",
        "activities/submit_render.py",
        '{**intent, "upstream_id": upstream_id}',
        "intent",
        SUBMIT,
    ),
    Mutant(
        "keep an intent that the service certainly refused",
        "activities/submit_render.py",
        "await services.store.delete_record(submission_blob(payload.job_id), only=intent)",
        "pass",
        SUBMIT,
    ),
    Mutant(
        "adopt a render without claiming it",
        "activities/submit_render.py",
        "        if not await services.store.create_record(claim_blob(upstream_id), claim):\n",
        "        if await services.store.create_record(claim_blob(upstream_id), claim) is None:\n",
        SUBMIT,
    ),
    Mutant(
        "adopt a twin that another job owns",
        "shared/ledger/submissions.py",
        "            if owner is None:\n                free.append(candidate)\n",
        "            free.append(candidate)\n",
        SUBMIT,
    ),
    Mutant(
        "guess among several candidates",
        "activities/submit_render.py",
        "    if len(mine) > 1 or not all(candidate.certain for candidate in mine):\n",
        "    if not all(candidate.certain for candidate in mine):\n",
        SUBMIT,
    ),
    Mutant(
        "ask before the service's list can be trusted",
        "shared/ledger/submissions.py",
        "        if wait > 0:\n",
        "        if wait > 3600:\n",
        SUBMIT,
    ),
    Mutant(
        "submit for a job that was withdrawn",
        "activities/submit_render.py",
        "    if WITHDRAWN in record:\n",
        '    if "no such field" in record:\n',
        SUBMIT,
    ),
    Mutant(
        "leave the door open after a failed job's end",
        "shared/ledger/closing.py",
        '        if end.status == "failed":\n            # A message',
        '        if end.status == "never":\n            # A message',
        CLOSING,
    ),
    Mutant(
        "stop a render that may be somebody else's",
        "shared/ledger/submissions.py",
        "        if len(mine) != 1 or not mine[0].certain:\n",
        "        if not mine:\n",
        STOPPING,
    ),
    Mutant(
        "lose the render that was found when it could not be stopped at once",
        "shared/ledger/submissions.py",
        '                withdrawal["upstream_id"] = upstream_id\n',
        "                pass\n",
        STOPPING,
    ),
    Mutant(
        "submit with a place that was given back",
        "shared/ledger/line.py",
        "            if place is None or place.grant != grant:\n",
        "            if place is not None and place.grant == grant + grant:\n",
        SUBMIT,
    ),
    Mutant(
        "take a cancelled job for one that was never accepted",
        "shared/ledger/submissions.py",
        "record.get(_REFUSED) is True",
        "not record.get(_REFUSED)",
        "tests/whole/test_cancelled_in_doubt.py",
    ),
)
