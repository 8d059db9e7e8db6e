"""What must be true after a run: each rule returns a sentence for everything that breaks it.

In a run the video service can always be asked what it has, shows the prompts of its renders, and is well in the end; no
deadline comes near. So there is no reason for a job to fail: a submission is never unknown for good
(`UNKNOWN_SUBMISSION` is `fail`), nothing is rendered twice, and no render runs without a place.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from tests.soak.evidence import UNKNOWN, Evidence, Sighting

RANKS: Final = {UNKNOWN: -1, "queued": 0, "processing": 1, "completed": 2, "failed": 2}
ENDS: Final = ("completed", "failed")


def every_order_became_one_job(evidence: Evidence) -> Iterator[str]:
    """Whoever keeps asking gets a job, with a key always the same one."""
    jobs: dict[int, set[str]] = {request.order: set() for request in evidence.requests}
    for request in evidence.requests:
        if request.job_id is not None:
            jobs[request.order].add(request.job_id)
        if request.outcome == "refused" and request.status != 500:
            yield f"order {request.order} was answered with {request.status}"
    for order, ids in sorted(jobs.items()):
        if len(ids) != 1:
            yield f"order {order} became {len(ids)} jobs: {sorted(ids)}"


def every_job_ended(evidence: Evidence) -> Iterator[str]:
    """Completed, or cancelled where its caller said so."""
    for job_id, order in evidence.jobs.items():
        told = evidence.details.get(job_id, {})
        status, code = told.get("status", UNKNOWN), told.get("code")
        if status not in ENDS:
            yield f"job {job_id} of order {order} never ended: it is {status}, stage {told.get('stage')}"
        elif status == "failed" and not (code == "cancelled" and job_id in evidence.cancelled):
            yield f"job {job_id} of order {order} failed without a reason: {code}"


def no_render_is_paid_twice(evidence: Evidence) -> Iterator[str]:
    """Never two renders of one request, and none that nobody has to pay for."""
    jobs = _jobs_by_prompt(evidence)
    refused = {each.prompt for each in evidence.requests if each.outcome == "refused"}
    maybe = {each.prompt for each in evidence.requests if each.outcome == "unanswered"}
    for prompt, number in _renders_by_prompt(evidence).items():
        if number > 1:
            yield f"{prompt!r} was rendered {number} times"
        if prompt not in jobs:
            yield f"{prompt!r} was rendered, and nobody asked for it"
        elif prompt in refused - maybe and not jobs[prompt]:
            yield f"{prompt!r} was rendered, although its caller was told that it was not accepted"


def every_job_has_its_own_renders(evidence: Evidence) -> Iterator[str]:
    """One where it is completed, none where it never submitted, and none that goes on where it was cancelled."""
    renders = _renders_by_prompt(evidence)
    kept = {str(render["prompt"]) for render in evidence.renders if not render["gone"]}
    for prompt, ids in _jobs_by_prompt(evidence).items():
        for job_id in ids:
            told = evidence.details.get(job_id, {})
            if told.get("status") == "completed" and renders[prompt] != 1:
                yield f"job {job_id} is completed, with {renders[prompt]} renders"
            if told.get("submits") == 0 and renders[prompt]:
                yield f"job {job_id} says that it never submitted, and has {renders[prompt]} renders"
            if told.get("code") == "cancelled" and prompt in kept:
                yield f"job {job_id} is cancelled, and its render was not stopped"


def _jobs_by_prompt(evidence: Evidence) -> dict[str, set[str]]:
    jobs: dict[str, set[str]] = {request.prompt: set() for request in evidence.requests}
    for request in evidence.requests:
        if request.job_id is not None:
            jobs[request.prompt].add(request.job_id)
    return jobs


def _renders_by_prompt(evidence: Evidence) -> Counter[str]:
    return Counter(str(render["prompt"]) for render in evidence.renders)


def every_completed_job_has_its_file(evidence: Evidence) -> Iterator[str]:
    """It downloads, opens, and has the size and length that was asked for."""
    for job_id in evidence.jobs:
        if evidence.details.get(job_id, {}).get("status") == "completed":
            problem = evidence.files.get(job_id, "it was not looked at")
            if problem:
                yield f"the file of job {job_id}: {problem}"


def no_more_renders_than_places(evidence: Evidence, places: int) -> Iterator[str]:
    """Never more at a time than there are places, and none that goes on at the end."""
    most, left = evidence.stats["most_unfinished"], evidence.stats["unfinished"]
    if most > places:
        yield f"{most} renders were unfinished at the same time, with {places} places"
    if left:
        yield f"{left} renders go on for nobody"


def no_status_went_back(evidence: Evidence) -> Iterator[str]:
    """What one read has told, no read that began later takes back; an end stays as it was."""
    for job_id, sightings in evidence.sightings.items():
        in_order = sorted(sightings, key=lambda sighting: sighting.began)
        finished: list[Sighting] = []
        for sighting in in_order:
            earlier = [each for each in finished if each.ended < sighting.began]
            contradicted = next((each for each in earlier if _contradicts(each, sighting)), None)
            if contradicted is not None or sighting.word == UNKNOWN:
                told = "accepted" if contradicted is None else _words(contradicted)
                yield f"job {job_id} was {told}, and {_words(sighting)} {sighting.ended:.1f} s into the run"
                break
            finished.append(sighting)


def _contradicts(earlier: Sighting, later: Sighting) -> bool:
    if RANKS[later.word] < RANKS[earlier.word]:
        return True
    return earlier.word in ENDS and (
        later.word != earlier.word
        or later.error != earlier.error
        or (None not in (earlier.code, later.code) and later.code != earlier.code)
    )


def _words(sighting: Sighting) -> str:
    return " ".join(filter(None, [sighting.word, sighting.code or sighting.error]))


def nothing_is_left(evidence: Evidence) -> Iterator[str]:
    """Nobody waits, no place is held, nothing is still to be cancelled, every job's end is on record."""
    for what, names in evidence.remains.by_kind().items():
        if names:
            yield f"still {what}: {', '.join(names)}"


def nothing_broke(evidence: Evidence) -> Iterator[str]:
    """The app's log tells of nothing that it did not expect."""
    for line in evidence.broken:
        yield f"in the app's log: {line}"


def verdict(evidence: Evidence, *, places: int) -> list[str]:
    """Return a sentence for everything that is not as it must be."""
    rules: list[Callable[[Evidence], Iterator[str]]] = [
        every_order_became_one_job,
        every_job_ended,
        no_render_is_paid_twice,
        every_job_has_its_own_renders,
        every_completed_job_has_its_file,
        lambda each: no_more_renders_than_places(each, places),
        no_status_went_back,
        nothing_is_left,
        nothing_broke,
    ]
    return [sentence for rule in rules for sentence in rule(evidence)]
