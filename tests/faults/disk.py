"""What a store holds at one moment, read once and past the tap."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from shared.jobs.ids import CANCELLATIONS, CAPACITY, WAITING, JobId, job_blob, named_job, parse_watch_blob
from shared.storage.base import BlobStore, Record

MOST_NAMES: Final = 100

_JOBS: Final = "jobs/"


@dataclass(frozen=True)
class Disk:
    """The names of all blobs, and what is in those that are looked at."""

    names: tuple[str, ...]
    records: Mapping[str, Record]

    @classmethod
    async def read(cls, store: BlobStore) -> Self:
        """Look at everything that there is."""
        names = await store.list_names("", limit=MOST_NAMES)
        assert len(names) < MOST_NAMES
        looked_at = [name for name in names if name == CAPACITY or name.startswith(_JOBS)]
        return cls(tuple(names), {name: record for name in looked_at if (record := await store.read_record(name))})

    def job(self, job_id: str) -> Record:
        """Return the record of a job, empty where there is none."""
        return self.records.get(job_blob(JobId(job_id)), {})

    def end(self, job_id: str) -> Record | None:
        """Return how a job ended, None where its record does not say."""
        end = self.job(job_id).get("end")
        return end if isinstance(end, dict) else None

    def job_for(self, prompt: str) -> str | None:
        """Return the job that was asked for with that prompt, None where none is on record."""
        for name in self.records:
            request = self.records[name].get("request")
            if isinstance(request, dict) and request.get("prompt") == prompt:
                return named_job(name)
        return None

    def appointments(self, job_id: str) -> list[datetime]:
        """Return when a job will be looked at."""
        found = [parse_watch_blob(name) for name in self.names]
        return [appointment[0] for appointment in found if appointment is not None and appointment[1] == job_id]

    def unrest(self) -> list[str]:
        """Return a sentence for everything that is held, waits, or has not come to its end."""
        places = self.records.get(CAPACITY, {}).get("places")
        jobs = [str(named_job(name)) for name in self.records if name.startswith(_JOBS)]
        return [
            *(f"{name} is left over" for name in self.names if name.startswith((WAITING, CANCELLATIONS))),
            *(f"job {job_id} still holds a place" for job_id in (places if isinstance(places, dict) else ())),
            *(f"the record of job {job_id} has no end" for job_id in jobs if self.end(job_id) is None),
        ]
