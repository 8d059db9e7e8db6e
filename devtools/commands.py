"""The commands and their arguments. Standard library only, as `--help` and wrong arguments need no environment."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from devtools import environment
from devtools.environment_iac import iac_environment
from devtools.environment_python import SetupError

INTERRUPTED = 130  # what shells report after Ctrl-C

# Each command's module offers `run(arguments) -> exit status` and is imported inside the environment only.
MODULES = {
    "demo": "devtools.demo",
    "up": "devtools.stack_command",
    "test": "devtools.checks",
    "quick": "devtools.checks",
    "soak": "tests.soak.command",
    "package": "devtools.package",
}

NEED_NO_NODE = ("quick", "package")
NEED_IAC = ("test",)


def main(argv: Sequence[str]) -> int:
    """Run one command in the project's environment, made first where it is missing; returns the exit status."""
    arguments = parser().parse_args(argv)
    try:
        environment.enter(argv, node=arguments.command not in NEED_NO_NODE)
        if arguments.command in NEED_IAC:
            iac_environment()  # now, so that whatever needs the network comes before the tests
        status: int = import_module(MODULES[arguments.command]).run(arguments)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return INTERRUPTED
    return status


def parser() -> argparse.ArgumentParser:
    """Everything that can be typed after `python3 -m devtools`."""
    root = argparse.ArgumentParser(
        prog="python3 -m devtools", description="Set-up, local stack, demo and tests in one."
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="demo | up | test | quick | soak | package")

    demo = commands.add_parser("demo", help="make one video from a prompt on this machine, then stop everything")
    demo.add_argument("--prompt", default="A golden retriever playing in a sunny park", help="what the video shows")
    demo.add_argument("--duration", type=int, default=5, metavar="SECONDS", help="default: %(default)s")
    demo.add_argument("--width", type=int, default=1280, metavar="PIXELS", help="default: %(default)s")
    demo.add_argument("--height", type=int, default=720, metavar="PIXELS", help="default: %(default)s")
    demo.add_argument(
        "--out", type=Path, default=Path("out"), metavar="DIR", help="where the video goes; default: %(default)s"
    )
    demo.add_argument(
        "--state", type=Path, default=Path(".local/demo"), metavar="DIR", help="wiped first; default: %(default)s"
    )
    _add_render_seconds(demo)

    up = commands.add_parser("up", help="run the app, the simulator and the storage emulator until Ctrl-C")
    up.add_argument("--port", type=port, help="of the app; default: the settings' Host.LocalHttpPort, or 8000")
    up.add_argument(
        "--state", type=Path, default=Path(".local"), metavar="DIR", help="jobs, videos and logs; default: %(default)s"
    )
    up.add_argument(
        "--settings", type=Path, metavar="FILE", help="a local.settings.json whose upstream is used, not the simulator"
    )
    up.add_argument(
        "--host", choices=("local", "func"), default="local", help="what runs the app: the local host, or Core Tools"
    )
    _add_render_seconds(up)

    commands.add_parser("test", help="lint, types and all tests")
    commands.add_parser("quick", help="the tests that need no server, in seconds")

    soak = commands.add_parser("soak", help="chaos, kills, random life cycles and mutants: longer trials than `test`")
    soak.add_argument(
        "--seconds", type=soak_seconds, default=120, metavar="N", help="how long the chaos lasts; default: %(default)s"
    )
    soak.add_argument("--seed", type=int, metavar="N", help="chooses what happens; default: any, which is printed")

    package = commands.add_parser("package", help="the app as a zip, for a deployment with remote build")
    package.add_argument(
        "--output", type=Path, default=Path("out/app.zip"), metavar="FILE", help="default: %(default)s"
    )
    return root


def _add_render_seconds(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--render-seconds",
        type=seconds,
        default=6.0,
        metavar="N",
        help="the simulator's time for one video; default: 6",
    )


def port(text: str) -> int:
    """A port number; argparse shows this function's name when the text is no number."""
    number = int(text)
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{number} is not a port: 1 to 65535")
    return number


def seconds(text: str) -> float:
    """A render time, as `port` is a port."""
    number = float(text)
    if not 0 <= number <= 86_400:
        raise argparse.ArgumentTypeError(f"{text} is not a render time: 0 to 86400 seconds")
    return number


def soak_seconds(text: str) -> int:
    """A length of the chaos, as `port` is a port."""
    number = int(text)
    if not 10 <= number <= 86_400:
        raise argparse.ArgumentTypeError(f"{text} is not a length for the chaos: 10 to 86400 seconds")
    return number
