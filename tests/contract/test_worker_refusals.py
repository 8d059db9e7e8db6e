"""Functions that cannot work are refused by Microsoft's worker library and by the local host, with the same meaning."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

import shared.api.web_extension  # noqa: F401 - HTTP functions are checked against its requests and responses
from devtools.host.indexing import AppRefusedError, index
from tests.support.worker_library_messages import PROTOS

loader = pytest.importorskip("azure_functions_runtime.loader", reason="azure-functions-runtime needs Python 3.13")
functions = pytest.importorskip("azure_functions_runtime.functions")

Client = df.DurableOrchestrationClient

UNBOUND = "the following parameters are declared in Python but not in the function definition"
MISSING = "the following parameters are declared as bindings but are not present in Python"
NOT_A_TYPE = "has invalid non-type annotation"
NOT_A_RETURN_TYPE = "has invalid non-type return annotation"
WRONG_CONTEXT = 'the "context" parameter is expected to be of type azure.functions.Context'
WRONG_DIRECTION = 'is declared to have the "in" direction'
UNKNOWN_NAME = "name 'Nowhere' is not defined"


# mypy: disable-error-code="empty-body, type-arg, name-defined, no-untyped-def"
# What is wrong with these signatures is the subject; their bodies do not matter.


async def http_with_a_parameter_of_nobody(req: Request, other: int) -> Response: ...
async def http_with_a_default(req: Request, other: int = 1) -> Response: ...
async def http_with_keywords(req: Request, **other: int) -> Response: ...
async def http_without_request() -> Response: ...
async def http_with_request_of_another_name(request: Request) -> Response: ...
async def http_with_optional_request(req: Request | None) -> Response: ...
async def http_with_plain_request(req: func.HttpRequest) -> Response: ...
async def http_with_any_request(req: Any) -> Response: ...
async def http_with_plain_response(req: Request) -> func.HttpResponse: ...
async def http_with_both_plain(req: func.HttpRequest) -> func.HttpResponse: ...
async def http_with_text(req: Request) -> str: ...
async def http_with_dict(req: Request) -> dict: ...
async def http_with_nothing(req: Request) -> None: ...
async def http_with_optional_response(req: Request) -> Response | None: ...
async def http_with_out(req: func.Out[str]) -> Response: ...
async def http_with_unknown_type(req: Request, other: "Nowhere") -> Response: ...  # noqa: F821 - the subject
async def http_with_unknown_result(req: Request) -> "Nowhere": ...  # noqa: F821 - as above
async def http_with_wrong_context(req: Request, context: dict) -> Response: ...


async def starter_without_client(req: Request) -> Response: ...
async def starter_with_client_of_another_name(req: Request, durable: Client) -> Response: ...


def activity_with_union(value: dict | None) -> dict: ...
def activity_with_generic(value: list[dict]) -> dict: ...
def activity_with_second_input(value: dict, other: dict) -> dict: ...
def activity_without_input() -> dict: ...
def activity_with_unknown_type(value: "Nowhere") -> dict: ...  # noqa: F821 - as above
def activity_with_out(value: func.Out[str]) -> dict: ...


def story_with_context_of_another_name(ctx): ...  # noqa: ANN001, ANN201 - as the SDK's examples have it


HTTP = {
    http_with_a_parameter_of_nobody: UNBOUND,
    http_with_a_default: UNBOUND,
    http_with_keywords: UNBOUND,
    http_without_request: MISSING,
    http_with_request_of_another_name: UNBOUND,
    http_with_optional_request: NOT_A_TYPE,
    http_with_plain_request: "HttpRequest",
    http_with_any_request: "Any",
    http_with_plain_response: 'return annotation "HttpResponse" does not match binding type "http"',
    http_with_both_plain: "HttpRequest",
    http_with_text: 'return annotation "str" does not match binding type "http"',
    http_with_dict: 'return annotation "dict" does not match binding type "http"',
    http_with_nothing: 'return annotation "NoneType" does not match binding type "http"',
    http_with_optional_response: NOT_A_RETURN_TYPE,
    http_with_out: WRONG_DIRECTION,
    http_with_unknown_type: UNKNOWN_NAME,
    http_with_unknown_result: UNKNOWN_NAME,
    http_with_wrong_context: WRONG_CONTEXT,
}
STARTERS = {starter_without_client: MISSING, starter_with_client_of_another_name: UNBOUND}
ACTIVITIES = {
    activity_with_union: NOT_A_TYPE,
    activity_with_generic: NOT_A_TYPE,
    activity_with_second_input: UNBOUND,
    activity_without_input: MISSING,
    activity_with_unknown_type: UNKNOWN_NAME,
    activity_with_out: WRONG_DIRECTION,
}
STORIES = {story_with_context_of_another_name: WRONG_CONTEXT}

Register = Callable[[df.DFApp, Callable[..., Any]], object]


def as_http(app: df.DFApp, function: Callable[..., Any]) -> None:
    app.route(route="x")(function)


def as_starter(app: df.DFApp, function: Callable[..., Any]) -> None:
    app.route(route="x")(app.durable_client_input(client_name="client")(function))


def as_activity(app: df.DFApp, function: Callable[..., Any]) -> None:
    app.activity_trigger(input_name="value")(function)


def as_story(app: df.DFApp, function: Callable[..., Any]) -> None:
    app.orchestration_trigger(context_name="ctx")(function)


WRONG = [
    pytest.param(register, function, meaning, id=function.__name__)
    for register, table in ((as_http, HTTP), (as_starter, STARTERS), (as_activity, ACTIVITIES), (as_story, STORIES))
    for function, meaning in table.items()
]


@pytest.fixture(autouse=True)
def quiet_sdk() -> Iterator[None]:
    """The SDK warns that an authorisation level says nothing about functions without HTTP."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def app_of(register: Register, function: Callable[..., Any]) -> df.DFApp:
    app = df.DFApp()
    register(app, function)
    return app


