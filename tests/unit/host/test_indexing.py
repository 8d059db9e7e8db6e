"""Apps that the real worker refuses, and those it takes."""

import sys
from collections.abc import Callable
from typing import Any, Optional

import azure.durable_functions as df
import azure.functions as func
import pytest

from devtools.host.indexing import AppRefusedError, index
from tests.unit.host import stories


def app_with_activity(function: Callable[..., Any]) -> df.DFApp:
    """An app whose only function is this activity, with the parameter `value`."""
    app = df.DFApp()
    app.activity_trigger(input_name="value")(function)
    return app


def problems(app: func.FunctionRegister) -> str:
    """Why the app is refused."""
    with pytest.raises(AppRefusedError) as refused:
        index(app)
    return str(refused.value)


def plain(value) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001  # an annotation may be missing
def a_dict(value: dict[str, Any]) -> None: ...
def bare_dict(value: dict) -> None: ...  # type: ignore[type-arg]  # what the worker accepts
def anything(value: Any) -> None: ...
def with_context(value: str, context: func.Context) -> None: ...


def optional(value: Optional[dict]) -> None: ...  # type: ignore[type-arg]  # noqa: UP045  # the old spelling is refused, too
def union(value: dict | None) -> None: ...  # type: ignore[type-arg]  # what the worker refuses
def extra(value: str, other: int = 1) -> None: ...
def missing(other: str) -> None: ...
def wrong_context(value: str, context: dict) -> None: ...  # type: ignore[type-arg]  # what the worker refuses


@pytest.mark.parametrize("function", [plain, bare_dict, anything, with_context])
def test_activity_that_the_worker_takes_is_indexed(function: Callable[..., Any]) -> None:
    """Plain classes, Any, no annotation, a context."""
    catalog = index(app_with_activity(function))

    assert list(catalog.activities) == [function.__name__]


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (optional, "binding value has invalid non-type annotation"),
        (union, "binding value has invalid non-type annotation"),
        (a_dict, "binding value has invalid non-type annotation"),
        (extra, "the following parameters are declared in Python but not in the function definition"),
        (missing, "the following parameters are declared in Python but not in the function definition"),
        (wrong_context, 'the "context" parameter is expected to be of type azure.functions.Context'),
    ],
)
def test_activity_that_the_worker_refuses_is_refused(function: Callable[..., Any], sentence: str) -> None:
    """The function is named, with the worker's sentence."""
    text = problems(app_with_activity(function))

    assert f"cannot load the {function.__name__} function: " in text
    assert sentence in text


def test_all_problems_are_told_at_once() -> None:
    """Two bad functions, two sentences."""
    app = app_with_activity(union)
    app.activity_trigger(input_name="value")(extra)

    assert problems(app).count("cannot load the") == 2


def test_orchestrator_whose_context_is_named_otherwise_is_refused() -> None:
    """The SDK's handle calls its parameter `context`."""
    app = df.DFApp()
    app.orchestration_trigger(context_name="ctx")(lambda ctx: ctx)

    assert "cannot load the" in problems(app)


def test_durable_names_that_differ_in_case_only_are_refused() -> None:
    """The engine ignores case and could not tell them apart."""
    app = df.DFApp()
    app.activity_trigger(input_name="value", activity="Store")(plain)
    app.activity_trigger(input_name="value", activity="store")(anything)

    assert "the durable name 'store' is used twice" in problems(app)


def test_two_functions_of_one_name_are_refused() -> None:
    """The SDK's own check, as a sentence of ours."""
    app = df.DFApp()
    app.activity_trigger(input_name="value")(plain)
    app.activity_trigger(input_name="value")(plain)

    assert "plain" in problems(app)


def test_http_function_that_returns_a_union_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """`HttpResponse | str` is no type to the worker."""
    monkeypatch.delitem(sys.modules, "azurefunctions.extensions.base", raising=False)
    app = func.FunctionApp()

    @app.route("x")
    def page(req: func.HttpRequest) -> func.HttpResponse | str:
        return str(req)

    assert "has invalid non-type return annotation" in problems(app)


