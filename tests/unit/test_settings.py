from collections.abc import Mapping

import pytest

from shared.errors import ConfigurationError
from shared.settings import Settings, load_settings
from tests.support.builders import FLOW

STORAGE = {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}
OPENAI = {"OPENAI_BASE_URL": "http://127.0.0.1:8001/v1", "OPENAI_MODEL": "sora-2"}
AZURE = {
    "AZURE_OPENAI_ENDPOINT": "https://videos.openai.azure.com",
    "AZURE_OPENAI_API_KEY": "azure-key",
    "AZURE_OPENAI_DEPLOYMENT": "sora-2",
}
SECRET = "zqxjkvb"


def environment_names() -> dict[str, str]:
    """Each field with the variable that sets it."""
    return {name: str(field.validation_alias or name.upper()) for name, field in Settings.model_fields.items()}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine's own."""
    for name in environment_names().values():
        monkeypatch.delenv(name, raising=False)


def load(monkeypatch: pytest.MonkeyPatch, *environments: Mapping[str, str]) -> Settings:
    for environment in environments:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
    return load_settings()


def problem(monkeypatch: pytest.MonkeyPatch, *environments: Mapping[str, str]) -> str:
    with pytest.raises(ConfigurationError) as error:
        load(monkeypatch, *environments)
    return str(error.value)


