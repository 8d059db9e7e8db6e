"""The wall between activities and the durable engine: JSON in, an `Outcome` as JSON out, never an exception.

An exception's type would die on the way to the orchestrator, and its traceback, with paths and perhaps secrets, would
stay in durable history. So expected failures become data by their `AppError` attributes, and everything else is logged
here, with secrets and the prompt taken out, and reported as `internal`, which the story tries again a few times.
"""

import importlib
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, get_type_hints

import azure.durable_functions as df

from shared.errors import AppError, ConfigurationError
from shared.jobs.client import JobClient
from shared.jobs.instances import Instances
from shared.logs import log_for, redact
from shared.names import ACTIVITIES
from shared.telemetry.base import Period
from shared.wiring import Services, services

Body = Callable[[Any, Services], Awaitable[Any]]
"""An activity: its input model and the services in, its result model out; raises `AppError`s."""

Log = logging.LoggerAdapter[logging.Logger]

blueprint = df.Blueprint()


async def run_activity(name: str, payload: Mapping[str, Any], instances: Instances) -> dict[str, Any]:
    """Run the body of activity `name` and return its `Outcome` as plain JSON. Never raises."""
    job_id = str(payload.get("job_id"))
    log = log_for(job_id)
    try:
        held = services().over(instances)
    except ConfigurationError as error:
        log.error("%s cannot run: %s", name, error)  # noqa: TRY400 - the sentence is what the operator needs
        return _failed(error, error.retry_after_seconds)
    except Exception:  # noqa: BLE001 - see the module's docstring
        return _broken(log, name, _prompts(payload))
    started = held.now()
    outcome = await _outcome(log, name, payload, held)
    failure = outcome.get("failure", {})
    held.telemetry.activity(
        job_id,
        name,
        Period(started, held.now()),
        failure.get("code", "ok"),
        reason=failure.get("reason"),
        retryable=failure.get("retryable", False),
    )
    return outcome


async def _outcome(log: Log, name: str, payload: Mapping[str, Any], held: Services) -> dict[str, Any]:
    hidden = (*held.secrets, *_prompts(payload))
    try:
        body: Body = getattr(importlib.import_module(f"activities.{name}"), name)
        log.info("%s started", name)
        result = await body(get_type_hints(body)["payload"].model_validate(payload), held)
    except ConfigurationError as error:
        log.error("%s cannot run: %s", name, error)  # noqa: TRY400 - the sentence is what the operator needs
        return _failed(error, error.retry_after_seconds)
    except AppError as error:
        log.warning("%s failed: %s (%s)", name, error.reason, redact(str(error), hidden))
        return _failed(error, error.retry_after_seconds)
    except Exception:  # noqa: BLE001 - see the module's docstring
        return _broken(log, name, hidden)
    log.info("%s done", name)
    return {"value": result.model_dump(mode="json")}


def _broken(log: Log, name: str, hidden: Iterable[str]) -> dict[str, Any]:
    """Report the exception that is being handled, which nobody has foreseen."""
    log.error("%s broke:\n%s", name, redact(traceback.format_exc(), hidden))
    return {"failure": {"code": "internal", "reason": "unexpected", "retryable": True}}


def _failed(error: AppError, retry_after_seconds: float | None) -> dict[str, Any]:
    return {
        "failure": {
            "code": error.code,
            "reason": error.reason,
            "retryable": error.retryable,
            "retry_after_seconds": retry_after_seconds,
        }
    }


def _prompts(payload: Mapping[str, Any]) -> tuple[str, ...]:
    spec = payload.get("spec")
    prompt = spec.get("prompt") if isinstance(spec, Mapping) else None
    return (prompt,) if isinstance(prompt, str) else ()


def _register(name: str) -> None:
    @blueprint.function_name(name)
    @blueprint.activity_trigger(input_name="payload", activity=name)  # type: ignore[untyped-decorator]  # no types in the SDK
    @blueprint.durable_client_input(client_name="client")  # type: ignore[untyped-decorator]  # as above
    async def shim(payload: dict, client: df.DurableOrchestrationClient) -> dict:  # type: ignore[type-arg]  # the worker refuses generics here
        return await run_activity(name, payload, JobClient(client))


for _name in ACTIVITIES:
    _register(_name)
