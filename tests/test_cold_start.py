"""What a fresh process does when the host indexes the app, and when it answers a first status request."""

import json
import subprocess
import sys
from typing import Any, Final

import pytest

from tests.support.source_tree import ROOT

HEAVY: Final = (
    "openai",
    "httpx2",
    "azure.storage.blob",
    "azure.identity",
    "av",
    "pydantic",
    "uvicorn",
    "opentelemetry.sdk",
    "azure.monitor",
)
"""What no cold start should pay for: SDKs of the upstream and of storage, models, codecs, the server."""

PROBE: Final = """
import json, sys

touched = []

def watch(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        if flags & 3 or (isinstance(mode, str) and set(mode) & set("wax+")):
            touched.append(f"open {path} to write")
    elif event.split(".")[0] in {"socket", "subprocess", "urllib", "shutil", "tempfile", "sqlite3"} or event in {
        "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "os.system", "os.fork", "os.posix_spawn",
        "os.putenv", "os.unsetenv",
    }:
        touched.append(f"{event} {arguments}")

def loaded():
    return sorted(sys.modules)

sys.addaudithook(watch)
import function_app
indexed = loaded()
touched_while_indexing = list(touched)

import asyncio
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus
from starlette.requests import Request

class Client:
    async def get_status(self, instance_id):
        return DurableOrchestrationStatus.from_json({
            "instanceId": instance_id, "createdTime": "2026-01-02T03:04:05Z", "runtimeStatus": "Completed",
            "customStatus": None, "output": {"status": "completed"},
        })

async def answer():
    functions = {each.get_function_name(): each.get_user_function() for each in function_app.app.get_functions()}
    job_id = "01jyg74z6ee6e9y23ceq2fmwc4"
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [],
             "path_params": {"job_id": job_id}}
    messages = []
    async def receive():
        return {"type": "http.request"}
    async def send(message):
        messages.append(message)
    response = await functions["status"].client_function(Request(scope, receive), Client())
    await response(scope, receive, send)
    return messages[0]["status"], messages[1]["body"].decode()

status, body = asyncio.run(answer())
print(json.dumps({
    "touched": touched_while_indexing, "indexed": indexed, "answered": loaded(), "status": status, "body": body,
}))
"""


@pytest.fixture(scope="module")
def start() -> dict[str, Any]:
    """What a process with an empty environment did and loaded, first while indexing, then for one status answer."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", PROBE],
        cwd=ROOT,
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_indexing_touches_nothing(start: dict[str, Any]) -> None:
    """Importing the app needs no setting, opens no socket, starts no process and writes no file."""
    assert start["touched"] == []


@pytest.mark.parametrize("library", HEAVY)
def test_indexing_does_not_load_what_it_does_not_need(start: dict[str, Any], library: str) -> None:
    """A worker that is started to be told what there is, pays for nothing else."""
    assert library not in start["indexed"]


@pytest.mark.parametrize("library", HEAVY)
def test_first_status_answer_does_not_load_it_either(start: dict[str, Any], library: str) -> None:
    """The cost is not put off to the first caller who polls."""
    assert library not in start["answered"]


def test_status_was_answered(start: dict[str, Any]) -> None:
    """The answer that the other tests look behind is the real one."""
    assert start["status"] == 200
    assert json.loads(start["body"])["video_url"] == "/api/download/gen_01jyg74z6ee6e9y23ceq2fmwc4"


def test_stories_and_activities_are_not_loaded_by_indexing(start: dict[str, Any]) -> None:
    """Their bodies, and the models that they share, come with the first episode."""
    own = {name for name in start["indexed"] if name.split(".")[0] in {"shared", "activities", "orchestrators"}}

    assert "shared.jobs.models" not in own
    assert {name for name in own if name.startswith("activities.")} == {"activities.boundary"}


@pytest.mark.parametrize("moment", ["indexed", "answered"])
def test_records_and_the_sweep_are_not_loaded_until_they_are_used(start: dict[str, Any], moment: str) -> None:
    """A status is read from the job's story; neither the line nor what tidies up after crashes has to do with it."""
    rooms = {name for name in start[moment] if name.startswith(("shared.ledger.", "shared.upkeep."))}

    assert rooms == {"shared.upkeep.registration"}
