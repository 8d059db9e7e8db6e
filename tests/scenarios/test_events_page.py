"""docs/events.md is held against the app: its programs run, its examples are what comes, its schema is kept."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from azure.core.messaging import CloudEvent

from devtools.stack import Stack
from devtools.stack_settings import ACCOUNT_KEY
from shared.events.cloud_event import structured
from shared.intake.message import Message, read_order
from tests.support.caller import wait_until
from tests.support.queues import Queues, data
from tests.support.source_tree import ROOT
from tests.support.stack import machine, running_stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]

PAGE = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the page's blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def schema() -> Any:
    """Return the page's schema."""
    return json.loads(blocks("json")[-1])


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose events nobody else takes."""
    quick = {"POLL_FIRST_SECONDS": "0.3", "POLL_LONGEST_SECONDS": "0.3"}
    with running_stack(tmp_path_factory.mktemp("events"), render_seconds=0.5, env=quick) as running:
        yield running


@pytest.fixture
def programs(tmp_path: Path, stack: Stack) -> tuple[Path, dict[str, str]]:
    """The page's programs as files, and the environment that it has them run in."""
    for name, text in zip(("send.py", "listen.py"), blocks("python"), strict=True):
        (tmp_path / name).write_text(text)
    exported = dict(re.findall(r"^export (\w+)=(.*)$", blocks("bash")[0], re.MULTILINE))
    assert exported["QUEUES_KEY"] == ACCOUNT_KEY
    return tmp_path, {**machine(), **exported, "QUEUES": stack.queue}


def alike(text: str) -> list[str]:
    """Return the lines of a text without the ids of jobs."""
    return [re.sub(r"gen_\w{26}", "gen_...", line.rstrip()) for line in text.splitlines()]


def run(programs: tuple[Path, dict[str, str]], *arguments: str) -> str:
    folder, environ = programs
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_programs_of_the_page_send_a_job_and_hear_of_its_end(programs: tuple[Path, dict[str, str]]) -> None:
    """Word for word what the page shows, but for the job's id."""
    shown = blocks("console")[0]
    printed = ""
    for line in shown.splitlines():
        command = re.fullmatch(r'\$ python (\w+\.py) "(.*?)"(?: "(.*?)")?', line)
        if command:
            arguments = [argument for argument in command.groups() if argument is not None]
            printed += line + "\n" + run(programs, *arguments)

    assert alike(printed) == alike(shown)


def test_every_event_is_valid_by_the_schema_of_the_page(stack: Stack) -> None:
    """One of each type at least."""
    valid = jsonschema_rs.validator_for(schema())
    jobs = {"fine": "a lake", "refused": "[sim:policy-at-create]"}
    with Queues(stack.queue) as queues:
        for name, prompt in jobs.items():
            queues.order(prompt, name)
        queues.order("a lake", "bad", width=1)

        def all_ended() -> bool:
            queues.listen()
            return all(queues.told(name)[-1:] in (["completed"], ["failed"], ["rejected"]) for name in (*jobs, "bad"))

        wait_until(all_ended, seconds=60, description="three orders end")

    for event in queues.events:
        valid.validate(json.loads(structured(event)))
    assert {event.type for event in queues.events} == set(schema()["properties"]["type"]["enum"])


def test_example_of_the_page_is_a_valid_event() -> None:
    """And the SDK reads it."""
    example = json.loads(blocks("json")[1])

    jsonschema_rs.validator_for(schema()).validate(example)
    event: CloudEvent[Any] = CloudEvent.from_dict(example)
    assert data(event)["status"] == "completed"


def test_message_of_the_page_is_a_job() -> None:
    """By the reader of messages itself."""
    order = read_order(Message("m1", blocks("json")[0].encode(), datetime(2026, 1, 1, tzinfo=UTC)))

    assert (order.id, order.request.duration) == ("order 1", 5)
