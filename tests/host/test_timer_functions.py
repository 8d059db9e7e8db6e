"""Timer functions in a host that is a process of its own."""

from itertools import pairwise
from pathlib import Path

from tests.host.host_process import HostProcess, wait_until

TIMER_APP = Path(__file__).parent / "timer_app"


def test_timer_function_starts_an_orchestration_every_second(tmp_path: Path) -> None:
    """Through the SDK's client, none twice in a second; the host ends cleanly in between."""
    with HostProcess(tmp_path, app=TIMER_APP) as host:
        wait_until(lambda: len(marks(host)) >= 3, f"three orchestrations have run; the log:\n{host.log.read_text()}")
        code = host.stop()

    seconds = [int(mark.removesuffix(" on time")) for mark in marks(host)]
    assert code == 0
    assert all(first != second for first, second in pairwise(seconds))
    assert "Function every_second (* * * * * *) is due next at" in host.log.read_text()


def marks(host: HostProcess) -> list[str]:
    """What activities have left so far."""
    return host.marks.read_text().splitlines() if host.marks.exists() else []