def test_storage_and_a_video_service_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything else has a default."""
    settings = load(monkeypatch, STORAGE, OPENAI)

    assert settings.provider == "openai"
    assert settings.video_container == "sora-videos"
    assert settings.azure_openai_token_scope == "https://cognitiveservices.azure.com/.default"
    assert settings.upstream_timeout_seconds == 60
    assert settings.job_routes_auth_level == "function"
    assert settings.openai_api_key is None


@pytest.mark.parametrize(
    ("environment", "provider"),
    [
        pytest.param(OPENAI, "openai", id="a server of one's own"),
        pytest.param({**OPENAI, "OPENAI_API_KEY": "k"}, "openai", id="a server with a key"),
        pytest.param(AZURE, "azure", id="Azure with a key"),
        pytest.param({**AZURE, "AZURE_OPENAI_API_KEY": ""}, "azure", id="Azure with an identity"),
        pytest.param({**AZURE, **OPENAI, "VIDEO_PROVIDER": "openai"}, "openai", id="both, the first chosen"),
        pytest.param({**AZURE, **OPENAI, "VIDEO_PROVIDER": "azure"}, "azure", id="both, the second chosen"),
    ],
)
def test_video_service_is_the_chosen_or_the_only_one(
    monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str], provider: str
) -> None:
    """One family of settings speaks for itself; with two, there is a choice."""
    assert load(monkeypatch, STORAGE, environment).provider == provider


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        pytest.param(
            {**STORAGE, **AZURE, **OPENAI},
            "set VIDEO_PROVIDER to azure or openai: both AZURE_OPENAI_* and OPENAI_* are set",
            id="two services and no choice",
        ),
        pytest.param(
            {**STORAGE, "AZURE_OPENAI_ENDPOINT": "https://videos.openai.azure.com", "OPENAI_API_KEY": "k"},
            "set VIDEO_PROVIDER to azure or openai: both AZURE_OPENAI_* and OPENAI_* are set",
            id="one variable of each",
        ),
        pytest.param(
            STORAGE,
            "set AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_DEPLOYMENT, or OPENAI_BASE_URL and OPENAI_MODEL",
            id="no service",
        ),
        pytest.param({**STORAGE, "OPENAI_MODEL": "sora-2"}, "set OPENAI_BASE_URL", id="no address"),
        pytest.param({**STORAGE, "OPENAI_BASE_URL": "https://a.example/v1"}, "set OPENAI_MODEL", id="no model"),
        pytest.param({**STORAGE, "OPENAI_API_KEY": "k"}, "set OPENAI_BASE_URL", id="a key only"),
        pytest.param({**STORAGE, **AZURE, "AZURE_OPENAI_ENDPOINT": ""}, "set AZURE_OPENAI_ENDPOINT", id="no endpoint"),
        pytest.param(
            {**STORAGE, **AZURE, "AZURE_OPENAI_DEPLOYMENT": ""}, "set AZURE_OPENAI_DEPLOYMENT", id="no deployment"
        ),
        pytest.param(
            {**STORAGE, **OPENAI, "VIDEO_PROVIDER": "azure"}, "set AZURE_OPENAI_ENDPOINT", id="the other one chosen"
        ),
        pytest.param(
            {**STORAGE, **AZURE, "VIDEO_PROVIDER": "openai"}, "set OPENAI_BASE_URL", id="the one that is not set chosen"
        ),
        pytest.param(
            OPENAI,
            "set AzureWebJobsStorage, AzureWebJobsStorage__blobServiceUri or AzureWebJobsStorage__accountName",
            id="no storage",
        ),
        pytest.param(
            {**STORAGE, **OPENAI, "VIDEO_PROVIDER": "other"},
            "VIDEO_PROVIDER: Input should be 'azure' or 'openai'",
            id="an unknown service",
        ),
        pytest.param(
            {**STORAGE, **OPENAI, "UNKNOWN_SUBMISSION": "guess"},
            "UNKNOWN_SUBMISSION: Input should be 'fail' or 'resubmit'",
            id="an unknown rule",
        ),
        pytest.param(
            {**STORAGE, **OPENAI, "JOB_ROUTES_AUTH_LEVEL": "open"},
            "JOB_ROUTES_AUTH_LEVEL: Input should be 'function' or 'anonymous'",
            id="an unknown level",
        ),
        pytest.param(
            {**STORAGE, "OPENAI_BASE_URL": "localhost:8001", "OPENAI_MODEL": "m"},
            "OPENAI_BASE_URL: must be an http or https URL",
            id="an address without a scheme",
        ),
        pytest.param(
            {**STORAGE, "OPENAI_BASE_URL": "https:///v1", "OPENAI_MODEL": "m"},
            "OPENAI_BASE_URL: must be an http or https URL",
            id="an address without a host",
        ),
        pytest.param(
            {**STORAGE, "OPENAI_BASE_URL": "http://127.0.0.1:port/v1", "OPENAI_MODEL": "m"},
            "OPENAI_BASE_URL: must be an http or https URL",
            id="an address without a number for its port",
        ),
        pytest.param(
            {**STORAGE, **OPENAI, "OPENAI_API_KEY": "own\nX-Header: value"},
            "OPENAI_API_KEY: must consist of printable ASCII characters",
            id="a line end inside a key",
        ),
        pytest.param(
            {**STORAGE, **AZURE, "AZURE_OPENAI_API_KEY": "schl\u00fcssel"},
            "AZURE_OPENAI_API_KEY: must consist of printable ASCII characters",
            id="a key that fits into no header",
        ),
        pytest.param(
            {**OPENAI, "AzureWebJobsStorage__blobServiceUri": "account.blob.core.windows.net"},
            "AzureWebJobsStorage__blobServiceUri: must be an http or https URL",
            id="a storage address without a scheme",
        ),
        pytest.param(
            {**STORAGE, **OPENAI, "POLL_FIRST_SECONDS": "0"},
            "POLL_FIRST_SECONDS: Input should be greater than 0",
            id="no time at all",
        ),
        pytest.param(
            {**STORAGE, **OPENAI, "POLL_FIRST_SECONDS": "soon", "RENDER_TIMEOUT_SECONDS": "inf"},
            "RENDER_TIMEOUT_SECONDS: Input should be a finite number; "
            "POLL_FIRST_SECONDS: Input should be a valid number, unable to parse string as a number",
            id="two problems at once",
        ),
    ],
)
def test_setting_that_is_missing_or_wrong_is_named(
    monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str], sentence: str
) -> None:
    """One sentence per problem says what to set."""
    assert problem(monkeypatch, environment) == sentence


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://videos.openai.azure.com",
        "https://videos.openai.azure.com/openai/v1/",
        "https://VIDEOS.OpenAI.Azure.com",
        "https://videos.cognitiveservices.azure.com/",
        "https://videos.services.ai.azure.com",
        "https://videos.openai.azure.us",
    ],
)
def test_identity_is_used_for_azure(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """An https address of Azure needs no key."""
    environment = {"AZURE_OPENAI_ENDPOINT": endpoint, "AZURE_OPENAI_DEPLOYMENT": "sora-2"}

    assert load(monkeypatch, STORAGE, environment).azure_openai_api_key is None


FOREIGN = [
    "http://videos.openai.azure.com",
    "https://videos.openai.azure.com.evil.example",
    "https://evil.example/videos.openai.azure.com",
    "https://evil.example?.openai.azure.com",
    "https://evil.example#.openai.azure.com",
    "https://videos.openai.azure.com@evil.example",
    "https://openai.azure.com",
    "https://evilopenai.azure.com",
    "https://azure.com",
    "https://127.0.0.1:8001",
]


@pytest.mark.parametrize("endpoint", FOREIGN)
def test_identity_is_never_sent_anywhere_else(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """A token sent to another host, or in the clear, is a leaked credential: such an endpoint needs a key."""
    environment = {"AZURE_OPENAI_ENDPOINT": endpoint, "AZURE_OPENAI_DEPLOYMENT": "sora-2"}

    assert problem(monkeypatch, STORAGE, environment) == (
        "set AZURE_OPENAI_API_KEY: AZURE_OPENAI_ENDPOINT is not an https address of Azure, "
        "so it is not sent an identity token"
    )


@pytest.mark.parametrize("endpoint", FOREIGN)
def test_foreign_endpoint_is_used_with_a_key(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """A gateway in front of Azure is fine as long as it has a key of its own."""
    assert load(monkeypatch, STORAGE, {**AZURE, "AZURE_OPENAI_ENDPOINT": endpoint}).provider == "azure"


def test_empty_variables_count_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """An example file can name every setting and leave most of them empty."""
    every_name_empty = dict.fromkeys(environment_names().values(), "")

    settings = load(monkeypatch, {**every_name_empty, **STORAGE, **OPENAI})

    monkeypatch.undo()
    assert settings.model_dump(exclude={"storage_connection_string", "openai_base_url", "openai_model"}) == {
        name: field.default
        for name, field in Settings.model_fields.items()
        if name not in {"storage_connection_string", "openai_base_url", "openai_model"}
    }


@pytest.mark.parametrize(("key", "used"), [("own-key\n", "own-key"), (" own-key ", "own-key"), (" \n", None)])
def test_white_space_around_a_key_is_dropped(monkeypatch: pytest.MonkeyPatch, key: str, used: str | None) -> None:
    """A key read from a file often brings a line end along; a blank one is none."""
    held = load(monkeypatch, STORAGE, OPENAI, {"OPENAI_API_KEY": key}).openai_api_key

    assert (held.get_secret_value() if held else None) == used


@pytest.mark.parametrize("name", environment_names().values())
def test_no_error_shows_a_value(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Any setting may hold a secret by mistake; an error says what is wrong, not with what."""
    values = [f"https://{SECRET}\uff0f.example", f"http://[{SECRET}", SECRET, f"ftp://u:{SECRET}@h", f" {SECRET}\n"]
    for value in values:
        # Storage and a service are incomplete, so that there is an error whatever the value does.
        text = problem(monkeypatch, {"OPENAI_BASE_URL": f"x{SECRET}", name: value})

        assert SECRET not in text
    with pytest.raises(ConfigurationError) as error:
        load_settings()
    assert error.value.__cause__ is None


