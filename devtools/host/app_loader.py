"""Imports an app's `function_app.py`, unmodified, and finds the one app object in it."""

import importlib
import sys
import traceback
from pathlib import Path

import azure.functions as func

from devtools.host.indexing import AppRefusedError

_MODULE = "function_app"


def load_app(folder: Path) -> func.FunctionRegister:
    """The app in that folder. Raises AppRefusedError."""
    if not (folder / f"{_MODULE}.py").is_file():
        raise AppRefusedError([f"There is no {_MODULE}.py in {folder}."])
    # The worker puts the app's folder first on the import path, too.
    sys.path.insert(0, str(folder))
    try:
        module = importlib.import_module(_MODULE)
    except Exception as error:  # importing runs the app's own code, which may raise what it likes
        raise AppRefusedError([f"{_MODULE}.py cannot be imported:\n{traceback.format_exc()}"]) from error
    # Two names of one app are refused, too: so does the worker.
    apps = [value for value in vars(module).values() if isinstance(value, func.FunctionRegister)]
    if len(apps) != 1:
        raise AppRefusedError([f"{_MODULE}.py must have exactly one FunctionApp at its top level, not {len(apps)}."])
    return apps[0]
