"""docs/deploy.md can be followed: its commands are run, in order, by a shell in which every tool is a stand-in.

A stand-in notes how it was called and answers with something. So the shell finds what is written wrongly and values
that no earlier command has set, and the tables below find commands and options that the tools do not have.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from typing import Final

import pytest

from tests.infra.bicep import MAIN, main_template
from tests.infra.test_access import FOR_THE_APP
from tests.support.source_tree import ROOT

pytestmark = pytest.mark.timeout(300)

PAGE: Final = ROOT / "docs" / "deploy.md"

COMMANDS: Final = {
    "az account show": "--query --output",
    "az ad app delete": "--id",
    "az ad app federated-credential create": "--id --parameters",
    "az ad signed-in-user show": "--query --output",
    "az cognitiveservices model list": "--location --query --output",
    "az eventgrid event-subscription create": "--name --source-resource-id --endpoint --event-delivery-schema",
    "az functionapp keys list": "--name --resource-group --query --output",
    "az functionapp list-flexconsumption-locations": "--query --output",
    "az login": "",
    "az provider show": "--namespace --query --output",
    "az provider register": "--namespace --wait",
    "az resource show": "--name --resource-group --resource-type --query --output",
    "az role assignment create": "--assignee-object-id --assignee-principal-type --role --scope",
    "az role assignment list": "--assignee --include-inherited --include-groups --output",
    "az storage account show": "--name --resource-group --query --output",
    "az storage blob list": "--account-name --auth-mode --container-name --prefix --num-results --query --output",
    "az storage message get": "--account-name --auth-mode --queue-name --num-messages --query --output",
    "az storage message peek": "--account-name --auth-mode --queue-name --num-messages --query --output",
    "az storage message put": "--account-name --auth-mode --queue-name --content",
    "az version": "",
    "azd auth login": "--client-id --tenant-id --federated-credential-provider",
    "azd config get": "",
    "azd deploy": "--no-prompt",
    "azd down": "--purge",
    "azd env get-value": "",
    "azd env new": "--location",
    "azd env set": "",
    "azd env set-secret": "",
    "azd monitor": "--logs",
    "azd pipeline config": "--provider",
    "azd provision": "--preview --no-prompt --no-state",
    "azd up": "--no-prompt",
    "azd version": "",
}
"""What the page and the workflow use of both command lines, as their `--help` has it."""

AZD_S_OWN: Final = {"AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_PRINCIPAL_ID", "AZURE_PRINCIPAL_TYPE"}

STAND_IN: Final = """\
#!{python}
import json, os, sys
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps([os.path.basename(sys.argv[0]), *sys.argv[1:]]) + "\\n")
print('{{"job_id":"01jyg74z6ee6e9y23ceq2fmwc4","status":"queued"}}' if "curl" in sys.argv[0] else "YW5zd2Vy")
"""


def blocks(language: str) -> list[str]:
    """Return the page's code blocks in a language."""
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def inline() -> list[list[str]]:
    """Return the commands that stand in the page's sentences and tables."""
    text = re.sub(r"^```.*?^```$", "", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [shlex.split(command) for command in re.findall(r"`(azd? [^`]+)`", text)]


def rows(first: str) -> list[list[str]]:
    """Return the cells of the table whose first heading is this one."""
    text = PAGE.read_text(encoding="utf-8")
    (table,) = re.findall(rf"^\| {first} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """What was called while the page's commands were run one after the other."""
    folder = tmp_path_factory.mktemp("tools")
    for tool in ("az", "azd", "curl", "git"):
        (folder / tool).write_text(STAND_IN.format(python=sys.executable), encoding="utf-8")
        (folder / tool).chmod(0o755)
    noted = folder / "calls"
    environ = {"PATH": f"{folder}{os.pathsep}/usr/local/bin:/usr/bin:/bin", "CALLS": str(noted), "HOME": str(folder)}
    script = "set -euo pipefail\n" + "\n".join(blocks("bash"))

    done = subprocess.run(
        ["bash", "-c", script], env=environ, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )

    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in noted.read_text(encoding="utf-8").splitlines()]


def problems(call: list[str]) -> str | None:
    """Say what a command line would not understand in a call; None if it would."""
    words = [word for word in call if not word.startswith("-")]
    for length in range(len(words), 0, -1):
        command = " ".join(call[:length])
        if command in COMMANDS:
            unknown = {word for word in call[length:] if word.startswith("-")} - set(COMMANDS[command].split())
            return f"{command} has no {sorted(unknown)}" if unknown else None
    return f"no such command: {shlex.join(call)}"


@pytest.mark.parametrize("number", range(len(blocks("bash"))))
def test_every_block_is_one_that_a_shell_can_read(number: int) -> None:
    """Each on its own, as it would be copied."""
    done = subprocess.run(["bash", "-n"], input=blocks("bash")[number], text=True, capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_every_command_and_option_exists(calls: list[list[str]]) -> None:
    """Those that were run, and those that stand in sentences."""
    called = [call for call in calls if call[0] in ("az", "azd")]

    assert len(called) > 30
    assert [problem for call in [*called, *inline()] if (problem := problems(call))] == []


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("azd down --purge", None),
        ("azd down --purgee", "azd down has no ['--purgee']"),
        ("azd dwon", "no such command: azd dwon"),
        ("az storage message put --queue-name q --conent x", "az storage message put has no ['--conent']"),
    ],
)
def test_misspelt_commands_and_options_are_found(call: str, problem: str | None) -> None:
    """The check above can fail."""
    assert problems(shlex.split(call)) == problem


