"""What the simulator asks of whatever makes its videos, and the cheapest thing that can do it."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from devtools.sora_sim.jobs import NewVideo


class RenderError(Exception):
    """This one video could not be made."""


class Renderer(Protocol):
    """Makes videos, one call each; calls may overlap. Cancelling a call abandons its video."""

    async def render(self, order: NewVideo, path: Path, report: Callable[[float], None]) -> None:
        """Make `path`, all of it or nothing, telling `report` the share done (0 to 1). Raises RenderError."""

    async def close(self) -> None:
        """Let go of everything; afterwards nothing is running."""


class PlaceholderRenderer:
    """Writes a few bytes that are no video, at once: for tests of everything but the picture."""

    def __init__(self, content: bytes = b"a placeholder, not a video") -> None:
        self._content = content
        self.orders: list[NewVideo] = []

    async def render(self, order: NewVideo, path: Path, report: Callable[[float], None]) -> None:
        """Note the order and write the bytes."""
        self.orders.append(order)
        _write(path, self._content)
        report(1.0)

    async def close(self) -> None:
        """Nothing is held."""


class CopyRenderer(PlaceholderRenderer):
    """Delivers copies of one prepared film, at once: for tests that need real films, many of them.

    Every job gets the same one, so it has to be ordered in the size and length that it has.
    """

    def __init__(self, film: Path) -> None:
        super().__init__(film.read_bytes())


def _write(path: Path, content: bytes) -> None:
    """All or nothing, and not in a thread, which would go on writing after its render was cancelled."""
    part = path.with_name(f".{path.stem}.whole.part")
    part.write_bytes(content)
    part.replace(path)
