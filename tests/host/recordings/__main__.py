"""`python -m tests.host.recordings [--cases DIR] [--steps FILE] [--app DIR] [names]`: try recorded cases."""

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from tests.host.recordings.case import RECORDED, Case, read_cases
from tests.host.recordings.trial import APP, NOT_REPRODUCED, try_cases


def main() -> int:
    """Print a line for each case; 1 where one of them differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.host.recordings", description="Try recorded cases.")
    parser.add_argument("names", nargs="*", help="cases (default: all)")
    parser.add_argument(
        "--cases", type=Path, default=RECORDED, metavar="DIR", help="folder of the recordings (*.jsonl)"
    )
    parser.add_argument(
        "--steps", type=Path, metavar="FILE", help="default: steps.json in that folder or the one above"
    )
    parser.add_argument(
        "--app", type=Path, default=APP, metavar="DIR", help="folder of the function_app.py that they ran"
    )
    arguments = parser.parse_args()
    logging.disable(logging.ERROR)
    cases = read_cases(arguments.cases, arguments.steps)
    unknown = set(arguments.names) - {case.name for case in cases}
    if unknown or not cases:
        print(f"There is no case {', '.join(sorted(unknown)) or 'at all'} in {arguments.cases}.", file=sys.stderr)
        return 2
    chosen = [case for case in cases if not arguments.names or case.name in arguments.names]
    return asyncio.run(_print_verdicts(chosen, arguments.app))


async def _print_verdicts(cases: list[Case], app: Path) -> int:
    differs = 0
    async for verdict in try_cases(cases, app):
        name = verdict.case.name
        if verdict.difference is None:
            print(f"same      {name}", flush=True)
        elif name in NOT_REPRODUCED:
            print(f"not run   {name}: {NOT_REPRODUCED[name]}", flush=True)
        else:
            differs += 1
            print(f"differs   {name}: {verdict.difference}", flush=True)
    print(f"{len(cases)} cases, {differs} differ")
    return 1 if differs else 0


if __name__ == "__main__":
    sys.exit(main())
