"""How much longer the app takes to import than a hello-world Durable app, each time in a fresh process.

    python benchmarks/import.py [--pairs 15] [--limit 1.25]

The two are imported in turn, so that a machine that gets busier slows both. Prints the medians and the median of the
pairwise ratios; exits with 1 where that is above the limit.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
FEWEST_PAIRS: Final = 9

HELLO_WORLD: Final = """
import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.route(route="hello")
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return func.HttpResponse(await client.start_new("greet"))


@app.orchestration_trigger(context_name="context")
def greet(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("say_hello", "world"))


@app.activity_trigger(input_name="name")
def say_hello(name: str) -> str:
    return f"Hello, {name}"
"""

TIMED_IMPORT: Final = """
from time import perf_counter
began = perf_counter()
import function_app
print(perf_counter() - began)
"""


def import_seconds(folder: Path) -> float:
    """Import the `function_app` of a folder in a fresh process and return how long that took."""
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [sys.executable, "-c", TIMED_IMPORT],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return float(done.stdout)


def measure(pairs: int) -> tuple[float, float, float]:
    """Return the median seconds of hello-world and of the app, and the median of the ratios of the pairs."""
    with TemporaryDirectory() as folder:
        hello = Path(folder)
        (hello / "function_app.py").write_text(HELLO_WORLD, encoding="utf-8")
        for warm_up in (hello, ROOT):
            import_seconds(warm_up)
        times = [(import_seconds(hello), import_seconds(ROOT)) for _ in range(pairs)]
    return (
        median(hello for hello, _ in times),
        median(ours for _, ours in times),
        median(ours / hello for hello, ours in times),
    )


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(description="Time to import the app, against a hello-world Durable app.")
    parser.add_argument("--pairs", type=int, default=15, help=f"at least {FEWEST_PAIRS}")
    parser.add_argument("--limit", type=float, default=1.25, help="the highest ratio that is no failure")
    options = parser.parse_args()
    if options.pairs < FEWEST_PAIRS:
        parser.error(f"--pairs must be at least {FEWEST_PAIRS}")

    hello, ours, ratio = measure(options.pairs)

    print(f"Python {sys.version.split()[0]}, {options.pairs} pairs of fresh processes")
    print(f"hello-world Durable app  {hello * 1000:6.0f} ms")
    print(f"this app                 {ours * 1000:6.0f} ms")
    print(f"ratio                    {ratio:6.3f}  (median of the pairs; limit {options.limit})")
    return 0 if ratio <= options.limit else 1


if __name__ == "__main__":
    sys.exit(main())
