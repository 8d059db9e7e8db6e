"""What the app and its host get from the local stack and from a settings file."""

import json
from pathlib import Path

import pytest

from devtools.environment import ROOT
from devtools.host.local_settings import HostStart, SettingsFileError, load_host_start, load_values
from devtools.stack_parts import app_part
from devtools.stack_settings import (
    Storage,
    app_environment,
    check_settings,
    simulated_upstream,
    upstream_of,
)
from tests.support.stack import machine

STORAGE = Storage(10000, 10001, 10002)
SIMULATED = simulated_upstream("http://127.0.0.1:8001")


def environment(
    values: dict[str, str] | None = None,
    caller: dict[str, str] | None = None,
    upstream: dict[str, str] | None = None,
    overrides: dict[str, str] | None = None,
) -> dict[str, str]:
    """What the app sees, by default on the simulator."""
    return app_environment(
        values=values or {},
        caller=caller or {},
        upstream=upstream or SIMULATED,
        storage=STORAGE,
        overrides=overrides or {},
    )


def test_the_app_is_led_to_the_stack() -> None:
    """Upstream and storage are the stack's own."""
    seen = environment()

    assert seen["OPENAI_BASE_URL"] == "http://127.0.0.1:8001/v1"
    assert seen["OPENAI_API_KEY"] == "local-simulator"
    assert "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;" in seen["AzureWebJobsStorage"]


@pytest.mark.parametrize(
    "name",
    [
        "OPENAI_API_KEY",
        "OPENAI_ORG_ID",
        "openai_base_url",
        "AZURE_OPENAI_ENDPOINT",
        "AzureWebJobsStorage",
        "AzureWebJobsStorage__accountName",
        "VIDEO_PROVIDER",
    ],
)
def test_no_upstream_or_account_comes_from_the_callers_shell(name: str) -> None:
    """A developer's real key, whatever its case, is never used by the local stack."""
    seen = environment(caller={name: "real"})

    assert "real" not in seen.values()


def test_other_variables_of_the_caller_win_over_the_settings_file() -> None:
    """As with Core Tools."""
    seen = environment(values={"POLL_FIRST_SECONDS": "1", "B": "file"}, caller={"POLL_FIRST_SECONDS": "9"})

    assert (seen["POLL_FIRST_SECONDS"], seen["B"]) == ("9", "file")


def test_routes_are_open_where_nobody_asks_for_keys() -> None:
    """The app must not tell its callers to send a key that the local host would not look at."""
    kept = {"JOB_ROUTES_AUTH_LEVEL": "function"}

    assert environment(values=kept)["JOB_ROUTES_AUTH_LEVEL"] == "anonymous"
    assert environment(caller=kept)["JOB_ROUTES_AUTH_LEVEL"] == "function"


def test_a_tests_own_settings_win_over_all() -> None:
    """A test can point the app to an upstream that does not answer."""
    seen = environment(overrides={"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"})

    assert seen["OPENAI_BASE_URL"] == "http://127.0.0.1:1/v1"


def test_this_machine_is_never_reached_through_a_proxy() -> None:
    """A proxy for the outside world stays, without the stack's own addresses."""
    seen = environment(caller={"HTTP_PROXY": "http://proxy:3128", "no_proxy": "intranet"})

    assert seen["NO_PROXY"] == seen["no_proxy"] == "intranet,127.0.0.1,localhost"


def test_a_file_that_names_an_upstream_is_followed() -> None:
    """Only what belongs to the upstream is taken from it, and only what has a value."""
    values = {
        "AZURE_OPENAI_ENDPOINT": "https://x",
        "OPENAI_API_KEY": "",
        "VIDEO_PROVIDER": "azure",
        "LOG_LEVEL": "DEBUG",
    }

    assert upstream_of(values) == {"AZURE_OPENAI_ENDPOINT": "https://x", "VIDEO_PROVIDER": "azure"}


def test_an_upstream_filled_into_the_example_needs_nothing_else() -> None:
    """The simulator's values beside it are no second upstream."""
    example = load_values(ROOT / "local.settings.json.example")

    upstream = upstream_of({**example, "AZURE_OPENAI_ENDPOINT": "https://x", "AZURE_OPENAI_API_KEY": "made-up"})

    assert upstream["AZURE_OPENAI_ENDPOINT"] == "https://x"
    assert not {name for name in upstream if name.startswith("OPENAI_")}
    assert "VIDEO_PROVIDER" not in upstream


