"""What is left after a run, looked at until everything has come to rest or its time is over."""

import asyncio
import io
import re
from typing import Final

import httpx

from shared.errors import AppError
from shared.jobs.ids import CANCELLATIONS, CAPACITY, WAITING
from shared.jobs.places import PlacesState
from shared.ledger.records import JobRecord
from shared.media.probe import probe
from shared.settings import Settings
from shared.storage.blob import AzureBlobStore
from tests.soak.evidence import Remains
from tests.soak.run import SECONDS, SIDE, Run
from tests.soak.service import ServiceControl
from tests.support.azurite import connection_string

LOOK_AGAIN_SECONDS: Final = 1.0
MOST_NAMES: Final = 5000
JOBS: Final = "jobs/"
DOWNLOADS_AT_ONCE: Final = 4

UNEXPECTED: Final = re.compile(r" CRITICAL |Traceback|\] stuck: |was never awaited|never retrieved| broke:|story broke")
"""Lines of the app's log that no kill and no error of the service accounts for."""


async def wait_until_all_has_ended(run: Run, deadline: float) -> None:
    """Wait until readers have seen every job's end, at most until that moment of the run."""
    while not run.all_ended() and run.now < deadline:
        run.stack.supervisor.check()
        await asyncio.sleep(LOOK_AGAIN_SECONDS / 4)


async def wait_until_nothing_is_left(run: Run, deadline: float) -> None:
    """Read our own storage until nothing in it waits for something, at most until that moment of the run."""
    port = httpx.URL(run.stack.blob).port
    container = str(Settings.model_fields["video_container"].default)
    store = AzureBlobStore.from_connection_string(connection_string(port or 0), container)
    closed: set[str] = set()
    try:
        while True:
            run.evidence.remains = await _remains(store, closed)
            if not run.evidence.remains or run.now >= deadline:
                return
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
    finally:
        await store.close()


async def _remains(store: AzureBlobStore, closed: set[str]) -> Remains:
    record = await store.read_record(CAPACITY)
    names = await store.list_names(JOBS, limit=MOST_NAMES)
    for name in set(names) - closed:
        found = await store.read_record(name)
        if found is None or JobRecord.model_validate(found).end is not None:
            closed.add(name)
    return Remains(
        waiting=await store.list_names(WAITING, limit=MOST_NAMES),
        places=[] if record is None else sorted(PlacesState.model_validate(record).places),
        cancellations=await store.list_names(CANCELLATIONS, limit=MOST_NAMES),
        open_records=sorted(set(names) - closed),
    )


async def collect(run: Run) -> None:
    """Take down how every job ended, its file, and what the service has rendered."""
    evidence, service = run.evidence, ServiceControl(run.stack.simulator)
    for job_id in evidence.jobs:
        for route in ("status", "jobs"):
            await run.ask("GET", f"/api/{route}/{job_id}", job_id)
    completed = [job_id for job_id, told in evidence.details.items() if told["status"] == "completed"]
    places = asyncio.Semaphore(DOWNLOADS_AT_ONCE)
    problems = await asyncio.gather(*(_look_at_file(run, job_id, places) for job_id in completed))
    evidence.files = dict(zip(completed, problems, strict=True))
    evidence.renders = await asyncio.to_thread(service.renders)
    evidence.stats = await asyncio.to_thread(service.stats)
    log = run.stack.folder.path / "logs" / "app.log"
    lines = (await asyncio.to_thread(log.read_text, errors="replace")).splitlines()
    evidence.broken = [line for line in lines if UNEXPECTED.search(line)]


async def _look_at_file(run: Run, job_id: str, places: asyncio.Semaphore) -> str:
    async with places:
        try:
            answer = await run.send("GET", f"/api/download/gen_{job_id}")
        except httpx.TransportError as error:
            return f"no answer: {error!r}"
        return f"HTTP {answer.status_code}" if answer.status_code != 200 else wrong_with(answer.content)


def wrong_with(content: bytes) -> str:
    """Return what is wrong with a video, empty where it is what was asked for."""
    try:
        facts = probe(io.BytesIO(content))
    except AppError as error:
        return str(error)
    if (facts.width, facts.height) != (SIDE, SIDE) or abs(facts.seconds - SECONDS) > facts.frame_seconds:
        return f"{facts.width}x{facts.height}, {facts.seconds:.3f} s"
    return ""
