"""The repository as data: where it is, which modules it has, and what each of them imports."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

ROOMS: Final = ("function_app.py", "orchestrators", "activities", "shared")
"""What is deployed."""

OTHERS: Final = ("devtools", "tests", "benchmarks")
"""What is not."""


def modules(*tops: str) -> list[Path]:
    """Return all modules below these files and folders of the repository, sorted."""
    found: list[Path] = []
    for top in tops:
        path = ROOT / top
        found += [path] if path.is_file() else path.rglob("*.py")
    return sorted(found)


def dotted(module: Path) -> str:
    """Return the name that a module is imported by."""
    parts = module.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(source: str) -> Iterator[str]:
    """Yield what a module imports, wherever in it: `a.b` for `import a.b` and for `from a import b`.

    Relative imports keep their leading dots.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def within(name: str, package: str) -> bool:
    """Say whether a dotted name is a package or something in it."""
    return name == package or name.startswith(f"{package}.")