def test_workflow_uses_commands_and_options_that_exist() -> None:
    """The commands of deploy.yml are held to the same table."""
    text = (ROOT / ".github" / "workflows" / "deploy.yml").read_text(encoding="utf-8")
    commands = re.findall(r"\bazd (?:auth|provision|deploy)\b[^\n`]*(?:\n +--[^\n]*)*", text.partition("steps:")[2])

    assert len(commands) == 3
    assert [problem for command in commands if (problem := problems(shlex.split(command)))] == []


def test_variables_that_are_set_are_those_of_the_template(calls: list[list[str]]) -> None:
    """A name that nobody reads would be set without a word."""
    known = set(re.findall(r"\$\{(\w+)\}", MAIN.with_name("main.parameters.json").read_text(encoding="utf-8")))
    setting = (["azd", "env", "set"], ["azd", "env", "set-secret"])
    named = {call[3] for call in [*calls, *inline()] if call[:3] in setting and len(call) > 3}

    assert named - {"NAME", "AZURE_SUBSCRIPTION_ID"} <= known


def test_values_that_are_asked_for_are_outputs_of_the_template(calls: list[list[str]]) -> None:
    """With these names azd keeps them once it has deployed."""
    asked = {call[3] for call in calls if call[:3] == ["azd", "env", "get-value"]}

    assert asked
    assert asked <= main_template().outputs


def test_every_variable_is_described_with_its_default() -> None:
    """The table has all that can be set, with the defaults of the template, and nothing else."""
    template = main_template()
    given = json.loads(MAIN.with_name("main.parameters.json").read_text(encoding="utf-8"))["parameters"]
    variables = {
        entry["value"][2:-1]: name for name, entry in given.items() if name not in template.required and entry["value"]
    }
    defaults = {
        variable: template.parameters[name]["default"]
        for variable, name in variables.items()
        if variable not in AZD_S_OWN
    }
    shown = {
        name: "empty" if value == "" else f"`{str(value).lower() if isinstance(value, bool) else value}`"
        for name, value in defaults.items()
    }

    assert {row[0].strip("`"): row[1] for row in rows("Variable")} == shown
    assert all(len(row[2].split()) >= 4 for row in rows("Variable"))


def test_every_role_of_the_app_is_in_the_table() -> None:
    """And no other."""
    described = {row[0].replace(" ", "").lower() for row in rows("role")}

    assert described == {role.lower() for roles in FOR_THE_APP.values() for role in roles}


def test_the_page_says_what_azd_asks() -> None:
    """Every parameter without a default is explained."""
    text = PAGE.read_text(encoding="utf-8")

    assert [name for name in main_template().required - {"environmentName"} if f"`{name}`" not in text] == []
