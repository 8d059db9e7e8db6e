"""Tries recorded cases on the local host."""

import asyncio
import tempfile
import warnings
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from itertools import count
from pathlib import Path
from typing import Final

import azure.functions as func
from azure.durable_functions.models.utils import http_utils

from devtools.host.catalog import Catalog
from devtools.host.indexing import index
from tests.host.recordings.case import RECORDED, Case
from tests.host.recordings.compare import difference
from tests.host.recordings.drive import run_case
from tests.host.recordings.exchange import Exchange, exchange_of

APP: Final = RECORDED / "app"

TRIES: Final = 3
"""A case is tried so often: its steps sleep between messages, and a busy machine can let two of them fall together.

A difference that does not come from that is there every time.
"""

AT_ONCE: Final = 12
"""Cases that run side by side; most of the time they sleep."""

NOT_REPRODUCED: Final = {
    "call-http-action": "the local host makes no durable HTTP calls; the instance fails with a sentence that says so",
    "sub-existing-id": (
        "the store decides what becomes of a child whose id is at work: here its start is dropped, "
        "the emulator of the recording ran one empty episode for it"
    ),
}
"""Cases that the local host does not reproduce, and why; `docs/local-host.md` lists them."""

_modules = count()


@dataclass(frozen=True)
class Verdict:
    """How a case went: what was exchanged, and how that differs, None where it does not."""

    case: Case
    ours: Exchange
    difference: str | None


def load_catalog(folder: Path) -> Catalog:
    """The functions of a recorded app, with a memory of its own: some of them count their calls."""
    name = f"recorded_app_{next(_modules)}"
    spec = spec_from_file_location(name, folder / "function_app.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(folder / "function_app.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    app = next(value for value in vars(module).values() if isinstance(value, func.FunctionRegister))
    return index(app)


async def try_case(case: Case, app: Path = APP) -> Verdict:
    """Run a case, again where it differs."""
    verdict = await _try_once(case, app)
    for _ in range(TRIES - 1):
        if verdict.difference is not None:
            verdict = await _try_once(case, app)
    return verdict


async def _try_once(case: Case, app: Path) -> Verdict:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # The SDK's own advice about its insides.
        warnings.filterwarnings("ignore", module=r"azure\.(functions|durable_functions)")
        ours = await run_case(case, load_catalog(app), Path(folder))
    return Verdict(case, ours, difference(exchange_of(case.rows), ours))


async def try_cases(cases: Sequence[Case], app: Path = APP) -> AsyncIterator[Verdict]:
    """Try cases side by side; verdicts come in the order of the cases."""
    free = asyncio.Semaphore(AT_ONCE)

    async def try_in_turn(case: Case) -> Verdict:
        async with free:
            return await try_case(case, app)

    tasks = [asyncio.create_task(try_in_turn(case)) for case in cases]
    try:
        for task in tasks:
            yield await task
    finally:
        await http_utils._close_session()  # the SDK keeps one for the process, and the next event loop cannot use it