def refused_by_the_library(app: df.DFApp) -> str | None:
    """What the worker library says while it indexes the app, None where it takes it."""
    pytest.importorskip("azure_functions_runtime.bindings.meta").load_binding_registry()
    try:
        loader.process_indexed_function(PROTOS, functions.Registry(), app.get_functions(), "/app")
    except Exception as error:  # noqa: BLE001 - any of them ends the worker's start
        return str(error)
    return None


def refused_here(app: df.DFApp) -> str | None:
    """What the local host says, None where it takes the app."""
    try:
        index(app)
    except AppRefusedError as error:
        return str(error)
    return None


@pytest.mark.parametrize(("register", "function", "meaning"), WRONG)
def test_wrong_function_is_refused_by_both(register: Register, function: Callable[..., Any], meaning: str) -> None:
    """And a developer reads the same reason on this machine as on Azure."""
    by_the_library = refused_by_the_library(app_of(register, function))
    here = refused_here(app_of(register, function))

    assert by_the_library is not None
    assert here is not None
    assert meaning in by_the_library
    assert meaning in here
    assert f"cannot load the {function.__name__} function: " in here


async def http_bare(req): ...  # noqa: ANN001, ANN201 - annotations may be missing
async def http_with_context(req: Request, context: func.Context) -> Response: ...
async def http_with_special_response(req: Request) -> StreamingResponse: ...
async def starter(req: Request, client: Client) -> Response: ...
async def starter_with_text(req: Request, client: str) -> Response: ...
def activity_with_dict(value: dict) -> dict: ...


@pytest.mark.parametrize(
    ("register", "function"),
    [
        pytest.param(register, function, id=function.__name__)
        for register, function in (
            (as_http, http_bare),
            (as_http, http_with_context),
            (as_http, http_with_special_response),
            (as_starter, starter),
            (as_starter, starter_with_text),
            (as_activity, activity_with_dict),
        )
    ],
)
def test_function_that_can_work_is_taken_by_both(register: Register, function: Callable[..., Any]) -> None:
    """So neither refuses everything."""
    assert refused_by_the_library(app_of(register, function)) is None
    assert refused_here(app_of(register, function)) is None


async def http_with_text_request(req: str) -> Response: ...


def test_function_that_no_request_would_reach_is_refused_here() -> None:
    """The library takes a request that is annotated as text, and then never brings one to the function."""
    by_the_library = refused_by_the_library(app_of(as_http, http_with_text_request))
    here = refused_here(app_of(as_http, http_with_text_request))

    assert by_the_library is None
    assert here is not None
    assert 'does not match its Python annotation "str"' in here
