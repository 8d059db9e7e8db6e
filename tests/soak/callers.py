"""Callers of the API, one for each order: they ask until they are told of a job, and may repeat that or cancel it.

A caller with a key repeats the very same request. One without asks for something else each time, told apart by the
prompt: what it was not told of may have become a job, of which nobody knows.
"""

import asyncio
from typing import Final

import httpx

from tests.soak.evidence import UNKNOWN, Request
from tests.soak.plan import Order
from tests.soak.run import NEVER_SENT, SECONDS, SIDE, Run

PAUSE_SECONDS: Final = 0.4

FAR_AWAY: Final = 20
QUICKEST_TURN_SECONDS: Final = 0.3
"""Turns do not come faster than this, with two places for renders of that length."""


async def live(run: Run, order: Order) -> None:
    """Be the caller of an order, up to the last thing that is to be done for it."""
    await run.until(order.at)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(_until_accepted(run, order, 0))
        for sender, wait in enumerate(order.repeats, start=1):
            group.create_task(_repeat(run, order, sender, wait))
        if order.cancel_after is not None:
            job_id = await first
            if order.cancel_in_turn:
                await _its_turn(run, job_id)
            await asyncio.sleep(order.cancel_after)
            await _cancel(run, job_id)


async def _repeat(run: Run, order: Order, sender: int, wait: float) -> None:
    await asyncio.sleep(wait)
    await _until_accepted(run, order, sender)


async def _until_accepted(run: Run, order: Order, sender: int) -> str:
    tries = 0
    while True:
        tries += 1
        request = await _post(run, order, tries, sender)
        if request is not None:
            run.evidence.requests.append(request)
            if request.job_id is not None:
                run.accepted(request.job_id)
                return request.job_id
        await asyncio.sleep(PAUSE_SECONDS)


async def _post(run: Run, order: Order, tries: int, sender: int) -> Request | None:
    """Ask once; None where the request did not even leave."""
    prompt = f"Order {order.number}" if order.key is not None else f"Order {order.number}, try {tries}"
    headers = {}
    if order.key is not None:
        # With quotes, as the draft wants it, or without, as many clients do: it is the same key.
        headers["Idempotency-Key"] = f'"{order.key}"' if sender % 2 else order.key
    body = {"prompt": prompt, "duration": SECONDS, "width": SIDE, "height": SIDE}
    try:
        answer = await run.send("POST", "/api/generate", json=body, headers=headers)
    except NEVER_SENT:
        return None
    except httpx.TransportError:
        return Request(order.number, prompt, "unanswered")
    if answer.status_code != 200:
        return Request(order.number, prompt, "refused", answer.status_code)
    return Request(order.number, prompt, "accepted", 200, answer.json()["job_id"])


async def _its_turn(run: Run, job_id: str) -> None:
    """Wait until the job is no longer in line, by asking the more often the nearer it comes."""
    while True:
        await run.ask("GET", f"/api/jobs/{job_id}", job_id)
        position = run.evidence.details.get(job_id, {"position": FAR_AWAY})["position"]
        if position is None:
            return
        await asyncio.sleep(max(PAUSE_SECONDS / 4, position * QUICKEST_TURN_SECONDS))


async def _cancel(run: Run, job_id: str) -> None:
    run.evidence.cancelled.add(job_id)
    while True:
        sighting = await run.ask("DELETE", f"/api/jobs/{job_id}", job_id)
        if sighting is not None and sighting.word != UNKNOWN:
            return
        await asyncio.sleep(PAUSE_SECONDS)
