"""Registers every orchestrator under its name.

The body is imported when the first episode runs, not when the host indexes the app: the models that stories use cost a
cold start about 80 ms, which a caller reading a status should not wait for (docs/decisions/0002-cold-start.md).
"""

import importlib
from typing import Any

import azure.durable_functions as df

from orchestrators.context import Story
from shared.names import ORCHESTRATORS

blueprint = df.Blueprint()


def _register(name: str) -> None:
    @blueprint.function_name(name)
    @blueprint.orchestration_trigger(context_name="context", orchestration=name)  # type: ignore[untyped-decorator]  # no types in the SDK
    def twin(context: Any) -> Story:
        body = getattr(importlib.import_module(f"orchestrators.{name}"), name)
        story: Story = body(context)
        return story


for _name in ORCHESTRATORS:
    _register(_name)
