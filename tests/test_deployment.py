"""What reaches Azure: exactly the app, with exactly the libraries that it imports."""

import re
import sys
from importlib.metadata import packages_distributions
from typing import Final

import pytest

from devtools.package import ignored, packaged
from shared.api.docs import FILES, PAGE
from tests.support.source_tree import ROOMS, ROOT, imports, modules

LOCK_FILES: Final = ("requirements.txt", "requirements-dev.txt", "requirements-node.txt")


def requirements(lock_file: str) -> dict[str, str]:
    """Return the pinned versions of a lock file."""
    text = (ROOT / lock_file).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", text, re.MULTILINE))


def test_deployed_files_are_the_app_and_nothing_else() -> None:
    """Functions, what they import, what the host reads, what Azure installs; no tests, tools, caches or settings."""
    needed = {module.relative_to(ROOT).as_posix() for module in modules(*ROOMS)}
    page = {f"shared/api/{folder}/{name}" for name, (folder, _) in FILES.items()} | {f"shared/api/{PAGE}"}

    assert set(packaged(ROOT)) == needed | page | {"host.json", "requirements.txt"}


@pytest.mark.parametrize(
    "path",
    [
        "local.settings.json",
        ".local/",
        ".venv/",
        ".git/",
        ".ruff_cache/",
        ".mypy_cache/",
        ".pytest_cache/",
        ".hypothesis/",
        ".coverage",
        "node_modules/",
        "out/",
        "shared/__pycache__/",
    ],
)
def test_what_appears_while_developing_stays_here(path: str) -> None:
    """Secrets and everything that tools leave behind are left out, whether they are there now or not."""
    assert ignored(ROOT).match_file(path)


@pytest.mark.parametrize("lock_file", LOCK_FILES)
def test_every_requirement_is_pinned_and_hashed(lock_file: str) -> None:
    """An installation next year gets the same bytes as one today."""
    text = (ROOT / lock_file).read_text(encoding="utf-8")
    entries = [entry for entry in re.split(r"\n(?=[^\s#])", text) if not entry.startswith("#")]

    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9][a-z0-9._-]*==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("lock_file", [*LOCK_FILES, "requirements.in", "requirements-dev.in", "requirements-node.in"])
def test_no_registry_is_named(lock_file: str) -> None:
    """Where packages come from is the installer's own setting, here and on Azure."""
    text = (ROOT / lock_file).read_text(encoding="utf-8")

    assert re.findall(r"https?://|--index-url|--extra-index-url|--find-links|--trusted-host|^-i |^-f ", text) == []


def test_npm_lock_names_no_registry() -> None:
    """The storage emulator's lock file holds versions and hashes only."""
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text(encoding="utf-8")


def test_tools_use_the_same_versions_as_the_app() -> None:
    """What is tested is what is deployed."""
    tools = requirements("requirements-dev.txt")

    assert {name: tools.get(name) for name in requirements("requirements.txt")} == requirements("requirements.txt")


def test_every_library_that_the_app_imports_is_installed_on_azure() -> None:
    """A library that only the tools bring would be missing after deployment."""
    pinned = set(requirements("requirements.txt"))
    distributions = packages_distributions()
    own = {"shared", "activities", "orchestrators"}
    imported = {name.partition(".")[0] for module in modules(*ROOMS) for name in imports(module.read_text("utf-8"))}

    libraries = imported - set(sys.stdlib_module_names) - own

    assert libraries
    missing = {
        library
        for library in libraries
        if pinned.isdisjoint(re.sub(r"[-_.]+", "-", name).lower() for name in distributions.get(library, []))
    }
    assert missing == set()
