"""What the app has on record, read straight from its store: no call of the app's is counted or broken by looking."""

from devtools.fakes.in_memory_store import InMemoryStore
from shared.jobs.ids import CANCELLATIONS, CAPACITY, WAITING, JobId, claim_blob, job_blob, named_job, waiting_job
from shared.jobs.models import JobEnd
from shared.jobs.places import PlacesState
from shared.ledger.records import JobRecord


def places(store: InMemoryStore) -> PlacesState:
    """Return who holds the places."""
    return PlacesState.model_validate(store.record(CAPACITY) or {})


def waiting(store: InMemoryStore) -> list[JobId]:
    """Return the jobs in line, in its order."""
    return [job for name in names(store, WAITING) if (job := waiting_job(name)) is not None]


def records(store: InMemoryStore) -> dict[JobId, JobRecord]:
    """Return the records of all jobs."""
    found = [JobRecord.model_validate(store.record(name)) for name in names(store, "jobs/")]
    return {record.job_id: record for record in found}


def end(store: InMemoryStore, job_id: str) -> JobEnd | None:
    """Return a job's end, None where none is on record."""
    record = store.record(job_blob(JobId(job_id)))
    return None if record is None else JobRecord.model_validate(record).end


def cancellations(store: InMemoryStore) -> list[JobId]:
    """Return the jobs whose cancellation is still to be heeded."""
    return [job for name in names(store, CANCELLATIONS) if (job := named_job(name)) is not None]


def owner(store: InMemoryStore, upstream_id: str) -> JobId | None:
    """Return the job that has claimed a render, None where none has."""
    claim = store.record(claim_blob(upstream_id))
    return None if claim is None else JobId(str(claim["job_id"]))


def owned(store: InMemoryStore) -> list[str]:
    """Return the render of each job that has one."""
    submissions = [store.record(name) or {} for name in names(store, "submissions/")]
    return [str(each["upstream_id"]) for each in submissions if "upstream_id" in each]


def names(store: InMemoryStore, prefix: str) -> list[str]:
    """Return the names of everything below `prefix`."""
    return [name for name in store.names() if name.startswith(prefix)]
