"""One message of the queue of jobs: it becomes a job, waits, or is set aside; it is never dropped.

- A good one is accepted as a job, under the sender's `id`, else the message's, as its idempotency key: delivered twice,
  it is one job.
- One that cannot become a job, now or ever, is kept in the queue of poison messages, as it came, and answered by the
  event `video.rejected`, which is on record before that.
- While there are too many jobs, it goes back into the queue, to be seen again later.
- Where storage or the durable backend fails, this raises, and the host delivers it again (`host.json`: once a minute,
  60 times; then it puts it with the poison itself).

Each step may be repeated by a process that comes after one that died: the host removes a message when it has been
taken, and not before.
"""

import json
from collections.abc import Mapping
from datetime import timedelta

from shared.api import responses
from shared.api.parsing import BadRequest
from shared.api.responses import Detail
from shared.events.base import Event
from shared.intake.message import FIRST_SEEN, Message, Order, decoded, read_order, sender_id
from shared.jobs.ids import new_job_id
from shared.ledger.acceptance import KeyReused
from shared.ledger.admission import TooManyJobs
from shared.logs import log, log_for
from shared.telemetry.base import Period
from shared.wiring import Services

PATIENCE = timedelta(days=7)
"""So long a message waits for its turn to be accepted; then it is set aside."""

LONGEST_PAUSE_SECONDS = 3600
"""Between tries, so that limits that an operator has raised are noticed."""

_ID_REUSED: Mapping[str, object] = {
    "loc": ["body", "id"],
    "msg": "the id was used with another request",
    "type": "value_error.idempotency_key",
}

POISON = "-poison"
"""What the host, too, adds to a queue's name where it puts messages that cannot be worked off."""


async def take_message(services: Services, queue: str, message: Message) -> None:
    """Do with a message of that queue what is to be done.

    Raises `StorageUnavailable`, `BackendUnavailable`, `TimeoutError`: the message must come again.
    """
    try:
        order = read_order(message)
    except BadRequest as bad:
        await _set_aside(services, queue, message, bad.status, bad.detail)
        return
    job_id, started = new_job_id(), services.now()
    # Its tries would count as jobs of the day, each of them; so it is not tried while nothing can be started.
    await services.line.instances.sight(job_id)
    try:
        accepted = await services.acceptance.accept(job_id, order.request, order.id, sender_id=order.id)
    except KeyReused:
        await _set_aside(services, queue, message, 422, [_ID_REUSED])
    except TooManyJobs as many:
        await _put_back(services, queue, message, order, many)
    else:
        outcome = "replayed" if accepted.replayed else "accepted"
        services.telemetry.taken_in(accepted.job_id, Period(started, services.now()), outcome, None)
        again = " (once more)" if accepted.replayed else ""
        log_for(accepted.job_id).info("job accepted from message %s%s", message.id, again)


async def _put_back(services: Services, queue: str, message: Message, order: Order, many: TooManyJobs) -> None:
    """Let a message wait in the queue under the name that it has; sent twice by a crash, it is one job all the same."""
    if services.now() - order.since >= PATIENCE:
        await _set_aside(services, queue, message, 429, responses.TOO_MANY_JOBS)
        return
    asked = order.request.model_dump(mode="json")
    text = json.dumps({**asked, "id": order.id, FIRST_SEEN: order.since.isoformat()})
    pause = min(many.retry_after_seconds, LONGEST_PAUSE_SECONDS)
    await services.queue(queue).send(text, delay_seconds=pause)
    log.warning("message %s put back for %d s: %s", message.id, pause, many)


async def _set_aside(services: Services, queue: str, message: Message, status: int, detail: Detail) -> None:
    """Keep the message where an operator finds it, and tell its sender, now or as soon as that can be done."""
    text = decoded(message.body)
    event = _rejection(message, sender_id(text), status, detail)
    await services.rejections.note(event)
    await services.queue(queue + POISON).send(message.body.decode(errors="replace"))
    await services.rejections.tell(event)
    log.warning("message %s set aside in %s%s: %s", message.id, queue, POISON, json.dumps(detail))


def _rejection(message: Message, name: str | None, status: int, detail: Detail) -> Event:
    told: Mapping[str, object] = {"message_id": message.id, **({} if name is None else {"id": name})}
    return Event(
        id=f"{message.id}-rejected",
        type="video.rejected",
        subject=f"messages/{message.id}",
        time=message.came_at,
        data={**told, "status": "rejected", "status_code": status, "detail": detail},
    )
