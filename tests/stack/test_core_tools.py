"""`up --host func`, with a stand-in for Core Tools that has their command line and runs the local host."""

import signal
import sys
from pathlib import Path

import httpx
import pytest

from devtools.core_tools import NoCoreToolsError, find_core_tools
from devtools.stack import Stack
from devtools.stack_ports import free_row
from tests.stack.test_up import Up
from tests.support.caller import Caller
from tests.support.stack import machine

STAND_IN = Path(__file__).with_name("func")


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The variables with which the stand-in is found, and says what it was asked for."""
    variables = {
        "FUNC": str(STAND_IN),
        "FUNC_NOTE": str(tmp_path / "note"),
        "FUNC_STATE": str(tmp_path / "func-state"),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.mark.stack
@pytest.mark.timeout(120)
def test_a_job_is_done_on_core_tools(tmp_path: Path, stand_in: dict[str, str]) -> None:
    """They are told the port, the origins, the Python and all of storage, and need no file of settings."""
    caller_variables = {**machine(), **stand_in}
    func = find_core_tools(caller_variables)
    with Stack(tmp_path / "state", render_seconds=0.5, core_tools=func, caller=caller_variables) as stack:
        caller = Caller(stack.app)
        with caller.http:
            job = caller.wait(caller.submit("On another host"))
        simulator = httpx.get(f"{stack.simulator}/_sim/jobs").json()

    asked, *environment = (tmp_path / "note").read_text().splitlines()
    variables = dict(line.split("=", 1) for line in environment if "=" in line)
    assert job["status"] == "completed"
    assert [render["prompt"] for render in simulator] == ["On another host"]
    assert asked.startswith(f"start --port {stack.app.rpartition(':')[2]} --cors http://")
    assert variables["FUNCTIONS_WORKER_RUNTIME"] == "python"
    assert variables["languageWorkers__python__defaultExecutablePath"] == sys.executable
    storage = variables["AzureWebJobsStorage"]
    assert all(f"{service}Endpoint=http://127.0.0.1:" in storage for service in ("Blob", "Queue", "Table"))


@pytest.mark.stack
@pytest.mark.timeout(120)
def test_up_on_core_tools_ends_with_everything_it_started(tmp_path: Path, stand_in: dict[str, str]) -> None:
    """As it does on the local host."""
    up = Up(tmp_path / "state", "--port", str(free_row(1)[0]), "--host", "func", environ=stand_in)
    up.wait_until_ready()
    up.process.send_signal(signal.SIGINT)

    assert "Try it" in up.output()
    assert up.process.returncode == 0
    assert up.running_parts() == set()


def test_without_core_tools_it_says_how_to_get_them() -> None:
    """And what runs the app without them."""
    with pytest.raises(NoCoreToolsError, match=r"azure-functions-core-tools@4.*HOST=local"):
        find_core_tools({"PATH": "/nowhere"})


@pytest.mark.stack
def test_up_without_core_tools_ends_with_a_sentence(tmp_path: Path) -> None:
    """Before anything is started."""
    up = Up(tmp_path / "state", "--host", "func", environ={"FUNC": "/nowhere/func"})

    assert "needs Azure Functions Core Tools 4" in up.output()
    assert up.process.returncode == 1
    assert not (tmp_path / "state").exists()
