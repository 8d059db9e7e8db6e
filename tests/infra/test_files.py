"""The files around the templates: what azd, GitHub and dev containers read, and the lock file of the checks."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]  # comes without types

from tests.support.source_tree import ROOT

WORKFLOWS: Final = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def workflow(name: str) -> dict[str, Any]:
    """A workflow as GitHub reads it; its key `on` is the value true to YAML 1.1."""
    loaded: dict[Any, Any] = yaml.safe_load(
        (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    )
    return {"on" if key is True else key: value for key, value in loaded.items()}


def steps(name: str) -> list[dict[str, Any]]:
    """All steps of a workflow's jobs."""
    return [step for job in workflow(name)["jobs"].values() for step in job["steps"]]


def test_azd_deploys_this_folder_as_the_service_that_the_template_tags() -> None:
    """It finds the function app by the tag, and has Azure install the libraries."""
    described = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))
    tagged = (ROOT / "infra" / "modules" / "function-app.bicep").read_text(encoding="utf-8")

    assert described["services"] == {
        "api": {"project": ".", "language": "python", "host": "function", "remoteBuild": True}
    }
    assert "'azd-service-name': 'api'" in tagged


def test_what_deploys_is_not_deployed() -> None:
    """Templates, workflows and the notes that azd keeps stay out of the package."""
    patterns = set((ROOT / ".funcignore").read_text(encoding="utf-8").split())

    assert patterns >= {
        "infra/",
        "azure.yaml",
        ".azure/",
        ".git*",
        ".devcontainer/",
        "requirements*.in",
        "requirements-iac.txt",
    }


def test_what_azd_notes_is_not_committed() -> None:
    """The folder .azure holds values of environments."""
    assert ".azure/" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()


def test_lock_file_of_the_checks_is_pinned_hashed_and_names_no_registry() -> None:
    """As the other lock files are."""
    text = (ROOT / "requirements-iac.txt").read_text(encoding="utf-8")
    entries = [entry for entry in re.split(r"\n(?=[^\s#])", text) if not entry.startswith("#")]

    assert any(entry.startswith("checkov==") for entry in entries)
    for entry in entries:
        assert re.match(r"[a-z0-9][a-z0-9._-]*==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry
    for name in ("requirements-iac.txt", "requirements-iac.in"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert re.findall(r"https?://|--index-url|--extra-index-url|--find-links|^-i |^-f ", text) == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_may_do_no_more_than_they_must(path: Path) -> None:
    """They read the code; the one that deploys may also ask GitHub who it is."""
    described = workflow(path.stem)
    granted = {job: facts.get("permissions") for job, facts in described["jobs"].items()}

    assert described["permissions"] == {"contents": "read"}
    assert granted in ({"test": None}, {"deploy": {"contents": "read", "id-token": "write"}})
    assert all(facts["timeout-minutes"] <= 60 for facts in described["jobs"].values())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit_and_keep_no_token(path: Path) -> None:
    """A tag can be moved; the version behind the commit stands beside it for the reader."""
    text = path.read_text(encoding="utf-8")
    used = re.findall(r"uses: (\S+)(.*)", text)

    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action
    checkouts = [step for step in steps(path.stem) if step.get("uses", "").startswith("actions/checkout@")]
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_script_of_a_workflow_is_put_together_from_expressions(path: Path) -> None:
    """What others can choose, such as the name of a branch, reaches scripts as variables alone."""
    scripts = [step["run"] for step in steps(path.stem) if "run" in step]

    assert scripts
    assert [script for script in scripts if "${{" in script] == []
    for script in scripts:
        assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0


def test_ci_runs_what_a_developer_runs() -> None:
    """On every push and pull request, on the oldest and on Azure's Python."""
    described = workflow("test")

    assert set(described["on"]) == {"push", "pull_request"}
    assert described["jobs"]["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.13"]
    assert [step["run"] for step in steps("test") if "run" in step] == ["make test"]


def test_deployment_is_started_by_hand_in_a_protected_environment() -> None:
    """Without a stored password: the only secret is the key of a video service of one's own."""
    described = workflow("deploy")
    text = (ROOT / ".github" / "workflows" / "deploy.yml").read_text(encoding="utf-8")

    assert described["on"] == {"workflow_dispatch": None}
    assert described["jobs"]["deploy"]["environment"] == "production"
    assert set(re.findall(r"secrets\.(\w+)", text)) == {"VIDEO_SERVICE_KEY"}
    assert "--federated-credential-provider github" in text


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed; runners of GitHub have it")
def test_deployment_takes_over_the_variables_that_the_template_knows(tmp_path: Path) -> None:
    """Those that are set, and no others: neither an empty one nor one that could change how the run works."""
    (script,) = [step["run"] for step in steps("deploy") if "VARIABLES" in step.get("env", {})]
    given = {"VIDEO_MODEL": "sora 2", "JOBS_QUEUE": "", "PATH": "/elsewhere", "AZURE_ENV_NAME": "videos", "VIDEO": "x"}
    noted = tmp_path / "noted"
    environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", "VARIABLES": json.dumps(given), "GITHUB_ENV": str(noted)}

    subprocess.run(["bash", "-e", "-c", script], cwd=ROOT, env=environ, check=True, timeout=30)

    assert sorted(noted.read_text(encoding="utf-8").splitlines()) == ["AZURE_ENV_NAME=videos", "VIDEO_MODEL=sora 2"]


def test_dev_container_has_the_tools_and_the_ports() -> None:
    """Core Tools, azd, the Azure CLI, Node.js for Azurite; the API's port and the emulator's."""
    described = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    features = {name.rpartition("/")[2].partition(":")[0] for name in described["features"]}

    assert features == {"azd", "azure-cli", "azure-functions-core-tools", "node"}
    assert described["image"].startswith("mcr.microsoft.com/devcontainers/python:3.13")
    assert described["forwardPorts"] == [8000, 10000, 10001, 10002]
    assert set(described["portsAttributes"]) == {str(port) for port in described["forwardPorts"]}
    assert described["postCreateCommand"].startswith("npm ci ")
