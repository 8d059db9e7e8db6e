import os
import signal
import socket
from contextlib import closing
from pathlib import Path

import av
import httpx
import httpx2
import openai
import pytest

from tests.sora_sim.conftest import SimulatorProcess, children, run, wait_until

pytestmark = pytest.mark.stack


def test_the_openai_client_gets_a_real_video(simulator: SimulatorProcess, tmp_path: Path) -> None:
    """Create as a form, look, download: through the package that the product uses."""
    simulator.start("--render-seconds", "0.2")
    client = openai.OpenAI(base_url=f"{simulator.http.base_url}/v1", api_key="k", max_retries=0, timeout=10)
    target = tmp_path / "video.mp4"

    job = client.post(
        "/videos",
        cast_to=httpx2.Response,
        body={"prompt": "Ein Bär tanzt", "seconds": "2", "size": "256x144", "model": "sora-2"},
        files={"input_reference": ("unused.png", b"")},
        options={"headers": {"Content-Type": "multipart/form-data"}},
    )
    job_id = job.json()["id"]
    simulator.wait_for(job_id, "completed")
    target.write_bytes(client.get(f"/videos/{job_id}/content", cast_to=httpx2.Response).content)
    client.close()

    with av.open(str(target)) as container:
        codec = container.streams.video[0].codec_context
        assert (codec.width, codec.height) == (256, 144)
        assert len(list(container.decode(video=0))) == 48


def test_the_openai_client_understands_the_errors(simulator: SimulatorProcess) -> None:
    """Codes and messages arrive where the package puts them."""
    simulator.start()
    client = openai.OpenAI(base_url=f"{simulator.http.base_url}/v1", api_key="k", max_retries=0, timeout=10)

    with pytest.raises(openai.BadRequestError) as refused:
        client.post("/videos", cast_to=httpx2.Response, body={"prompt": "x [sim:policy-at-create]"})
    with pytest.raises(openai.RateLimitError) as limited:
        client.post("/videos", cast_to=httpx2.Response, body={"prompt": "x [sim:too-many-tasks-once]"})
    client.close()

    assert (refused.value.code, refused.value.param) == ("content_policy_violation", "prompt")
    assert (limited.value.code, limited.value.type) == (None, "video_generation_user_error")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_in_the_midst_of_work(simulator: SimulatorProcess, number: signal.Signals) -> None:
    """Exit code 0 within five seconds, with a render under way and a client hanging; no encoder stays behind."""
    simulator.start()
    assert simulator.process is not None
    job_id = simulator.create("long", seconds=600, size="1280x720")
    wait_until(lambda: len(children(simulator.process.pid)) == 1, "the encoder")  # type: ignore[union-attr] # see above
    (encoder,) = children(simulator.process.pid)
    with pytest.raises(httpx.ReadTimeout):
        simulator.http.post("/v1/videos", json={"prompt": "[sim:hang]"}, timeout=0.2)

    simulator.process.send_signal(number)
    _, errors = simulator.process.communicate(timeout=5)

    assert simulator.process.returncode == 0
    assert errors == ""
    assert not _alive(encoder)
    assert list((simulator.state / "videos").glob(f"*{job_id}*")) == []


def test_a_hanging_client_does_not_delay_the_end(simulator: SimulatorProcess) -> None:
    """A call that would hang for minutes is dropped."""
    simulator.start()
    assert simulator.process is not None
    with closing(
        socket.create_connection((simulator.http.base_url.host, simulator.http.base_url.port or 0))
    ) as hanging:
        body = b'{"prompt": "[sim:hang]"}'
        head = f"POST /v1/videos HTTP/1.1\r\nHost: x\r\napi-key: k\r\nContent-Length: {len(body)}\r\n"
        hanging.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
        wait_until(lambda: len(simulator.http.get("/_sim/calls").json()) == 1, "the call to arrive")

        simulator.process.terminate()
        simulator.process.communicate(timeout=5)

    assert simulator.process.returncode == 0


