"""What is packed of a folder, and the bytes that come of it."""

import argparse
import os
from pathlib import Path
from zipfile import ZipFile

import pytest

from devtools import package
from tests.support.source_tree import ROOT

APP = {
    "function_app.py": "app = 1",
    "host.json": "{}",
    "shared/__init__.py": "",
    "shared/api/page/index.html": "<p>",
}
LEFT_BEHIND = (
    "local.settings.json",
    ".local/jobs.sqlite",
    ".venv/3.13/bin/python",
    ".git/config",
    "node_modules/a/index.js",
    "out/app.zip",
    "shared/__pycache__/a.pyc",
    "shared/api/b.pyc",
    "tests/test_a.py",
    "docs/settings.md",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout in which somebody has worked, with this repository's `.funcignore`."""
    folder = tmp_path / "checkout"
    contents = {**APP, **dict.fromkeys(LEFT_BEHIND, "AccountKey=a-secret")}
    contents[package.IGNORE_FILE] = (ROOT / package.IGNORE_FILE).read_text(encoding="utf-8")
    for name, text in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_app_is_packed_and_nothing_that_lies_beside_it(root: Path, tmp_path: Path) -> None:
    """No settings, no state, no caches, no tools; so no secret, either."""
    output = tmp_path / "new" / "app.zip"

    count = package.write(root, output)

    with ZipFile(output) as packed:
        assert {name: packed.read(name).decode() for name in packed.namelist()} == APP
    assert count == len(APP)


def test_same_files_make_the_same_bytes(root: Path, tmp_path: Path) -> None:
    """Whenever they were written, whatever their permissions: what was not changed need not be deployed again."""
    package.write(root, tmp_path / "one.zip")
    for name in APP:
        os.utime(root / name, (1_700_000_000, 1_700_000_000))
        (root / name).chmod(0o600)

    package.write(root, tmp_path / "two.zip")

    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with ZipFile(tmp_path / "one.zip") as packed:
        assert {entry.external_attr >> 16 for entry in packed.infolist()} == {0o100644}


def test_earlier_package_stays_where_a_new_one_cannot_be_made(root: Path, tmp_path: Path) -> None:
    """A half-written zip is never taken for one."""
    output = tmp_path / "app.zip"
    package.write(root, output)
    before = output.read_bytes()
    (root / "shared" / "gone.py").symlink_to(root / "nowhere.py")

    with pytest.raises(FileNotFoundError):
        package.write(root, output)

    assert output.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["app.zip"]


def test_command_says_what_it_has_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file, how many are in it, and its size."""
    output = tmp_path / "app.zip"

    assert package.run(argparse.Namespace(output=output)) == 0

    with ZipFile(output) as packed:
        count = len(packed.namelist())
    assert capsys.readouterr().out == f"{output}: {count} files, {output.stat().st_size / 1024:,.0f} KiB\n"
