"""Microsoft's own Python worker library accepts every function of the app (it exists from Python 3.13 on)."""

from typing import Any

import pytest
from starlette.requests import Request

import function_app
from devtools.host.indexing import index
from shared.names import ACTIVITIES, ORCHESTRATORS
from tests.support.worker_library_messages import PROTOS

SWEEP = "sweep"

functions = pytest.importorskip("azure_functions_runtime.functions", reason="azure-functions-runtime needs Python 3.13")


@pytest.fixture(scope="module")
def accepted() -> dict[str, Any]:
    pytest.importorskip("azure_functions_runtime.bindings.meta").load_binding_registry()
    registry = functions.Registry()
    function_app.app.functions_bindings = {}  # the app takes names that it was asked for before for duplicates
    indexed = function_app.app.get_functions()
    return {info.name: info for info in (registry.add_indexed_function(each, PROTOS) for each in indexed)}


def test_it_hands_http_over_to_the_apps_web_extension(accepted: dict[str, Any]) -> None:
    """Every HTTP function that the local host serves is recognised by Starlette's request."""
    http_v2 = pytest.importorskip("azure_functions_runtime.http_v2")
    served_here = [function.name for function in index(function_app.app).http]

    http = {name: info.input_types["req"].pytype for name, info in accepted.items() if info.is_http_func}

    assert http_v2.HttpV2Registry.http_v2_enabled()
    assert http == dict.fromkeys(served_here, Request)


def test_it_takes_the_story_its_activities_and_the_sweep(accepted: dict[str, Any]) -> None:
    """They run on the worker's event loop; the orchestrator alone is a plain function, as the SDK makes it."""
    others = {name: info.is_async for name, info in accepted.items() if not info.is_http_func}

    assert others == {**dict.fromkeys(ORCHESTRATORS, False), **dict.fromkeys((*ACTIVITIES, SWEEP), True)}
