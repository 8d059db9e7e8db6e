"""What must hold whatever has happened (design, section 3), looked at when everything has come to rest."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from typing import Final

from devtools.host.records import InstanceFilter
from tests.faults.disk import Disk
from tests.faults.port_faults import SECRET
from tests.faults.world import World

REST_MINUTES: Final = 20
"""So long after the last job has ended, the sweep has tidied up everything that faults have left."""

NEXT_DAY: Final = timedelta(hours=25)
"""After so long a job whose story cannot close it, and that the sweep failed to close, has had another appointment."""

SHOWN: Final = frozenset(("status", "stage", "progress", "submits", "times", "code", "expires_at", "due"))
"""All that a custom status or an output may say."""

TELLTALE: Final = re.compile(rf"{re.escape(SECRET)}|Traceback|\w+Error|video_(?!url)\w+|/videos/|127\.0\.0\.1")
"""What neither callers nor custom statuses and outputs may show: faults' own texts, stacks, upstream ids, addresses."""


async def come_to_rest(world: World) -> Disk:
    """Let time pass until nothing is held, nobody waits and every end is on record, for as long as that may take."""
    for _ in range(REST_MINUTES):
        disk = await Disk.read(world.store_behind)
        if not disk.unrest():
            return disk
        await world.pass_time(minutes=1)
    if all(sentence.endswith("no end") for sentence in disk.unrest()):
        await world.host.advance(NEXT_DAY)
        await world.pass_time(minutes=2)
    return await Disk.read(world.store_behind)


async def broken_invariants(
    world: World, disk: Disk, ends: Mapping[str, str], *, extra_renders: int = 0
) -> AsyncIterator[str]:
    """Yield a sentence for each invariant that does not hold; `ends` says how the jobs must have ended."""
    for sentence in disk.unrest():
        yield sentence
    for prompt, end in ends.items():
        async for sentence in _wrong_about(world, disk, prompt, end):
            yield sentence
    for sentence in (*_wrong_payments(world, ends, extra_renders), *_untold(world), *_leaks(world)):
        yield sentence
    if not world.never_went_back():
        yield f"a status went back: {world.seen}"


async def actual_end(world: World, prompt: str) -> str:
    """Return how a job has ended, in the words of `Scenario.ends`."""
    if prompt not in world.jobs:
        return "gone"
    details = await world.job(world.jobs[prompt])
    return str(details["code"] or details["status"])


async def _wrong_about(world: World, disk: Disk, prompt: str, end: str) -> AsyncIterator[str]:
    """Yield what is wrong about one job: its end, its record, its file, and whether it will be tidied up."""
    found = await actual_end(world, prompt)
    if found != end:
        yield f"{prompt!r} has ended as {found}, not as {end}"
    if found == "gone":
        return
    job_id = world.jobs[prompt]
    word, recorded = await world.status(job_id), disk.end(job_id) or {}
    if (recorded.get("status"), recorded.get("code") or recorded.get("status")) != (word, found):
        yield f"{prompt!r} is {word} by its status and {recorded} by its record"
    if disk.job(job_id).get("request") is None:
        return  # its time is over, and so is that of its file
    if not disk.appointments(job_id):
        yield f"nobody will look at {prompt!r} again"
    if word == "completed":
        answer = await world.download(job_id)
        if (answer.status, answer.body) != (200, world.upstream.film(prompt)):
            yield f"the download of {prompt!r} is HTTP {answer.status} with {len(answer.body)} bytes, not its film"


def _wrong_payments(world: World, ends: Mapping[str, str], extra_renders: int) -> Iterator[str]:
    upstream = world.upstream
    for prompt, end in ends.items():
        paid = upstream.paid(prompt)
        if paid > 1 or (end == "completed" and paid != 1) or (end == "gone" and paid):
            yield f"{prompt!r} was paid for {paid} times"
        if upstream.goes_on(prompt) and not extra_renders:
            yield f"the render of {prompt!r} goes on"
    if upstream.unplaced():
        yield f"{upstream.unplaced()} submissions were made without a place"
    if upstream.most_at_once() > 1 + extra_renders:
        yield f"{upstream.most_at_once()} renders ran at once"


def _untold(world: World) -> Iterator[str]:
    for instance in world.host.engine.instances(InstanceFilter()):
        if not instance.status.is_final:
            yield f"the story of {instance.instance_id} goes on: {instance.status.title}, {instance.custom_status}"


def _leaks(world: World) -> Iterator[str]:
    for shown in world.shown:
        yield from _told_too_much("a custom status", shown)
    for prompt, job_id in world.jobs.items():
        if world.host.engine.journal.instance(job_id) is not None:
            output = world.host.status(job_id)["output"]
            yield from _told_too_much(f"the output of {prompt!r}", output)
            if SECRET in json.dumps(world.host.history(job_id)):
                yield f"the history of {prompt!r} holds a secret"
    for answer in world.answers:
        if not answer.headers.get("content-type", "").startswith("video/"):
            yield from _telltales("an answer", answer.body.decode())


def _told_too_much(what: str, shown: object) -> Iterator[str]:
    """Yield what a status or an output says besides what it may; a terminated story has a reason for its output."""
    if isinstance(shown, dict) and not shown.keys() <= SHOWN:
        yield f"{what} shows more than it may: {shown}"
    yield from _telltales(what, json.dumps(shown))


def _telltales(what: str, text: str) -> Iterator[str]:
    found = TELLTALE.search(text)
    if found is not None:
        yield f"{what} shows {found[0]!r}: {text}"