def test_settings_do_not_show_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Printing the settings, by accident or in a traceback, shows no key."""
    settings = load(
        monkeypatch,
        {"AzureWebJobsStorage": f"AccountKey={SECRET}"},
        {**OPENAI, "OPENAI_API_KEY": SECRET, "AZURE_OPENAI_API_KEY": SECRET, "VIDEO_PROVIDER": "openai"},
    )

    assert SECRET not in f"{settings!r} {settings} {settings.model_dump()}"


def test_secrets_are_all_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """What must be taken out of a traceback is known, and only what is set."""
    keys = {"AzureWebJobsStorage": "one", "OPENAI_API_KEY": "two", "AZURE_OPENAI_API_KEY": "three"}

    everything = load(monkeypatch, AZURE, OPENAI, keys, {"VIDEO_PROVIDER": "azure"})
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("AZURE_OPENAI_API_KEY")
    storage_only = load(monkeypatch, {"AzureWebJobsStorage": "one"})

    assert set(everything.secrets) == {"one", "two", "three"}
    assert storage_only.secrets == ("one",)


def test_flow_is_what_a_job_carries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings that steer a story are a part of all settings, by the same names."""
    changed = {"POLL_FIRST_SECONDS": "0.25", "UNKNOWN_SUBMISSION": "resubmit"}

    defaults = load(monkeypatch, STORAGE, OPENAI).flow
    own = load(monkeypatch, changed).flow

    every = {**FLOW, "video_retention_seconds": 30 * 86_400}
    assert defaults.model_dump() == every
    assert own.model_dump() == {**every, "poll_first_seconds": 0.25, "unknown_submission": "resubmit"}


@pytest.mark.parametrize("name", ["poll_first_seconds", "Poll_First_Seconds"])
def test_names_are_read_in_any_case(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Variables are named as each platform likes to spell them."""
    assert load(monkeypatch, STORAGE, OPENAI, {name: "9"}).poll_first_seconds == 9


@pytest.mark.parametrize(
    "storage",
    [
        {"AzureWebJobsStorage__accountName": "videos"},
        {"AzureWebJobsStorage__blobServiceUri": "https://videos.blob.core.windows.net"},
        {"AzureWebJobsStorage__accountName": "videos", "AzureWebJobsStorage__clientId": "an id"},
    ],
)
def test_storage_by_identity_needs_no_connection_string(
    monkeypatch: pytest.MonkeyPatch, storage: Mapping[str, str]
) -> None:
    """An account's name or address stands in for a connection string."""
    assert load(monkeypatch, storage, OPENAI).storage_connection_string is None


def test_settings_cannot_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read at the start holds for the life of the process."""
    settings = load(monkeypatch, STORAGE, OPENAI)

    with pytest.raises(ValueError, match="frozen"):
        settings.video_container = "other"  # type: ignore[misc]  # frozen is what is tested
