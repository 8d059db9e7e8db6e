"""Small sabotages of the guards against lost jobs, double payment and endless waiting; each must make a test fail.

A mutant replaces one passage, which stands exactly once in its file, and names the tests that are run against it.
`python -m tests.mutants` applies them one by one in a copy of the project.
"""

from typing import Final

from tests.mutants.mutant import (
    ACCEPTANCE,
    ADMISSION,
    CLOSING,
    DOWNLOAD,
    LIFE_CYCLE,
    LINE,
    PLACES,
    STORIES,
    SWEEP,
    Mutant,
)
from tests.mutants.paying_once import PAYING_ONCE
from tests.mutants.telling_all import TELLING_ALL

MUTANTS: Final = (
    *PAYING_ONCE,
    *TELLING_ALL,
    # Places.
    Mutant(
        "ignore the version of the places",
        "shared/ledger/line.py",
        'self.store.replace_version(CAPACITY, after.model_dump(mode="json"), seen.etag if seen else None)',
        'self.store.replace_record(CAPACITY, after.model_dump(mode="json")) is None',
        LINE,
    ),
    Mutant(
        "grant a job a second place",
        "shared/jobs/places.py",
        "        if free and job_id not in places:\n",
        "        if free:\n",
        f"{LINE} {PLACES}",
    ),
    Mutant(
        "release whatever place the job has by now",
        "shared/jobs/places.py",
        "    if place is None or grant not in (None, place.grant):\n",
        "    if place is None:\n",
        f"{LINE} {PLACES}",
    ),
    Mutant(
        "free a place before the job is out of the line",
        "shared/ledger/line.py",
        "            await self.store.delete_record(place.waiter)\n"
        "            await self._serve(lambda state: released(state, job_id, grant))\n",
        "            await self._serve(lambda state: released(state, job_id, grant))\n"
        "            await self.store.delete_record(place.waiter)\n",
        LINE,
    ),
    Mutant(
        "overlook who joined the line meanwhile",
        "shared/ledger/line.py",
        "after is not before and free_places(",
        "after is before and free_places(",
        LINE,
    ),
    Mutant(
        "leave the line without telling who has just read it",
        "shared/ledger/line.py",
        "released(state, job_id, None), always=True)",
        "released(state, job_id, None))",
        LINE,
    ),
    Mutant(
        "give a place back without standing in line again",
        "shared/ledger/line.py",
        "            await self.join(asked.job_id, asked.turn)\n",
        "            pass\n",
        LINE,
    ),
    Mutant(
        "wake nobody",
        "shared/ledger/line.py",
        "            return await self.instances.signal(job_id, PLACE_GRANTED)\n",
        "            return True\n",
        LINE,
    ),
    Mutant(
        "grant places while the service is full",
        "shared/jobs/places.py",
        "    if state.paused_until is not None and now < state.paused_until:\n",
        "    if state.paused_until is not None and now < now:\n",
        f"{LINE} {PLACES}",
    ),
    Mutant(
        "count half a minute",
        "shared/jobs/places.py",
        "MINUTE = timedelta(seconds=61)\n",
        "MINUTE = timedelta(seconds=30)\n",
        PLACES,
    ),
    Mutant(
        "forget to release the place of a finished render",
        "orchestrators/generate_video.py",
        "    yield from _release(teller, job)\n",
        "",
        STORIES,
    ),
    Mutant(
        "keep the place when the service is full",
        "orchestrators/generate_video.py",
        "        give_back=state.grant,\n",
        "        give_back=None,\n",
        STORIES,
    ),
    # Ending.
    Mutant(
        "sleep through a cancellation",
        "orchestrators/stages.py",
        "        awaited = [*events, *([self._cancelled] if self._cancelled is not None else [])]\n",
        "        awaited = [*events]\n",
        STORIES,
    ),
    Mutant(
        "let a stage outlast the job",
        "orchestrators/stages.py",
        "            deadline = min(deadline, self.state.job_deadline)\n",
        "            deadline = max(deadline, self.state.job_deadline)\n",
        STORIES,
    ),
    Mutant(
        "wait longer in line with every turn",
        "orchestrators/generate_video.py",
        "    if state.wait_deadline is not None and teller.now >= state.wait_deadline:\n",
        "    if state.wait_deadline is None:\n",
        STORIES,
    ),
    Mutant(
        "leave a render running that took too long",
        "shared/jobs/policy.py",
        '    return end.code == "internal" or "submitted" in end.times\n',
        '    return end.code == "internal"\n',
        STORIES,
    ),
    Mutant(
        "tell another end than the first",
        "shared/ledger/records.py",
        "record if record.end else record",
        "record",
        CLOSING,
    ),
    Mutant(
        "let an operator contradict what was shown",
        "shared/jobs/lifecycle.py",
        "    if decided is not None:\n        return decided\n",
        "",
        f"{LIFE_CYCLE} {SWEEP}",
    ),
    Mutant(
        "never look at a job again",
        "shared/ledger/closing.py",
        "        await self.records.watch(job_id, self.next_chore(kept, self.records.now()))\n",
        "",
        CLOSING,
    ),
    Mutant(
        "remove a file while it may be read",
        "shared/ledger/closing.py",
        "end.expires_at + DOWNLOAD_GRACE",
        "end.expires_at",
        CLOSING,
    ),
    Mutant(
        "send a file that has expired",
        "shared/api/download.py",
        "services().now() >= video.expires_at",
        "services().now() < video.expires_at - (video.expires_at - video.last_modified) * 2",
        DOWNLOAD,
    ),
    # Accepting.
    Mutant(
        "claim a key that somebody else has claimed",
        "shared/ledger/acceptance.py",
        "await self.store.replace_version(key, mine, claim.etag if claim is not None else None)",
        "await self.store.replace_record(key, mine) is None",
        ACCEPTANCE,
    ),
    Mutant(
        "give another request's job to a key",
        "shared/ledger/acceptance.py",
        '                if claim.record["request"] != _fingerprint(request):\n',
        "                if not claim.record:\n",
        ACCEPTANCE,
    ),
    Mutant(
        "replay a job that was withdrawn",
        "shared/ledger/acceptance.py",
        "            if not await self._is_refused(earlier, claim):\n",
        "            if earlier:\n",
        ACCEPTANCE,
    ),
    Mutant(
        "answer a replay whose job never started",
        "shared/ledger/acceptance.py",
        "            if accepted.replayed and await self._is_under_way(accepted.job_id):\n",
        "            if accepted.replayed:\n",
        ACCEPTANCE,
    ),
    Mutant(
        "accept without an appointment",
        "shared/ledger/acceptance.py",
        "        await self.records.watch(job_id, self.records.now() + timedelta(seconds=START_SECONDS), key)\n",
        "",
        f"{ACCEPTANCE} {SWEEP}",
    ),
    Mutant(
        "let the day go on for ever",
        "shared/ledger/admission.py",
        "await self.store.count_up(today) > self.most_a_day",
        "await self.store.count_up(today) > self.most_a_day * 1000",
        ADMISSION,
    ),
    Mutant(
        "let in whoever comes while others are on their way to the line",
        "shared/ledger/admission.py",
        "        self.waiting.joined()\n",
        "",
        ADMISSION,
    ),
    # The sweep.
    Mutant(
        "tell nobody twice",
        "shared/upkeep/sweep.py",
        "        await instances.signal(job_id, PLACE_GRANTED)\n",
        "",
        SWEEP,
    ),
    Mutant(
        "leave a place to a job that has ended",
        "shared/upkeep/sweep.py",
        "    await services.line.release(job_id, place.grant)\n",
        "",
        SWEEP,
    ),
    Mutant(
        "leave free places alone",
        "shared/upkeep/sweep.py",
        "    await services.line.serve()\n",
        "    pass\n",
        SWEEP,
    ),
    Mutant(
        "wait for a stuck job for ever",
        "shared/upkeep/attend.py",
        "    if services.now() < record.overdue_at and not is_stuck(sight, services.now()):\n",
        "    if record.overdue_at:\n",
        SWEEP,
    ),
    Mutant(
        "start a job again that nobody knows",
        "shared/upkeep/attend.py",
        "    if never_had_one and await",
        "    if not record.job_id and await",
        SWEEP,
    ),
    Mutant(
        "forget a cancellation after one try",
        "shared/upkeep/sweep.py",
        "        await instances.signal(job_id, CANCEL_JOB)\n",
        "        await services.store.delete_record(cancellation_blob(job_id))\n",
        SWEEP,
    ),
)
