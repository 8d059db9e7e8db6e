"""Microsoft's own Python worker library accepts every function of the app (it exists from Python 3.13 on)."""

from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request

import function_app

functions = pytest.importorskip("azure_functions_runtime.functions", reason="azure-functions-runtime needs Python 3.13")

# The worker's protocol is made of protobuf classes; what is asked of them while indexing are these names.
PROTOS = SimpleNamespace(BindingInfo=SimpleNamespace(undefined=0, out=1, inout=2))


@pytest.fixture(scope="module")
def accepted() -> dict[str, Any]:
    pytest.importorskip("azure_functions_runtime.bindings.meta").load_binding_registry()
    registry = functions.Registry()
    indexed = function_app.app.get_functions()
    return {info.name: info for info in (registry.add_indexed_function(each, PROTOS) for each in indexed)}


def test_it_hands_http_over_to_the_apps_web_extension(accepted: dict[str, Any]) -> None:
    """HTTP functions are recognised by Starlette's request and stream through our server."""
    http_v2 = pytest.importorskip("azure_functions_runtime.http_v2")

    http = {name: info.input_types["req"].pytype for name, info in accepted.items() if info.is_http_func}

    assert http_v2.HttpV2Registry.http_v2_enabled()
    assert http == dict.fromkeys(("generate", "status", "download", "unmatched"), Request)


def test_it_takes_the_story_and_its_activities(accepted: dict[str, Any]) -> None:
    """Activities run on the worker's event loop; the orchestrator is a plain function, as the SDK makes it."""
    durable = {name: info.is_async for name, info in accepted.items() if not info.is_http_func}

    assert durable == {
        "generate_video": False,
        "submit_render": True,
        "check_render": True,
        "fetch_render": True,
        "verify_video": True,
    }
