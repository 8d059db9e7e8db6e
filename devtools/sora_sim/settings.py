"""What a simulator can be told when it starts."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path


@dataclass(frozen=True)
class SimulatorSettings:
    """Checked when built: a value that makes no sense raises ValueError with a sentence for the operator."""

    state: Path
    """Folder for the job list and the videos; created when missing."""
    render_seconds: float = 6
    """A render takes at least this long, and as much longer as encoding really needs."""
    max_running: int = 2
    """Jobs beyond this number stay `queued`."""
    max_jobs: int | None = None
    """Creating a job while this many are unfinished is refused with 429; None refuses nobody."""
    allowed_sizes: frozenset[str] | None = None
    """For example {"1280x720"}; None accepts any even size."""
    allowed_seconds: frozenset[int] | None = None
    """For example {4, 8, 12}; None accepts any length up to ten minutes."""
    retention: timedelta = timedelta(hours=24)
    """How long after its creation a job's video can be fetched (measured on Azure's Sora 2: 24 hours)."""
    now: Callable[[], float] = time.time
    """The service's clock, in seconds since 1970: for what it says of jobs and calls, not for how long renders take."""

    def __post_init__(self) -> None:
        if not 0 <= self.render_seconds <= 86_400:
            raise ValueError(f"render seconds must be between 0 and 86400, not {self.render_seconds:g}")
        if self.max_running < 1:
            raise ValueError(f"max running must be at least 1, not {self.max_running}")
        if self.max_jobs is not None and self.max_jobs < 1:
            raise ValueError(f"max jobs must be at least 1, not {self.max_jobs}")

    @property
    def videos(self) -> Path:
        """Where finished videos are kept."""
        return self.state / "videos"
