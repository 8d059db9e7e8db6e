"""Files that are no app are refused by Microsoft's worker library and by the local host."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from devtools.host.app_loader import load_app
from devtools.host.indexing import index

loader = pytest.importorskip("azure_functions_runtime.loader", reason="azure-functions-runtime needs Python 3.13")

APP = "import azure.functions as func\napp = func.FunctionApp()\n"
FUNCTION = (
    "@app.timer_trigger(arg_name='timer', schedule='0 0 * * * *')\ndef sweep(timer: func.TimerRequest) -> None: ...\n"
)

WRONG = {
    "two apps": f"{APP}other = func.FunctionApp()\n",
    "two names of one app": f"{APP}{FUNCTION}application = app\n",
    "no app": "import azure.functions as func\n",
    "an app in a function": "import azure.functions as func\ndef make():\n    return func.FunctionApp()\n",
    "an unknown module": f"import nowhere_at_all\n{APP}",
    "a syntax error": f"{APP}def\n",
    "an error while it runs": f"{APP}{FUNCTION}raise RuntimeError('sorry')\n",
    "two functions of one name": f"{APP}{FUNCTION}{FUNCTION}",
}


@pytest.fixture
def app_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the app is read from, in place of the project's own."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "function_app", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return tmp_path / "function_app.py"


def refuses(load: Callable[[], object]) -> bool:
    """Whether loading ends in an error of any kind."""
    try:
        load()
    except Exception:  # noqa: BLE001 - any of them ends the start of the worker or of the host
        return True
    finally:
        sys.modules.pop("function_app", None)
    return False


def by_the_library(file: Path) -> bool:
    """Whether the worker library refuses the app in a file."""
    return refuses(lambda: loader.index_function_app(str(file)))


def here(file: Path) -> bool:
    """Whether the local host refuses it."""
    return refuses(lambda: index(load_app(file.parent)))


@pytest.mark.parametrize("source", WRONG.values(), ids=WRONG)
def test_file_that_is_no_app_is_refused_by_both(app_file: Path, source: str) -> None:
    """A mistake is seen before the app is deployed."""
    app_file.write_text(source, encoding="utf-8")

    assert by_the_library(app_file)
    assert here(app_file)


def test_app_with_one_function_is_taken_by_both(app_file: Path) -> None:
    """So neither refuses everything."""
    app_file.write_text(APP + FUNCTION, encoding="utf-8")

    assert not by_the_library(app_file)
    assert not here(app_file)
