"""Registers the sweep, which runs once a minute.

Its body is imported when it first runs: what it needs, a cold start that reads a status does not
(docs/decisions/0002-cold-start.md).
"""

import asyncio

import azure.durable_functions as df
import azure.functions as func

from shared.errors import AppError
from shared.jobs.client import JobClient
from shared.logs import log
from shared.wiring import services

SCHEDULE = "0 * * * * *"

SWEEP_SECONDS = 50.0
"""What is not done by then is done by the next sweep, which comes a minute after this one."""

blueprint = df.Blueprint()


@blueprint.function_name("sweep")
@blueprint.timer_trigger(arg_name="timer", schedule=SCHEDULE, run_on_startup=False, use_monitor=False)
@blueprint.durable_client_input(client_name="client")  # type: ignore[untyped-decorator]  # no types in the SDK
async def sweep(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:  # noqa: ARG001 - the trigger's
    """Look after all jobs that need it; what goes wrong is logged, and the next sweep tries again."""
    from shared.upkeep.sweep import sweep_once  # noqa: PLC0415 - see the module's docstring

    try:
        instances = JobClient(client)
        held = services().over(instances)
        async with asyncio.timeout(SWEEP_SECONDS):
            await sweep_once(held, instances)
    except TimeoutError:
        log.warning("the sweep was not done after %.0f s and goes on with the next one", SWEEP_SECONDS)
    except AppError as error:
        log.error("the sweep failed: %s: %s", type(error).__name__, error)
