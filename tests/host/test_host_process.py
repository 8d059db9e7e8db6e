"""The host as others run it: a process with a port, killed and started again."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.host.host_process import ROOT, SAMPLE_APP, HostProcess, free_port, wait_until


def run_to_its_end(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The host with arguments with which it does not start."""
    command = [sys.executable, "-m", "devtools.host", *arguments]
    environment = {**os.environ, "SAMPLE_MARKS": os.devnull}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_host_serves_functions_and_orchestrations(tmp_path: Path) -> None:
    """Through the app's own HTTP functions and the SDK's client."""
    with HostProcess(tmp_path) as host:
        host.start_story("fan_out", "x", [1, 2])

        wait_until(lambda: host.http.get("/api/status/x").text == "Completed", "the orchestration completes")

        assert host.instance("x")["output"] == [1, 2, "a", "b"]
        assert host.http.get("/api/status/nope").text == "none"
        assert host.http.get("/api/raises").status_code == 500
        assert "Functions host ready on http://127.0.0.1:" in host.log.read_text()


def test_killed_host_goes_on_and_loses_no_result(tmp_path: Path) -> None:
    """Killed in the middle of fan-outs, again and again: every instance ends, every activity ends at least once.

    An activity whose result was kept is not run again, so no more are repeated than can run at once.
    """
    kills, at_once = 4, 4
    names = [f"job{number}" for number in range(4)]
    with HostProcess(tmp_path) as host:
        for name in names:
            host.start_story("fan_out", name, [f"{name}-{number}" for number in range(15)])
        for _ in range(kills):
            before = len(marks(host))
            wait_until(lambda seen=before: len(marks(host)) >= seen + 8, "some activities end")  # type: ignore[misc]
            host.kill()
            host.start()
        for name in names:
            wait_until(lambda job=name: host.instance(job)["runtimeStatus"] == "Completed", f"{name} completes")  # type: ignore[misc]

        outputs = [host.instance(name)["output"] for name in names]
        runs = Counter(marks(host))
    assert outputs == [[*(f"{name}-{number}" for number in range(15)), "a", "b"] for name in names]
    assert set(runs) == {f"{name}-{number}" for name in names for number in range(15)} | {"a", "b"}
    assert runs.total() <= 4 * 17 + kills * at_once


def marks(host: HostProcess) -> list[str]:
    """What activities have left so far."""
    return host.marks.read_text().splitlines() if host.marks.exists() else []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_host_ends_cleanly_though_an_activity_runs(tmp_path: Path, number: signal.Signals) -> None:
    """Exit code 0 within five seconds; the activity runs again with the next start."""
    with HostProcess(tmp_path) as host:
        host.start_story("sleeper", "x", 60)
        wait_until(lambda: host.instance("x")["runtimeStatus"] == "Running", "the orchestration runs")

        assert host.process is not None
        host.process.send_signal(number)
        code = host.process.wait(5)
        host.start()

        assert code == 0
        assert host.instance("x")["runtimeStatus"] == "Running"


def test_second_host_on_a_state_folder_is_refused(tmp_path: Path) -> None:
    """One sentence, exit code 2."""
    with HostProcess(tmp_path):
        port = str(free_port())
        second = run_to_its_end("--port", port, "--state", str(tmp_path / "app"), "--app", str(SAMPLE_APP))

    assert second.returncode == 2
    assert second.stderr == f"The state folder {tmp_path / 'app'} is in use by another Functions host.\n"


def test_port_in_use_is_refused(tmp_path: Path) -> None:
    """One sentence, exit code 2."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        host = run_to_its_end("--port", port, "--state", str(tmp_path), "--app", str(SAMPLE_APP))

    assert host.returncode == 2
    assert host.stderr == f"Port {port} cannot be used: Address already in use.\n"


def test_option_for_queues_that_azures_host_would_refuse_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the app has no queue function: the file is to be right."""
    monkeypatch.setenv("AzureFunctionsJobHost__extensions__queues__batchSize", "33")

    host = run_to_its_end("--port", "0", "--state", str(tmp_path), "--app", str(SAMPLE_APP))

    assert host.returncode == 2
    assert host.stderr == "In host.json, 'extensions.queues.batchSize' must be a whole number from 1 to 32.\n"