def test_the_example_itself_names_no_upstream() -> None:
    """It leads to the simulator, which the stack starts by itself."""
    assert upstream_of(load_values(ROOT / "local.settings.json.example")) == {}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"VIDEO_PROVIDER": "openai", "AZURE_OPENAI_TOKEN_SCOPE": "scope"},
        {"OPENAI_BASE_URL": "http://127.0.0.1:8001/v1", "OPENAI_API_KEY": "local-simulator"},
    ],
)
def test_a_copy_of_the_example_names_no_upstream(values: dict[str, str]) -> None:
    """Unchanged settings mean the simulator, wherever it listens."""
    assert upstream_of(values) == {}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is not JSON"),
        ("[]", 'has no "Values"'),
        ("{}", 'has no "Values"'),
        ('{"Values": {"A": 1}}', "must be an object of strings"),
        ('{"Values": []}', "must be an object of strings"),
    ],
)
def test_an_unusable_file_is_refused_in_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    """Every mistake is named together with the file."""
    path = tmp_path / "local.settings.json"
    path.write_text(text)

    with pytest.raises(SettingsFileError, match=sentence):
        load_values(path)


@pytest.mark.parametrize(
    ("upstream", "sentence"),
    [
        (
            {"AZURE_OPENAI_ENDPOINT": "https://x.openai.azure.com", "OPENAI_MODEL": "m"},
            "set VIDEO_PROVIDER to azure or openai: both AZURE_OPENAI_[*] and OPENAI_[*] are set",
        ),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, "set OPENAI_MODEL"),
        ({}, "set AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_DEPLOYMENT, or OPENAI_BASE_URL and OPENAI_MODEL"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_starts(upstream: dict[str, str], sentence: str) -> None:
    """Among them both families of upstream without a choice: the app's own sentence, with the file's name."""
    environ = {**machine(), "AzureWebJobsStorage": "UseDevelopmentStorage=true", **upstream}

    with pytest.raises(SettingsFileError, match=f"my.json cannot be used: {sentence}"):
        check_settings(Path("my.json"), environ)


def test_settings_that_can_work_are_not_refused() -> None:
    """One complete family and a storage account are enough."""
    upstream = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_MODEL": "m"}

    check_settings(Path("my.json"), {**machine(), "AzureWebJobsStorage": "UseDevelopmentStorage=true", **upstream})


def test_a_missing_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """The sentence says which file."""
    with pytest.raises(SettingsFileError, match=r"none\.json cannot be read: No such file"):
        load_values(tmp_path / "none.json")


def settings_file(folder: Path, host: object) -> Path:
    """A settings file with this section `Host`."""
    path = folder / "local.settings.json"
    path.write_text(json.dumps({"Values": {}, "Host": host}))
    return path


def test_the_section_host_is_read_by_the_names_of_core_tools(tmp_path: Path) -> None:
    """Port and origins; what else there may be is left to Core Tools."""
    path = settings_file(
        tmp_path, {"LocalHttpPort": 7071, "CORS": "http://a.example", "CORSCredentials": True, "Other": 1}
    )

    assert load_host_start(path) == HostStart(7071, "http://a.example", cors_credentials=True)


def test_a_file_needs_no_section_host(tmp_path: Path) -> None:
    """Then nothing is said about ports and origins."""
    path = tmp_path / "local.settings.json"
    path.write_text('{"Values": {}}')

    assert load_host_start(path) == HostStart(None, "", cors_credentials=False)


def test_the_example_allows_the_usual_development_servers() -> None:
    """Whoever builds a page beside the stack need not set anything."""
    assert load_host_start(ROOT / "local.settings.json.example") == HostStart(
        8000, "http://localhost:3000,http://localhost:5173", cors_credentials=False
    )


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ([], '"Host" of .* must be an object'),
        ({"LocalHttpPort": "8000"}, '"Host.LocalHttpPort" of .* must be a port'),
        ({"LocalHttpPort": True}, '"Host.LocalHttpPort" of .* must be a port'),
        ({"LocalHttpPort": 65536}, '"Host.LocalHttpPort" of .* must be a port'),
        ({"CORS": ["http://a.example"]}, '"Host.CORS" of .* must be a string'),
        (
            {"CORS": "http://a.example/app"},
            "\"Host.CORS\" of .* cannot be used. CORS: 'http://a.example/app' is not an",
        ),
        ({"CORS": "*", "CORSCredentials": True}, '"Host.CORS" of .* cannot be used. .* exclude each other'),
        ({"CORSCredentials": "true"}, '"Host.CORSCredentials" of .* must be true or false'),
    ],
)
def test_an_unusable_section_host_is_refused_in_a_sentence(tmp_path: Path, host: object, sentence: str) -> None:
    """Before anything starts, with the file's name."""
    with pytest.raises(SettingsFileError, match=sentence):
        load_host_start(settings_file(tmp_path, host))


def test_the_host_is_started_with_the_files_origins() -> None:
    """As options of its command line, beside the stack's own."""
    start = HostStart(None, "http://a.example", cors_credentials=True)

    part = app_part(ROOT, Path("state"), 8000, {}, [*start.options, "--faults"])

    assert part.command[-3:] == ["--cors=http://a.example", "--cors-credentials", "--faults"]
    assert HostStart().options == []