def test_no_job_is_lost_when_it_is_killed(simulator: SimulatorProcess) -> None:
    """Killed in mid-render: the finished file stays, the rest renders again, calls are still on record."""
    simulator.start("--render-seconds", "0")
    done = simulator.create("done")
    simulator.wait_for(done, "completed")
    content = simulator.http.get(f"/v1/videos/{done}/content").content
    jobs = [simulator.create(f"number {n}", seconds=5, size="640x360") for n in range(3)]
    simulator.wait_for(jobs[0], "in_progress")
    encoders = children(simulator.process.pid) if simulator.process else []

    simulator.kill()
    wait_until(lambda: not any(_alive(encoder) for encoder in encoders), "the orphaned encoders to end")
    simulator.start("--render-seconds", "0")
    for job_id in jobs:
        simulator.wait_for(job_id, "completed")

    assert simulator.http.get(f"/v1/videos/{done}/content").content == content
    accepted = [call["job"] for call in simulator.http.get("/_sim/calls").json() if call["method"] == "POST"]
    assert accepted == [done, *jobs]
    assert sorted(path.name for path in (simulator.state / "videos").iterdir()) == sorted(
        f"{job_id}.mp4" for job_id in (done, *jobs)
    )


def test_a_killed_encoder_costs_one_job(simulator: SimulatorProcess) -> None:
    """The job fails, the server and the next job do not notice."""
    simulator.start("--render-seconds", "0")
    assert simulator.process is not None
    victim = simulator.create("victim", seconds=600, size="640x360")
    wait_until(lambda: len(children(simulator.process.pid)) == 1, "the encoder")  # type: ignore[union-attr] # see above

    os.kill(children(simulator.process.pid)[0], signal.SIGKILL)
    simulator.wait_for(victim, "failed")
    survivor = simulator.create("survivor")
    simulator.wait_for(survivor, "completed")

    assert simulator.http.get(f"/v1/videos/{victim}").json()["error"]["code"] == "server_error"


def test_an_idle_encoder_that_died_is_replaced(simulator: SimulatorProcess) -> None:
    """It cost no job, so it shall not cost the next one."""
    simulator.start("--render-seconds", "0")
    assert simulator.process is not None
    simulator.wait_for(simulator.create(), "completed")

    (idle,) = children(simulator.process.pid)
    os.kill(idle, signal.SIGKILL)
    wait_until(lambda: not _alive(idle), "the encoder to be gone")

    simulator.wait_for(simulator.create(), "completed")


def test_a_second_simulator_on_the_same_state_is_refused(simulator: SimulatorProcess) -> None:
    """One sentence, exit code 2, and the first goes on."""
    simulator.start()

    second = run("--port", "0", "--state", str(simulator.state))
    _, errors = second.communicate(timeout=20)

    assert second.returncode == 2
    assert "another simulator is using" in errors
    assert len(errors.splitlines()) == 1
    assert simulator.http.get("/_sim/health").status_code == 200


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "0"], "--state"),
        (["--port", "x", "--state", "unused"], "--port"),
        (["--port", "0", "--state", str(Path(__file__))], "test_program.py"),
        (["--port", "70000", "--state", "STATE"], "port 70000"),
        (["--port", "0", "--state", "unused", "--render-seconds", "-1"], "render seconds"),
        (["--port", "0", "--state", "unused", "--max-running", "0"], "max running"),
        (["--port", "0", "--state", "unused", "--seconds", "4,x"], "--seconds"),
    ],
)
def test_wrong_arguments_get_one_sentence(tmp_path: Path, arguments: list[str], said: str) -> None:
    """No usage, no traceback."""
    process = run(*(str(tmp_path) if argument == "STATE" else argument for argument in arguments))
    _, errors = process.communicate(timeout=20)

    assert process.returncode == 2
    assert said in errors
    assert len(errors.splitlines()) == 1


def test_a_taken_port_gets_one_sentence(tmp_path: Path) -> None:
    """The port is named."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        process = run("--port", port, "--state", str(tmp_path))
        _, errors = process.communicate(timeout=20)

    assert process.returncode == 2
    assert f"port {port}" in errors
    assert len(errors.splitlines()) == 1


def _alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process_id}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")
