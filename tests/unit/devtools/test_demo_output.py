"""What the demo prints."""

import io
from pathlib import Path

import av
import pytest
from rich.console import Console

from devtools.demo import describe, probe
from devtools.demo_client import JobFailedError, Snapshot
from devtools.demo_progress import LiveProgress, PlainProgress, progress_on

SNAPSHOTS = [
    Snapshot("queued", None),
    Snapshot("processing", 3),
    Snapshot("processing", 4),
    Snapshot("processing", 60),
    Snapshot("completed", 100, "/v"),
]


def test_without_a_terminal_each_change_is_a_line() -> None:
    """A log is not flooded by a bar."""
    console = Console(file=io.StringIO(), width=80)

    with progress_on(console) as progress:
        for snapshot in SNAPSHOTS:
            progress.show(snapshot)

    assert isinstance(progress, PlainProgress)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines() == ["queued ...", "processing 0 %", "processing 50 %", "completed ..."]


def test_on_a_terminal_a_bar_shows_stage_and_percent() -> None:
    """The last picture stays on the screen."""
    console = Console(file=io.StringIO(), width=80, force_terminal=True)

    with progress_on(console) as progress:
        for snapshot in SNAPSHOTS:
            progress.show(snapshot)

    assert isinstance(progress, LiveProgress)
    assert isinstance(console.file, io.StringIO)
    assert "completed" in console.file.getvalue()
    assert "100%" in console.file.getvalue()


def test_a_real_video_is_described_in_a_line(tmp_path: Path) -> None:
    """Path, size, resolution and duration."""
    path = tmp_path / "video.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 320, 256, "yuv420p"
        for _ in range(24):
            container.mux(stream.encode(av.VideoFrame(320, 256, "yuv420p")))
        container.mux(stream.encode(None))

    line = describe(path, probe(path))

    megabytes = f"{path.stat().st_size / 1_000_000:.2f}"
    assert line == f"{path}  {megabytes} MB  320x256  1.0 s"


@pytest.mark.parametrize("content", [b"", b"<html>no video</html>"])
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes) -> None:
    """The demo never praises a file that does not play."""
    path = tmp_path / "video.mp4"
    path.write_bytes(content)

    with pytest.raises(JobFailedError, match="is not a playable video"):
        probe(path)
