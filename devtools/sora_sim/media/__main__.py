"""The encoder process: reads one order a line on standard input, reports on standard output, ends with either.

`{"path", "prompt", "width", "height", "seconds"}` in; `{"share", "done"}` out, several times a second, or `{"error"}`.
"""

import json
import os
import sys
import time
from pathlib import Path

from devtools.sora_sim.media.video import render_video

REPORT_INTERVAL_SECONDS = 0.2
NICENESS = 5
"""Pictures may wait; the server that shares the machine should not."""


def main() -> None:
    """Work until standard input ends."""
    os.nice(NICENESS)
    try:
        for line in sys.stdin:
            _work(json.loads(line))
    except BrokenPipeError:  # nobody is left to render for
        os._exit(1)


def _work(order: dict[str, str | int]) -> None:
    last = time.monotonic()

    def report(share: float) -> None:
        nonlocal last
        if time.monotonic() - last >= REPORT_INTERVAL_SECONDS:
            last = time.monotonic()
            _say(share=share, done=False)

    try:
        render_video(
            Path(str(order["path"])),
            prompt=str(order["prompt"]),
            width=int(order["width"]),
            height=int(order["height"]),
            seconds=int(order["seconds"]),
            report=report,
        )
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:  # PyAV's errors are among these
        _say(error=f"{type(error).__name__}: {error}")
    else:
        _say(share=1.0, done=True)


def _say(**news: object) -> None:
    print(json.dumps(news), flush=True)


if __name__ == "__main__":
    main()