@pytest.mark.parametrize("name", ["host", "Host", "_render", "1st", "a.b", "../keys", "a" * 129])
def test_name_that_the_host_refuses_is_refused(name: str) -> None:
    """A letter, then letters, digits, _ and -, 128 in all; `host` is the host's own, its file of keys among it."""
    app = func.FunctionApp()
    app.function_name(name)(app.timer_trigger(arg_name="value", schedule="0 * * * * *")(plain))

    assert f"{name!r} is not a valid function name" in problems(app)


@pytest.mark.parametrize("name", ["a", "Hosts", "host-1", "a_B-9", "a" * 128])
def test_name_that_the_host_takes_is_taken(name: str) -> None:
    """Case is kept."""
    app = func.FunctionApp()
    app.function_name(name)(app.timer_trigger(arg_name="value", schedule="0 * * * * *")(plain))

    assert [function.name for function in index(app).timers] == [name]


def test_trigger_that_is_not_served_is_refused() -> None:
    """Better a sentence now than silence later."""
    app = func.FunctionApp()
    app.blob_trigger(arg_name="value", path="in/{name}", connection="AzureWebJobsStorage")(plain)

    assert 'does not serve the trigger type "blobTrigger"' in problems(app)


def test_timer_functions_and_queue_functions_are_run() -> None:
    """Each kind is kept apart, and all are counted."""
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", schedule="0 */5 * * * *")
    def sweep(timer: func.TimerRequest) -> None: ...

    @app.queue_trigger(arg_name="message", queue_name="events", connection="AzureWebJobsStorage")
    def deliver(message: func.QueueMessage) -> None: ...

    catalog = index(app)

    assert [function.name for function in catalog.timers] == ["sweep"]
    assert [function.name for function in catalog.queues] == ["deliver"]
    assert len(catalog) == 2


def test_queue_output_is_refused() -> None:
    """What a function put there would be lost."""
    app = func.FunctionApp()

    @app.queue_trigger(arg_name="message", queue_name="events", connection="X")
    @app.queue_output(arg_name="out", queue_name="answers", connection="X")
    def answer(message: func.QueueMessage, out: func.Out[str]) -> None: ...

    assert 'the local host does not serve the binding type "queue"' in problems(app)


@pytest.mark.parametrize(
    ("annotation", "is_taken"), [(func.QueueMessage, True), (str, True), (bytes, True), (dict, False), (int, False)]
)
def test_parameter_for_a_message_is_annotated_as_the_worker_wants_it(annotation: type, is_taken: bool) -> None:
    """Text and bytes are let pass, though a function is given a QueueMessage all the same."""
    app = func.FunctionApp()

    def take(message: object) -> None: ...

    take.__annotations__["message"] = annotation
    app.queue_trigger(arg_name="message", queue_name="events", connection="X")(take)

    if is_taken:
        assert [function.name for function in index(app).queues] == ["take"]
    else:
        assert "type of message binding" in problems(app)


@pytest.mark.parametrize("schedule", ["", "every day", "00:05:00", "%SWEEP_SCHEDULE%", "0 60 * * * *"])
def test_timer_function_whose_schedule_cannot_be_read_is_refused(schedule: str) -> None:
    """It would never run, and nobody would notice; time spans and app settings are Azure's alone."""
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", schedule=schedule)
    def sweep(timer: func.TimerRequest) -> None: ...

    assert f"cannot load the sweep function: the schedule {schedule!r} is no NCRONTAB expression" in problems(app)


def test_empty_app_is_refused() -> None:
    """An app without functions is a mistake."""
    assert problems(func.FunctionApp()) == "the app has no functions"


def test_app_can_be_indexed_twice() -> None:
    """Tests share one app object."""
    assert len(index(stories.app)) == len(index(stories.app)) > 0