def test_app_that_the_worker_would_refuse_is_refused(tmp_path: Path) -> None:
    """Every problem by name, exit code 2, no traceback."""
    shutil.copytree(SAMPLE_APP, tmp_path / "app")
    with (tmp_path / "app" / "function_app.py").open("a", encoding="utf-8") as source:
        source.write('\n\n@app.activity_trigger(input_name="x")\ndef odd(x: dict | None) -> None: ...\n')

    host = run_to_its_end("--port", "0", "--state", str(tmp_path / "s"), "--app", str(tmp_path / "app"))

    assert host.returncode == 2
    assert "The app cannot be loaded: cannot load the odd function: binding x has invalid" in host.stderr
    assert "Traceback" not in host.stderr


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (None, "There is no function_app.py"),
        ("import no_such_module_anywhere", "No module named 'no_such_module_anywhere'"),
        ("x = 1", "exactly one FunctionApp"),
    ],
)
def test_folder_without_a_usable_app_is_refused(tmp_path: Path, source: str | None, sentence: str) -> None:
    """The sentence says what is missing."""
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0"}))
    if source is not None:
        (tmp_path / "function_app.py").write_text(source)

    host = run_to_its_end("--port", "0", "--state", str(tmp_path / "s"), "--app", str(tmp_path))

    assert host.returncode == 2
    assert sentence in host.stderr


def test_log_lines_carry_utc_time_and_level(tmp_path: Path) -> None:
    """Also what the app logs."""
    with HostProcess(tmp_path) as host:
        host.http.get("/api/raises")

        wait_until(lambda: "ERROR" in host.log.read_text(), "the failure is logged")

    line = next(line for line in host.log.read_text().splitlines() if "ERROR" in line)
    stamp, level, _ = line.split(" ", 2)
    assert (len(stamp), stamp[-1], level) == (24, "Z", "ERROR")


def test_host_reads_the_apps_local_settings(tmp_path: Path) -> None:
    """As `func start` does: port and origins, and values where the environment has none. A slip is pointed out."""
    app, port = tmp_path / "app", free_port()
    shutil.copytree(SAMPLE_APP, app)
    values = {"SAMPLE_MARKS": "not this", "AzureFunctionsJobHost__extensions__http__routePrefix": "v9"}
    settings = {"IsEncrypted": False, "Values": values, "Host": {"LocalHttpPort": port, "CORS": "http://a.example"}}
    (app / "local.settings.json").write_text(json.dumps(settings))
    (app / "host.json").write_text(json.dumps({"version": "2.0", "functionTimeOutt": "00:01:00"}))
    command = [sys.executable, "-m", "devtools.host", "--app", str(app), "--state", str(tmp_path / "state")]

    with HostProcess(tmp_path, port, command=command) as host:
        answer = host.http.get("/v9/status/none", headers={"Origin": "http://a.example"})
        log = host.log.read_text()

    assert (answer.text, answer.headers["access-control-allow-origin"]) == ("none", "http://a.example")
    assert "Skipping 'SAMPLE_MARKS' of local.settings.json" in log
    assert "Is 'functionTimeout' meant?" in log


def test_host_with_keys_answers_only_those_who_have_one(tmp_path: Path) -> None:
    """A function's key opens the function, the system key the durable endpoints; URLs handed out carry the latter."""
    with HostProcess(tmp_path, options=["--enable-auth"]) as host:
        secrets = tmp_path / "app" / "secrets"
        system = json.loads((secrets / "host.json").read_text())["systemKeys"][0]["value"]
        own = json.loads((secrets / "start.json").read_text())["keys"][0]["value"]
        refused = host.http.post("/api/start/sleeper/one", json=1)
        accepted = host.http.post("/api/start/sleeper/one", json=3600, headers={"x-functions-key": own})
        elsewhere = host.http.get("/api/status/one", headers={"x-functions-key": own})
        durable = "/runtime/webhooks/durabletask/instances/one"
        steered = [
            host.http.get(durable),
            host.http.get(f"{durable}?code={own}"),
            host.http.get(f"{durable}?code={system}"),
        ]
        started = host.http.post(f"/runtime/webhooks/durabletask/orchestrators/sleeper/two?code={system}", json=3600)
        log = host.log.read_text()

    assert [answer.status_code for answer in (refused, accepted, elsewhere)] == [401, 202, 401]
    assert [answer.status_code in {200, 202} for answer in steered] == [False, False, True]
    assert started.json()["statusQueryGetUri"].endswith(f"&code={system}")
    assert str(secrets) in log
    assert own not in log
    assert system not in log
