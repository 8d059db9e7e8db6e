"""Works out what a template comes to for given parameters, as far as templates here go; Azure is asked for nothing.

What only Azure knows, such as an address, is given by its path: `storage.outputs.name`. Whatever is not given was not
made, and reading it fails, as it would in a deployment.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.infra.bicep import Template

_OPERATORS: Final[dict[str, Callable[..., Any]]] = {
    "not": lambda value: not value,
    "or": lambda one, other: one or other,
    "and": lambda one, other: one and other,
    "equals": lambda one, other: one == other,
    "greater_than": lambda one, other: one > other,
    "add": lambda one, other: one + other,
    "index_accessor": lambda items, index: items[index],
}

_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "concat": lambda *lists: [item for items in lists for item in items],
    "empty": lambda value: not value,
    "last": lambda items: items[-1],
    "max": max,
    "replace": lambda text, old, new: text.replace(old, new),
    "resource_group": lambda name, _: name,
    "split": lambda text, delimiter: text.split(delimiter),
    "starts_with": lambda text, start: text.startswith(start),
    "string": str,
    "to_lower": lambda text: text.lower(),
    "union": lambda *objects: {key: value for one in objects for key, value in one.items()},
}


class Evaluation:
    """One template with parameters, and with what Azure has made."""

    def __init__(self, template: Template, given: Mapping[str, Any], made: Mapping[str, str]) -> None:
        self.template = template
        self.given = given
        self.made = made

    def variable(self, name: str) -> Any:
        """What a variable comes to."""
        return self.value(self.template.variable(name))

    def makes(self, module: str) -> bool:
        """Whether a module is deployed."""
        condition = self.template.parsed["modules"][module]["config"].get("condition")
        return condition is None or bool(self.value(condition))

    def passes(self, module: str, parameter: str) -> Any:
        """What a module is given."""
        return self.value(self.template.modules[module]["config"]["params"][parameter])

    def value(self, expression: Any) -> Any:
        """What an expression comes to."""
        if isinstance(expression, str):
            return self._text(expression)
        if isinstance(expression, list):
            return [self.value(item) for item in expression]
        if not isinstance(expression, dict):
            return expression
        if "operator" in expression:
            return self._operator(expression["operator"]["type"], list(expression["operator"]["operands"].values()))
        if "function" in expression:
            called = expression["function"]
            return _FUNCTIONS[called["type"]](*map(self.value, called["parameters"].values()))
        return {str(key).strip("'"): self.value(value) for key, value in expression.items()}

    def _operator(self, kind: str, operands: list[Any]) -> Any:
        if kind == "conditional":
            condition, positive, negative = operands
            return self.value(positive if self.value(condition) else negative)
        if kind == "property_accessor":
            return self.made[_path(operands)]
        return _OPERATORS[kind](*map(self.value, operands))

    def _text(self, text: str) -> Any:
        if text in self.template.parameters:
            return self.given.get(text, self.template.parameters[text]["default"])
        if text in self.template.parsed.get("variables", {}):
            return self.variable(text)
        return re.sub(r"\$\{([^}]+)\}", lambda found: self._interpolated(found[1]), text)

    def _interpolated(self, path: str) -> str:
        path = path.replace("!", "")
        return str(self.made[path] if "." in path else self._text(path))


def _path(operands: list[Any]) -> str:
    first, second = operands
    rest = _path(list(second["operator"]["operands"].values())) if isinstance(second, dict) else second
    return f"{first}.{rest}"
