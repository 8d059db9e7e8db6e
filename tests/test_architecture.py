"""The map of docs/architecture.md, held against the source: who may import what, and the form of every module."""

import ast
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.support.source_tree import OTHERS, ROOMS, ROOT, dotted, imports, modules, within

MOST_LINES: Final = 350


@dataclass(frozen=True)
class Rule:
    """What a room may import besides the standard library; `never` takes out of that again."""

    may: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


FUNCTIONS: Final = ("azure.functions", "azure.durable_functions")

RULES: Final[Mapping[str, Rule]] = {
    "function_app": Rule(
        (
            *FUNCTIONS,
            "shared.api",
            "activities.boundary",
            "orchestrators.registration",
            "shared.upkeep.registration",
            "shared.intake.registration",
        )
    ),
    "orchestrators": Rule(
        ("orchestrators", "shared.names", "shared.errors", "shared.logs", "shared.jobs", "pydantic"),
        ("shared.jobs.client", "os", "time", "random", "threading", "socket", "subprocess", "pathlib", "asyncio"),
    ),
    "orchestrators.registration": Rule(
        ("azure.durable_functions", "orchestrators.context", "shared.names"), ("os", "time", "random", "asyncio")
    ),
    "activities": Rule(
        ("shared",),
        ("shared.api", "shared.upkeep", "shared.intake", "shared.settings", "shared.jobs.client", "os"),
    ),
    "activities.boundary": Rule(
        ("shared", "azure.durable_functions"), ("shared.api", "shared.upkeep", "shared.settings", "os")
    ),
    "shared": Rule(),
    "shared.building": Rule(("shared.errors",)),
    "shared.names": Rule(),
    "shared.errors": Rule(),
    "shared.logs": Rule(never=("os",)),
    "shared.jobs": Rule(
        ("shared.jobs", "shared.errors", "shared.names", "pydantic", "ulid"),
        ("shared.jobs.client", "os", "pathlib", "socket", "http", "urllib", "asyncio", "time"),
    ),
    "shared.jobs.client": Rule(("shared.jobs", "shared.errors", "shared.names"), ("os",)),
    "shared.ledger": Rule(
        (
            "shared.ledger",
            "shared.jobs",
            "shared.errors",
            "shared.logs",
            "shared.names",
            "shared.storage.base",
            "shared.telemetry.base",
            "shared.providers.base",
            "shared.events.base",
            "shared.events.job_events",
            "pydantic",
        ),
        ("shared.jobs.client", "os"),
    ),
    "shared.telemetry": Rule(("shared.telemetry", "shared.logs", "opentelemetry"), ("os",)),
    "shared.telemetry.base": Rule(),
    "shared.telemetry.trace_ids": Rule(never=("os",)),
    "shared.telemetry.azure_monitor": Rule(("shared.telemetry", "azure.core", "azure.monitor"), ("os",)),
    "shared.upkeep": Rule(("shared", *FUNCTIONS), ("shared.api", "shared.intake", "shared.settings", "os")),
    "shared.intake": Rule(
        (
            "shared.intake",
            "shared.api.json_text",
            "shared.api.parsing",
            "shared.api.responses",
            "shared.events.base",
            "shared.jobs",
            "shared.ledger",
            "shared.logs",
            "shared.telemetry.base",
            "shared.wiring",
        ),
        ("os",),
    ),
    "shared.intake.registration": Rule((*FUNCTIONS, "shared.intake", "shared.jobs.client", "shared.wiring")),
    "shared.events": Rule(("shared.events", "shared.jobs", "shared.errors"), ("shared.jobs.client", "os")),
    "shared.events.cloud_event": Rule(("shared.events", "shared.jobs", "azure.core"), ("os",)),
    "shared.events.queue_sink": Rule(("shared.events", "shared.errors", "shared.storage.messages"), ("os",)),
    "shared.events.event_grid": Rule(("shared.events", "shared.errors", "azure.core", "azure.eventgrid"), ("os",)),
    "shared.settings": Rule(
        ("shared.errors", "shared.jobs", "shared.storage.base", "pydantic", "pydantic_settings"),
        ("shared.jobs.client",),
    ),
    "shared.providers": Rule(
        ("shared.providers", "shared.jobs", "shared.errors", "openai", "httpx2"), ("shared.jobs.client", "os")
    ),
    "shared.providers.entra": Rule(("shared.errors", "azure.core", "azure.identity"), ("os",)),
    "shared.storage": Rule(("shared.storage", "shared.jobs", "shared.errors"), ("shared.jobs.client", "os")),
    "shared.storage.blob": Rule(("shared.storage", "shared.errors", "azure.core", "azure.storage.blob"), ("os",)),
    "shared.storage.queue": Rule(("shared.storage", "shared.errors", "azure.core", "azure.storage.queue"), ("os",)),
    "shared.storage.blob_stream": Rule(("shared.errors", "azure.core", "azure.storage.blob", "aiohttp"), ("os",)),
    "shared.media": Rule(("shared.media", "shared.jobs", "shared.errors", "av"), ("shared.jobs.client", "os")),
    "shared.api": Rule(
        (
            "shared.api",
            "shared.jobs",
            "shared.ledger",
            "shared.names",
            "shared.errors",
            "shared.logs",
            "shared.wiring",
            "shared.storage.base",
            "shared.telemetry.base",
            "shared.version",
            *FUNCTIONS,
            "starlette",
            "pydantic",
            "pydantic_core",
        ),
        ("os",),
    ),
    "shared.api.routes": Rule(("azure.functions",)),
    "shared.api.web_extension": Rule(
        ("azurefunctions.extensions.base", "starlette", "uvicorn", "shared.api.responses", "shared.logs"), ("os",)
    ),
    "shared.wiring": Rule(
        ("shared", "azure.core", "azure.identity"), ("shared.api", "shared.upkeep", "shared.intake", "os")
    ),
}
"""Rooms by dotted name; a module follows the longest name that it is within."""

