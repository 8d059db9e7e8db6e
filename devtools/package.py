"""`python3 -m devtools package`: the app as a zip, ready for a deployment with remote build.

In it is what `.funcignore` leaves, and what git ignores is not asked: a file that tools left behind shows in the tests.
The same files make the same bytes, whenever and wherever they are packed by the same zlib.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pathspec import GitIgnoreSpec

from devtools.environment import ROOT

IGNORE_FILE: Final = ".funcignore"

_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""Of the times that a zip can hold; those of a checkout differ from one machine to the next."""

_READABLE: Final = 0o100644 << 16
_ON_UNIX: Final = 3


def run(arguments: argparse.Namespace) -> int:
    """Write the zip that was asked for and say how large it is; returns the exit status."""
    count = write(ROOT, arguments.output)
    print(f"{arguments.output}: {count} files, {arguments.output.stat().st_size / 1024:,.0f} KiB")
    return 0


def ignored(root: Path) -> GitIgnoreSpec:
    """Return what `.funcignore` leaves out; it reads paths below `root`, those of folders with a slash at the end."""
    return GitIgnoreSpec.from_lines((root / IGNORE_FILE).read_text(encoding="utf-8").splitlines())


def packaged(root: Path) -> list[str]:
    """Return the files that are deployed, as paths below `root`, sorted."""
    return sorted(_let_through(root, ignored(root)))


def write(root: Path, output: Path) -> int:
    """Pack the app at `root`, all of it or nothing, and return the number of files."""
    names = packaged(root)
    output.parent.mkdir(parents=True, exist_ok=True)
    unfinished = output.with_name(f"{output.name}.part")
    try:
        with ZipFile(unfinished, "w", ZIP_DEFLATED) as package:
            for name in names:
                entry = ZipInfo(name, _EARLIEST)
                entry.create_system, entry.external_attr, entry.compress_type = _ON_UNIX, _READABLE, ZIP_DEFLATED
                package.writestr(entry, (root / name).read_bytes())
        unfinished.replace(output)
    finally:
        unfinished.unlink(missing_ok=True)
    return len(names)


def _let_through(root: Path, left_out: GitIgnoreSpec) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        here = Path(folder).relative_to(root)
        folders[:] = [name for name in folders if not left_out.match_file(f"{(here / name).as_posix()}/")]
        yield from (path for name in files if not left_out.match_file(path := (here / name).as_posix()))
