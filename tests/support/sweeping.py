"""What the tests of the sweep share: jobs that were accepted, some with a place, and what has become of them."""

from shared.jobs.ids import JobId, job_blob, new_job_id
from shared.jobs.lifecycle import JobSight, JobView
from shared.jobs.models import JobEnd, RequestPlaceInput, VideoRequest
from shared.upkeep.sweep import sweep_once
from tests.support.activities import World

LAKE = VideoRequest(prompt="a calm lake", duration=5, width=1280, height=720)
CANCELLED = JobSight(JobView("failed", "cancelled"), told=True)
DAY = 86_400


async def sweep(world: World) -> None:
    """Do one round."""
    await sweep_once(world.services, world.instances)


async def accepted(world: World, key: str | None = None) -> JobId:
    """Return a job that has just been accepted."""
    return (await world.services.acceptance.accept(new_job_id(), LAKE, key)).job_id


async def with_place(world: World, sight: JobSight) -> JobId:
    """Return a job that holds the place, with its story where `sight` says."""
    job_id = await accepted(world)
    await world.services.line.request(RequestPlaceInput(job_id=job_id))
    world.instances.sights[job_id] = sight
    return job_id


def end_of(world: World, job_id: JobId) -> JobEnd | None:
    """Return the job's end on record, None where there is none."""
    record = world.store.record(job_blob(job_id))
    end = (record or {}).get("end")
    return None if end is None else JobEnd.model_validate(end)


async def holders(world: World) -> list[JobId]:
    """Return who holds places."""
    return list((await world.services.line.places()).places)
