"""What must be true of the app at any moment, whatever was done to it; and what must be true once it is left in peace.

A render that is under way needs a place that is held by its job, and there are no more of those than the operator said.
Two kinds of renders may run without one, because the app cannot help it:

- *unknown*: the service did not say that it had accepted it, and was asked in vain whether it had, or had several that
  look alike. Its job has ended without it: no job owns it (there is no claim).
- *not stopped*: the service was asked to stop it and refused, or could not be reached for as long as the sweep asks.
"""

from collections import Counter
from collections.abc import Set as AbstractSet
from datetime import timedelta

from devtools.fakes.fake_provider import FakeRender
from shared.jobs.ids import JobId
from shared.upkeep.attend import STOP_TRIES
from tests.whole import on_record
from tests.whole.life import CANCELLED, Life
from tests.whole.troubled_app import TroubledApp

MINUTE = timedelta(seconds=60)

PATIENCE = timedelta(minutes=STOP_TRIES - 1)
"""For so long the sweep asks a service that cannot be reached to stop a render."""


def most_places(app: TroubledApp, held_before: AbstractSet[JobId]) -> None:
    """No more places are held than there are, but by those who held them before the last redeployment."""
    held = on_record.places(app.storage).places
    new = held.keys() - held_before
    assert not new or len(held) <= app.services.limits.renders, f"more places are held than there are: {held}"


def every_render_has_a_place(app: TroubledApp) -> None:
    """Renders that run are those whose jobs hold places, but for what nobody could know or stop."""
    homeless = renders_without_a_place(app)
    assert not homeless, f"renders run without a place: {homeless}"


def renders_without_a_place(app: TroubledApp) -> list[FakeRender]:
    """Return the renders that run without a place and without an excuse."""
    held = on_record.places(app.storage).places
    return [
        render
        for render in app.service.running()
        if not held.keys() & jobs_of(app, render) and not is_excused(app, render)
    ]


def jobs_of(app: TroubledApp, render: FakeRender) -> set[JobId]:
    """Return the jobs that asked for this render: one, or none that is on record."""
    records = on_record.records(app.storage).values()
    return {record.job_id for record in records if record.request and record.request.prompt == render.spec.prompt}


def is_known(app: TroubledApp, render: FakeRender) -> bool:
    """Say whether the app has learnt which job a render is of."""
    return on_record.owner(app.storage, render.upstream_id) is not None


def is_excused(app: TroubledApp, render: FakeRender) -> bool:
    """Say whether a render may run without a place; see the module's docstring."""
    service, prompt = app.service, render.spec.prompt
    if not is_known(app, render):
        alike = [each for each in service.renders if each.spec.prompt == prompt and not is_known(app, each)]
        return prompt in service.untold or len(alike) > 1
    failures = service.not_stopped[render.upstream_id]
    given_up = bool(failures) and failures[-1] - failures[0] >= PATIENCE
    return given_up or render.upstream_id in service.unstoppable


def no_job_is_paid_twice(life: Life) -> None:
    """There are no more renders of a prompt than jobs that asked for it (by the rule `fail`); each job has its own."""
    prompts = Counter(render.spec.prompt for render in life.app.service.renders)
    if life.app.services.flow.unknown_submission == "fail":
        assert prompts <= life.orders, f"paid twice: {prompts - life.orders}"
    owned = on_record.owned(life.app.storage)
    assert len(owned) == len(set(owned)), f"two jobs have one render: {sorted(owned)}"


def submits_keep_to_the_quota(app: TroubledApp) -> None:
    """In no minute do more calls to submit arrive than the service takes."""
    most, moments = app.services.limits.submits_per_minute, app.service.submitted
    if most is not None:
        for first, later in zip(moments, moments[most:], strict=False):
            assert later - first >= MINUTE, f"more than {most} submits within {later - first}"


async def everything_has_ended(life: Life) -> None:
    """All accepted jobs have ended, and nothing is left of them but what is kept on purpose."""
    app, store = life.app, life.app.storage
    for job in life.jobs.values():
        assert job.ended is not None, f"{job} never ended"
        kept = on_record.end(store, job.job_id)
        assert kept is not None, f"{job} has no end on record"
        assert (kept.status, kept.code) == (job.details["status"], job.details["code"]), f"{job} is on record as {kept}"
        assert not job.cancelled or job.ended.get("error") == CANCELLED, f"{job} was cancelled"
        if job.word == "completed":
            await life.download(job)
    open_records = [record for record in on_record.records(store).values() if record.end is None]
    assert not open_records, f"never closed: {open_records}"
    assert not on_record.waiting(store), f"still in line: {on_record.waiting(store)}"
    assert not on_record.places(store).places, f"places are held: {on_record.places(store)}"
    assert not on_record.cancellations(store), f"still to be cancelled: {on_record.cancellations(store)}"
    running = [render for render in app.service.running() if not is_excused(app, render)]
    assert not running, f"renders go on for nobody: {running}"
