"""`python -m devtools.sora_sim --port P --state DIR`: the simulator as a program, until SIGTERM or Ctrl-C."""

import argparse
import logging
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from devtools.sora_sim.server import address, listen, serve
from devtools.sora_sim.settings import SimulatorSettings
from devtools.sora_sim.state_lock import StateInUseError, locked


def main() -> None:
    """Exit code 0 after a signal, 2 with one sentence when it cannot start."""
    arguments = _parser().parse_args()
    try:
        settings = SimulatorSettings(
            state=arguments.state,
            render_seconds=arguments.render_seconds,
            max_running=arguments.max_running,
            max_jobs=arguments.max_jobs,
            allowed_sizes=arguments.sizes,
            allowed_seconds=arguments.seconds,
        )
    except ValueError as error:
        sys.exit(_refusal(str(error)))
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    try:
        with locked(settings.state), closing(listen(arguments.port)) as listener:
            ready = f"Sora simulator ready on {address(listener)}"
            serve(settings, listener, on_ready=lambda: print(ready, flush=True))
    except (StateInUseError, OSError, OverflowError, sqlite3.Error) as error:
        sys.exit(_refusal(f"cannot start on port {arguments.port} with state in {settings.state}: {error}"))


class _Parser(argparse.ArgumentParser):
    """One sentence instead of the usage for a wrong argument."""

    def error(self, message: str) -> None:  # type: ignore[override] # the base class has NoReturn, and so has sys.exit
        sys.exit(_refusal(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m devtools.sora_sim", description="A videos API that renders locally and fails on request."
    )
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--state", type=Path, required=True, help="folder for jobs and videos")
    parser.add_argument("--render-seconds", type=float, default=6, help="least duration of a render (default 6)")
    parser.add_argument("--max-running", type=int, default=2, help="renders at a time; more stay queued (default 2)")
    parser.add_argument("--max-jobs", type=int, help="unfinished jobs beyond this number are refused with 429")
    parser.add_argument("--sizes", type=_sizes, help="the only sizes accepted, for example 720x1280,1280x720")
    parser.add_argument("--seconds", type=_seconds, help="the only lengths accepted, for example 4,8,12")
    return parser


def _sizes(text: str) -> frozenset[str]:
    return frozenset(text.split(","))


def _seconds(text: str) -> frozenset[int]:
    return frozenset(int(part) for part in text.split(","))


def _refusal(reason: str) -> int:
    print(f"Sora simulator: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
