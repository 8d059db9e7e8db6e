"""Histories of earlier versions, as the durable engine sent them, replay under today's code to the same decisions.

A job that began before a deployment goes on after it. Where one of these fails, the change would break running jobs:
make the new behaviour depend on something that only new jobs carry in their input, and freeze a new history.
"""

import importlib
import json
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from azure.durable_functions import Orchestrator

FROZEN = sorted((Path(__file__).parent.parent / "histories").glob("*.json"))


def answer(orchestrator: str, trigger: dict[str, Any]) -> dict[str, Any]:
    body = getattr(importlib.import_module(f"orchestrators.{orchestrator}"), orchestrator)
    told: dict[str, Any] = json.loads(Orchestrator.create(body)(func.OrchestrationContext(json.dumps(trigger))))
    return told


@pytest.mark.parametrize("path", FROZEN, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore:::azure")
def test_a_frozen_history_replays_to_the_same_decisions(path: Path) -> None:
    """Every execution asks for the same tasks with the same payloads, shows the same status and ends the same way."""
    frozen = json.loads(path.read_text())

    told = [answer(frozen["orchestrator"], execution["in"]) for execution in frozen["executions"]]

    assert told == [execution["out"] for execution in frozen["executions"]]


def test_there_are_frozen_histories_and_one_spans_generations() -> None:
    """An empty folder must not pass for a green test."""
    executions = [len(json.loads(path.read_text())["executions"]) for path in FROZEN]

    assert len(FROZEN) >= 8
    assert max(executions) >= 2
