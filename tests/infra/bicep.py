"""The templates under infra/ as data: parsed by checkov's parser, and as text where that forgets what it has read.

The parser does not tell the string 'a' from the symbol a, so symbols are looked for in the text without its strings.
"""

import functools
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from devtools.environment_iac import iac_environment
from tests.support.source_tree import ROOT

INFRA: Final = ROOT / "infra"
MAIN: Final = INFRA / "main.bicep"

_WORDS: Final = frozenset(
    [
        "targetScope",
        "param",
        "var",
        "resource",
        "module",
        "output",
        "existing",
        "if",
        "for",
        "in",
        "true",
        "false",
        "null",
        "string",
        "int",
        "bool",
        "object",
        "array",
    ]
)
_FUNCTIONS: Final = frozenset(
    [
        "concat",
        "empty",
        "guid",
        "last",
        "max",
        "replace",
        "resourceGroup",
        "split",
        "startsWith",
        "string",
        "subscription",
        "subscriptionResourceId",
        "tenant",
        "toLower",
        "union",
        "uniqueString",
        "allowed",
        "description",
        "metadata",
        "minLength",
        "maxLength",
        "minValue",
        "maxValue",
        "secure",
    ]
)


@dataclass(frozen=True)
class Template:
    """One Bicep file."""

    path: Path
    parsed: dict[str, Any]

    @property
    def text(self) -> str:
        """The file as it is."""
        return self.path.read_text(encoding="utf-8")

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        """Parameters by name."""
        return dict(self.parsed.get("parameters", {}))

    @property
    def modules(self) -> dict[str, dict[str, Any]]:
        """Modules by symbol, with the parameters that they are given."""
        return {symbol: _unconditional(module) for symbol, module in self.parsed.get("modules", {}).items()}

    @property
    def required(self) -> set[str]:
        """Parameters that must be given."""
        return {name for name, parameter in self.parameters.items() if parameter["default"] is None}

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        """Resources by symbol, as they are declared."""
        return dict(self.parsed.get("resources", {}))

    @property
    def outputs(self) -> set[str]:
        """Names of outputs."""
        return set(self.parsed.get("outputs", {}))

    @property
    def declared(self) -> list[str]:
        """Every symbol that the file declares, but for those of loops."""
        pattern = r"^(?:param|var|resource|module) (\w+)\b"
        return re.findall(pattern, self.text, re.MULTILINE)

    @property
    def referenced(self) -> set[str]:
        """Every symbol that the file uses somewhere."""
        code = without_strings(self.text)
        loops = set(re.findall(r"\[for (\w+) in ", code))
        code = re.sub(r"\[for \w+ in (\w+): ", r"[\1 ", code)
        code = re.sub(r"^(param|var|resource|module|output) \w+( \w+)?", "", code, flags=re.MULTILINE)
        names = re.findall(r"(?<![.\w])([A-Za-z_]\w*)\b(?!: |\()", code)
        return set(names) - _WORDS - loops

    @property
    def unknown_functions(self) -> set[str]:
        """Functions and decorators that no other template here uses yet: one may be misspelt."""
        called = set(re.findall(r"(?<![.\w])([A-Za-z_]\w*)\(", without_strings(self.text)))
        return called - _FUNCTIONS - {"if"}

    def variable(self, name: str) -> Any:
        """The value of a variable."""
        return self.parsed["variables"][name]["value"]


def without_strings(text: str) -> str:
    """Bicep without comments and without strings, but with what stands in `${...}` of strings."""
    kept = []
    for line in text.splitlines():
        pieces = re.split(r"('(?:\\.|[^'\\])*')", line)
        for number, piece in enumerate(pieces):
            if number % 2:
                kept.append(" ".join(f"({inner})" for inner in re.findall(r"\$\{([^}]*)\}", piece)) or "''")
            else:
                before, comment, _ = piece.partition("//")
                kept.append(before)
                if comment:
                    break
        kept.append("\n")
    return "".join(kept)


def keys(value: Any) -> Iterator[str]:
    """The keys of an object, also where a condition chooses between objects."""
    if isinstance(value, dict) and "operator" in value:
        operands = value["operator"]["operands"]
        yield from keys(operands["true_value"])
        yield from keys(operands["false_value"])
    elif isinstance(value, dict):
        yield from (str(key).strip("'") for key in value)


@functools.cache
def templates() -> dict[str, Template]:
    """Every template, by its path below infra/."""
    paths = sorted(INFRA.rglob("*.bicep"))
    script = Path(__file__).with_name("parse_bicep.py")
    command = [iac_environment(), script, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    parsed = json.loads(done.stdout)
    return {path.relative_to(INFRA).as_posix(): Template(path, parsed[str(path)]) for path in paths}


def main_template() -> Template:
    """What azd deploys."""
    return templates()["main.bicep"]


def called(module: dict[str, Any], caller: Template) -> Template:
    """The template that a module stands for."""
    path = (caller.path.parent / module["detail"]["path"]).resolve()
    return templates()[path.relative_to(INFRA).as_posix()]


def _unconditional(declaration: dict[str, Any]) -> dict[str, Any]:
    config = declaration["config"]
    while "config" in config:
        config = config["config"]
    return {**declaration, "config": config}
