"""Names that cross the host: registered once each, and found in the file and function of the same name."""

import ast
import importlib
import json
import os
import subprocess
import sys
from collections import Counter
from typing import Any, Final

import pytest

from shared import names
from tests.support.source_tree import ROOT

INDEX: Final = """
import json
import function_app
print(json.dumps([
    {"function": each.get_function_name(), "bindings": [json.loads(text) for text in each.get_raw_bindings()]}
    for each in function_app.app.get_functions()
]))
"""
"""Indexes the app as a worker does; in a process of its own, because the SDK lets an app be indexed once."""


@pytest.fixture(scope="module")
def indexed() -> list[dict[str, Any]]:
    """Every function of the app with its bindings."""
    environment = {name: value for name, value in os.environ.items() if name != "JOB_ROUTES_AUTH_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-c", INDEX], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    functions: list[dict[str, Any]] = json.loads(done.stdout)
    return functions


def durable_names(indexed: list[dict[str, Any]], kind: str) -> list[str]:
    return [binding[kind] for each in indexed for binding in each["bindings"] if binding["type"] == f"{kind}Trigger"]


EVERY_NAME: Final = (*names.ORCHESTRATORS, *names.ACTIVITIES, *names.EVENTS)


def test_every_name_is_in_exactly_one_list() -> None:
    """A name is an orchestrator's, an activity's or an event's."""
    constants = [value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)]

    assert sorted(constants) == sorted(EVERY_NAME)


def test_every_name_is_there_once_whatever_its_case() -> None:
    """The durable host compares names of events without their case; and a name in a log must mean one thing."""
    times = Counter(name.lower() for name in EVERY_NAME)

    assert [name for name, count in times.items() if count > 1] == []


def test_every_name_is_registered_once(indexed: list[dict[str, Any]]) -> None:
    """The host knows each orchestrator and activity under its name, and no others."""
    assert sorted(durable_names(indexed, "orchestration")) == sorted(names.ORCHESTRATORS)
    assert sorted(durable_names(indexed, "activity")) == sorted(names.ACTIVITIES)


def test_no_two_names_differ_by_case_only(indexed: list[dict[str, Any]]) -> None:
    """The durable host finds functions whatever the case of their name, so two such names would be one."""
    functions = Counter(each["function"].lower() for each in indexed)
    durable = Counter(
        name.lower() for name in durable_names(indexed, "orchestration") + durable_names(indexed, "activity")
    )

    assert [name for name, times in functions.items() if times > 1] == []
    assert [name for name, times in durable.items() if times > 1] == []


def test_registered_function_carries_its_durable_name(indexed: list[dict[str, Any]]) -> None:
    """The function's name in logs and the name in durable history are the same word."""
    for each in indexed:
        for binding in each["bindings"]:
            durable = binding.get("orchestration") or binding.get("activity")
            assert durable in (None, each["function"])


@pytest.mark.parametrize(
    ("room", "name"),
    [("orchestrators", name) for name in names.ORCHESTRATORS] + [("activities", name) for name in names.ACTIVITIES],
)
def test_name_is_the_file_and_the_function(room: str, name: str) -> None:
    """Who reads a name in a log finds its code without searching."""
    body = getattr(importlib.import_module(f"{room}.{name}"), name)

    assert body.__module__ == f"{room}.{name}"
    assert body.__doc__


def test_every_activity_file_is_registered() -> None:
    """An activity that is not in the list would never run."""
    files = {path.stem for path in (ROOT / "activities").glob("*.py")} - {"__init__", "boundary"}

    assert files == set(names.ACTIVITIES)


def test_http_functions_are_the_contracts_routes(indexed: list[dict[str, Any]]) -> None:
    """Each route is one function; those of jobs ask for a key unless told otherwise, the rest is for everybody."""
    routes = {
        each["function"]: (binding["route"], binding.get("methods"), binding["authLevel"])
        for each in indexed
        for binding in each["bindings"]
        if binding["type"] == "httpTrigger"
    }

    assert routes == {
        "generate": ("api/generate", ["POST"], "FUNCTION"),
        "status": ("api/status/{job_id}", ["GET", "HEAD"], "FUNCTION"),
        "job": ("api/jobs/{job_id}", ["GET", "HEAD"], "FUNCTION"),
        "cancel": ("api/jobs/{job_id}", ["DELETE"], "FUNCTION"),
        "download": ("api/download/{file_id}", ["GET", "HEAD"], "FUNCTION"),
        "health": ("api/health", ["GET", "HEAD"], "ANONYMOUS"),
        "ready": ("api/ready", ["GET", "HEAD"], "ANONYMOUS"),
        "openapi": ("openapi.json", ["GET", "HEAD"], "ANONYMOUS"),
        "docs": ("api/docs", ["GET", "HEAD"], "ANONYMOUS"),
        "docs_file": ("api/docs/{file}", ["GET", "HEAD"], "ANONYMOUS"),
        "unmatched": ("{*path}", None, "ANONYMOUS"),
    }
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
    assert host["extensions"]["http"]["routePrefix"] == ""


def test_the_sweep_is_the_only_function_on_a_timer(indexed: list[dict[str, Any]]) -> None:
    """Once a minute; what it does is the same whenever it runs, so a run that was missed is not made up for."""
    timers = {
        each["function"]: (binding["schedule"], binding["runOnStartup"], binding["useMonitor"])
        for each in indexed
        for binding in each["bindings"]
        if binding["type"] == "timerTrigger"
    }

    assert timers == {"sweep": ("0 * * * * *", False, False)}


def test_every_function_is_triggered_by_what_is_listed_here(indexed: list[dict[str, Any]]) -> None:
    """No other kind of trigger has come in unnoticed."""
    triggers = {
        binding["type"] for each in indexed for binding in each["bindings"] if binding["type"].endswith("Trigger")
    }

    assert triggers == {"httpTrigger", "orchestrationTrigger", "activityTrigger", "timerTrigger"}


def test_no_name_is_written_twice() -> None:
    """Outside `names.py`, the app uses the constants: a name in two places can differ."""
    literals = {
        node.value
        for room in ("orchestrators", "activities", "shared")
        for path in (ROOT / room).rglob("*.py")
        if path.name != "names.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }

    assert literals & set(EVERY_NAME) == set()
