"""What the local host's durable engine does in a second, and whether it gets slower as its database fills.

    python -m benchmarks.orchestrations [--count 1000] [--activities 10] [--rounds 2] [--before 0]

Starts the host as a process, on a database of its own, has it run so many orchestrations of so many activities over
the management API, and does that again in the same database. Prints throughput and the host's resident memory for each
round. `--before` puts so many finished instances into the database first, and says how long the host then takes to
start. Exits with 1 where an orchestration ends otherwise than it should, or the last round takes more than 1.2 times as
long as the first, or leaves the host with more than 1.2 times the memory.
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Final

import httpx

from devtools.host.history import RuntimeStatus
from devtools.host.journal import Journal
from devtools.host.records import NewInstance
from devtools.host.state_folder import JOURNAL_NAME
from devtools.host.timestamps import to_microseconds

APP: Final = Path(__file__).parent / "orchestrations_app"
DURABLE: Final = "/runtime/webhooks/durabletask"
GROWTH_LIMIT: Final = 1.2
AT_ONCE: Final = 20
"""Starts under way at the same time."""

LOOK_SECONDS: Final = 0.1
START_SECONDS: Final = 60.0
ROUND_SECONDS: Final = 600.0
MB: Final = 1024 * 1024
_READY: Final = re.compile(r"ready on (http://\S+)")


@dataclass(frozen=True)
class Host:
    """A host that is ready, and how long that took."""

    pid: int
    url: str
    start_seconds: float

    def memory(self, name: str) -> float:
        """Resident memory in MB, `VmRSS` now or `VmHWM` at most."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.findall(rf"{name}:\s+(\d+) kB", status)[0]) * 1024 / MB


@contextmanager
def running_host(folder: Path) -> Iterator[Host]:
    """Start the host on the app of this benchmark, with its state in a folder; end it when the context closes."""
    command = [sys.executable, "-m", "devtools.host", "--no-local-settings", "--port", "0", "--state", str(folder)]
    log = folder / "host.log"
    began = perf_counter()
    with (
        log.open("wb") as output,
        subprocess.Popen([*command, "--app", str(APP)], stdout=output, stderr=subprocess.STDOUT) as process,
    ):
        try:
            while (ready := _READY.search(log.read_text(encoding="utf-8"))) is None:
                if process.poll() is not None or perf_counter() - began > START_SECONDS:
                    raise SystemExit(f"The host does not start:\n{log.read_text(encoding='utf-8')}")
                sleep(0.01)
            yield Host(process.pid, ready[1], perf_counter() - began)
        finally:
            process.terminate()


async def run_round(host: Host, name: str, count: int, activities: int) -> float:
    """Run orchestrations, and return how many seconds it took from the first start to the last end."""
    free = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(base_url=host.url + DURABLE, timeout=30) as http:

        async def start(number: int) -> None:
            async with free:
                answer = await http.post(f"/orchestrators/count/{name}-{number}", json={"activities": activities})
                answer.raise_for_status()

        began = perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                group.create_task(start(number))
        unfinished = {"instanceIdPrefix": f"{name}-", "runtimeStatus": "Pending,Running", "top": "1"}
        async with asyncio.timeout(ROUND_SECONDS):
            while (await http.get("/instances", params=unfinished)).json():  # noqa: ASYNC110  # another process
                await asyncio.sleep(LOOK_SECONDS)
        seconds = perf_counter() - began
        await _check(http, name, count, activities)
    return seconds


async def _check(http: httpx.AsyncClient, name: str, count: int, activities: int) -> None:
    token, seen = "", 0
    while True:
        answer = await http.get(
            "/instances", params={"instanceIdPrefix": f"{name}-"}, headers={"x-ms-continuation-token": token}
        )
        for instance in answer.json():
            if (instance["runtimeStatus"], instance["output"]) != ("Completed", activities):
                raise SystemExit(f"An orchestration has ended otherwise than it should: {instance}")
            seen += 1
        token = answer.headers["x-ms-continuation-token"]
        if not token:
            break
    if seen != count:
        raise SystemExit(f"{seen} of {count} orchestrations are there.")


def fill(folder: Path, count: int) -> None:
    """Put finished instances into the database, as if they had run long ago."""
    journal = Journal(folder / JOURNAL_NAME)
    now = datetime.now(UTC)
    moment, done = to_microseconds(now), int(RuntimeStatus.COMPLETED)
    journal.create(NewInstance("first", "x", "count", None), now, deliver=False)
    journal._db.execute("DELETE FROM instances")  # noqa: SLF001  # a year of use, without waiting a year
    journal._db.execute("BEGIN")  # noqa: SLF001
    journal._db.executemany(  # noqa: SLF001
        "INSERT INTO instances (instance_id, execution_id, name, status, input, output, created_at, updated_at)"
        " VALUES (?, 'x', 'count', ?, '{}', '10', ?, ?)",
        ((f"before-{number}", done, moment, moment) for number in range(count)),
    )
    journal._db.execute("COMMIT")  # noqa: SLF001
    journal.close()


def main() -> int:
    """Print the figures; 1 where the last round was too slow, or memory has grown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.orchestrations", description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=1000, help="orchestrations in a round")
    parser.add_argument("--activities", type=int, default=10, help="activities of each")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--before", type=int, default=0, help="finished instances that the database has already")
    arguments = parser.parse_args()
    print(f"{arguments.count} orchestrations of {arguments.activities} activities, {os.cpu_count()} processors")
    rounds, memory = [], []
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if arguments.before:
            fill(folder, arguments.before)
        with running_host(folder) as host:
            print(f"start with {arguments.before} finished instances: {host.start_seconds:.2f} s")
            for number in range(1, arguments.rounds + 1):
                seconds = asyncio.run(run_round(host, f"round{number}", arguments.count, arguments.activities))
                rounds.append(seconds)
                memory.append(host.memory("VmRSS"))
                print(
                    f"round {number}: {seconds:6.2f} s, {arguments.count / seconds:6.1f} orchestrations/s,"
                    f" {arguments.count * arguments.activities / seconds:6.0f} activities/s,"
                    f" memory {memory[-1]:.0f} MB (at most {host.memory('VmHWM'):.0f} MB)",
                    flush=True,
                )
    time_ratio, memory_ratio = rounds[-1] / rounds[0], memory[-1] / memory[0]
    print(f"last round / first: {time_ratio:.2f} in time, {memory_ratio:.2f} in memory (at most {GROWTH_LIMIT})")
    return 0 if max(time_ratio, memory_ratio) <= GROWTH_LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
