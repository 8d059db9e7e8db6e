"""Clock, texts, settings and locks."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devtools.host import dates, jsontext, timestamps
from devtools.host.clock import RealClock, SkipClock
from devtools.host.promises import Promise, start, when_all, when_any
from devtools.host.state_folder import StateFolder

NOW = datetime(2026, 1, 2, 3, 4, 5, 120_000, tzinfo=UTC)


def test_moments_are_written_without_trailing_zeros() -> None:
    """As the engine writes them."""
    assert timestamps.to_text(NOW) == "2026-01-02T03:04:05.12Z"
    assert timestamps.to_text(NOW.replace(microsecond=0)) == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize(
    "text", ["2026-01-02T03:04:05.1200000Z", "2026-01-02T03:04:05.12", "2026-01-02T05:04:05.12+02:00"]
)
def test_moments_are_read_in_every_form_the_engine_and_the_sdk_use(text: str) -> None:
    """Seven digits, no zone, another zone."""
    assert timestamps.from_text(text) == NOW


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [
        ("2026-01-02T03:04:05.1230000+02:00", "2026-01-02T01:04:05.123+00:00"),
        ("2026-01-02T03:04:05.000Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05.50", "2026-01-02T03:04:05.5"),
        ("2026-02-31T03:04:05Z", "2026-02-31T03:04:05Z"),
        ("on 2026-01-02T03:04:05Z", "on 2026-01-02T03:04:05Z"),
    ],
)
def test_dates_in_a_failed_state_are_rewritten(text: str, rewritten: str) -> None:
    """Only strings that are dates, wherever they are."""
    assert dates.recognised({"a": [text, 1, None]}) == {"a": [rewritten, 1, None]}


def test_moments_survive_the_journal() -> None:
    """Microseconds since 1970 and back."""
    assert timestamps.from_microseconds(timestamps.to_microseconds(NOW)) == NOW


def test_json_texts_are_compact_and_storable() -> None:
    """Letters stay letters, a lone surrogate is replaced."""
    assert jsontext.compact('{ "ü" : [1.0, "\\ud800"] }') == '{"ü":[1.0,"\ufffd"]}'
    assert jsontext.value_or_text("no json") == "no json"


async def test_real_clock_returns_at_the_deadline_or_when_woken() -> None:
    """Whatever comes first; a deadline in the past returns at once."""
    clock, wake = RealClock(), asyncio.Event()

    await clock.wait_until(clock.now() + timedelta(milliseconds=20), wake, idle=True)
    await clock.wait_until(clock.now() - timedelta(hours=1), wake, idle=False)
    asyncio.get_running_loop().call_later(0.01, wake.set)
    async with asyncio.timeout(5):
        await clock.wait_until(clock.now() + timedelta(hours=1), wake, idle=True)

    assert wake.is_set()


async def test_skip_clock_jumps_only_when_idle_and_within_its_limit() -> None:
    """Working or beyond the limit it waits to be woken."""
    clock, wake = SkipClock(NOW), asyncio.Event()
    soon, late = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    clock.limit = soon

    await clock.wait_until(soon, wake, idle=True)
    beyond = asyncio.create_task(clock.wait_until(late, wake, idle=True))
    await clock.at_rest.wait()
    wake.set()
    await beyond

    assert clock.now() == soon


def test_state_folder_serves_one_host_at_a_time(tmp_path: Path) -> None:
    """The second is refused until the first has gone."""
    program = f"""
from pathlib import Path
from devtools.host.state_folder import StateFolder
StateFolder(Path({str(tmp_path / "state")!r}))
"""
    command = [sys.executable, "-c", program]
    first = StateFolder(tmp_path / "state")

    refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    first.close()
    taken = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)

    assert refused.stderr.endswith(f"The state folder {tmp_path / 'state'} is in use by another Functions host.\n")
    assert (refused.returncode, taken.returncode) == (1, 0)


def test_promises_go_on_at_the_moment_they_are_settled() -> None:
    """No loop in between, in the order of waiting."""
    first, second = Promise[str](), Promise[str]()
    seen: list[str] = []

    async def wait() -> str:
        await when_any([first, second])
        seen.append("any")
        await when_all([first, second])
        seen.append("all")
        return (await first) + (await second)

    outcome = start(wait())
    second.resolve("2")
    seen.append("between")
    first.resolve("1")

    assert seen == ["any", "between", "all"]
    assert outcome.result() == "12"


def test_promise_of_a_failed_wait_holds_the_error() -> None:
    """`when_all` raises the first error once all are settled."""
    first, second = Promise[None](), Promise[None]()
    outcome = start(when_all([first, second]))

    second.reject(ValueError("second"))
    still_waiting = not outcome.done
    first.resolve(None)

    assert still_waiting
    with pytest.raises(ValueError, match="second"):
        outcome.result()