OWNERS: Final[Mapping[str, tuple[str, ...]]] = {
    "openai": ("shared.providers.videos_api",),
    "httpx2": ("shared.providers",),
    "azure.storage": ("shared.storage.blob", "shared.storage.blob_stream", "shared.storage.queue"),
    "azure.eventgrid": ("shared.events.event_grid",),
    "aiohttp": ("shared.storage.blob_stream",),
    "azure.monitor": ("shared.telemetry.azure_monitor",),
    "opentelemetry": ("shared.telemetry",),
    "azure.identity": ("shared.providers.entra", "shared.wiring"),
    "av": ("shared.media",),
    "uvicorn": ("shared.api.web_extension",),
    "azurefunctions": ("shared.api.web_extension",),
    "os": ("shared.api.routes", "shared.intake.registration"),
}
"""Libraries that few may touch: an SDK belongs to its adapter, the environment to the settings."""


def rule_for(module: str) -> Rule | None:
    rooms = [room for room in RULES if within(module, room)]
    return RULES[max(rooms, key=len)] if rooms else None


def violations(module: str, source: str) -> list[str]:
    """Return the imports of a module that its room does not allow."""
    rule = rule_for(module)
    assert rule, f"{module} is in no room: add it to RULES and to docs/architecture.md"
    return [name for name in imports(source) if not _allowed(name, rule)]


def _allowed(name: str, rule: Rule) -> bool:
    if any(within(name, never) for never in rule.never):
        return False
    return name.partition(".")[0] in sys.stdlib_module_names or any(within(name, may) for may in rule.may)


@pytest.mark.parametrize("module", modules(*ROOMS), ids=dotted)
def test_module_imports_only_what_its_room_may(module: Path) -> None:
    """The import table holds for every module: in functions and for type checking only, too."""
    assert violations(dotted(module), module.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        pytest.param("orchestrators.generate_video", "import time", id="a clock in a story"),
        pytest.param("orchestrators.generate_video", "from shared.wiring import services", id="clients in a story"),
        pytest.param("activities.fetch_render", "from activities.boundary import run", id="another activity"),
        pytest.param("activities.fetch_render", "def run():\n    import shared.api.status", id="inside a function"),
        pytest.param(
            "shared.jobs.plan", "if TYPE_CHECKING:\n    from shared.wiring import Services", id="for type checking only"
        ),
        pytest.param("shared.jobs.plan", "from shared.jobs.client import JobClient", id="the durable client"),
        pytest.param("shared.jobs.plan", "from os import environ", id="the environment"),
        pytest.param("shared.providers.wire", "from shared import storage", id="another port"),
        pytest.param("shared.api.status", "from azure.storage.blob.aio import BlobClient", id="an SDK"),
        pytest.param("shared.api.status", "from devtools.fakes import in_memory_store", id="a tool"),
        pytest.param("shared.errors", "import pydantic", id="a library at the bottom"),
        pytest.param("shared.storage.base", "from .blob import AzureBlobStore", id="a relative import"),
        pytest.param("function_app", "from shared.settings import load_settings", id="settings while indexing"),
        pytest.param(
            "function_app", "from shared.upkeep.sweep import sweep_once", id="the sweep's body while indexing"
        ),
        pytest.param(
            "activities.close_job", "from shared.jobs.client import JobClient", id="the client in an activity"
        ),
        pytest.param("shared.ledger.line", "from shared.jobs.client import JobClient", id="the client in the ledger"),
        pytest.param("shared.ledger.line", "from shared.wiring import services", id="the composition in the ledger"),
        pytest.param("shared.ledger.line", "from shared.storage.blob import AzureBlobStore", id="an adapter"),
        pytest.param("shared.telemetry.base", "import opentelemetry.trace", id="a library in the port to who watches"),
        pytest.param("shared.upkeep.sweep", "from shared.api import responses", id="an answer in the sweep"),
        pytest.param("shared.wiring", "from shared.upkeep import sweep", id="the sweep in the composition"),
    ],
)
def test_forbidden_import_is_found(module: str, source: str) -> None:
    """The table bites: each of these imports would be reported."""
    assert len(violations(module, source)) == 1


@pytest.mark.parametrize("library", OWNERS)
def test_library_is_touched_by_its_owners_only(library: str) -> None:
    """An SDK has one place where it is understood."""
    users = {dotted(module) for module in modules(*ROOMS) if _uses(module, library)}

    assert users
    assert [user for user in users if not any(within(user, owner) for owner in OWNERS[library])] == []


def _uses(module: Path, library: str) -> bool:
    return any(within(name, library) for name in imports(module.read_text(encoding="utf-8")))


def test_every_rule_has_modules() -> None:
    """A room that is gone leaves the table, too."""
    names = [dotted(module) for module in modules(*ROOMS)]

    assert [room for room in RULES if not any(within(name, room) for name in names)] == []


@pytest.mark.parametrize(
    "module", [path for path in modules(*ROOMS, *OTHERS) if path.name == "__init__.py"], ids=dotted
)
def test_package_file_is_empty(module: Path) -> None:
    """Importing a package does nothing; what a room offers is in its modules."""
    assert module.read_bytes() == b""


def test_no_module_is_too_long() -> None:
    """Near this length, a module holds a second idea."""
    lengths = {dotted(module): len(module.read_bytes().splitlines()) for module in modules(*ROOMS, *OTHERS)}

    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


@pytest.mark.parametrize("module", ["shared/upkeep/registration.py", "orchestrators/registration.py"])
def test_registration_loads_no_more_than_it_registers_with(module: str) -> None:
    """Bodies are imported when they first run: whatever is imported outside of functions, a cold start pays for."""
    light = (
        "azure",
        "shared.errors",
        "shared.jobs.client",
        "shared.logs",
        "shared.names",
        "shared.wiring",
        "orchestrators.context",
    )
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    top = ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])

    loaded = [name for name in imports(ast.unparse(top)) if name.partition(".")[0] not in sys.stdlib_module_names]

    assert loaded
    assert [name for name in loaded if not any(within(name, each) for each in light)] == []


def test_function_app_only_registers() -> None:
    """The file that Azure indexes stays a list of rooms."""
    [module] = modules("function_app.py")

    assert len(module.read_text(encoding="utf-8").splitlines()) < 60
