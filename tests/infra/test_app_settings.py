"""What infra sets is read by somebody, and what the app needs is set, for every kind of video service."""

import re
from typing import Any, Final

import pytest

from shared.settings import Settings
from tests.infra.bicep import keys, main_template, templates
from tests.infra.evaluate import Evaluation
from tests.support.source_tree import ROOT

pytestmark = pytest.mark.timeout(300)

READ_BY_OTHERS: Final = {
    "AzureWebJobsStorage__tableServiceUri": "Functions host: histories of Durable Functions, its own diagnostic events",
    "AzureWebJobsStorage__queueServiceUri": "Functions host: queues of Durable Functions and of jobs",
    "AzureWebJobsStorage__credential": "Functions host: signs in to storage with an identity",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "Functions host, and the app's exporter: where telemetry goes",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "Functions host, and the app: sends telemetry with a token",
    "DURABLE_TASK_SCHEDULER_CONNECTION_STRING": "Durable Functions: named by the setting connectionStringName",
    "AzureFunctionsJobHost__extensions__durableTask__storageProvider__type": "Functions host: overrides host.json",
    "AzureFunctionsJobHost__extensions__durableTask__storageProvider__connectionStringName": "as above",
    "AzureFunctionsJobHost__extensions__durableTask__hubName": "as above",
}

FLEX_REFUSES: Final = {
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_WORKER_RUNTIME",
    "WEBSITE_RUN_FROM_PACKAGE",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "ENABLE_ORYX_BUILD",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTSHARE",
}
"""Settings of older plans, which Flex Consumption has in functionAppConfig or not at all."""

ALWAYS: Final = {"identity", "monitoring", "storage", "api"}

CLIENT_ID: Final = "00000000-0000-0000-0000-000000000000"

MADE: Final = {
    "identity.outputs.clientId": CLIENT_ID,
    "newAccount.outputs.endpoint": "https://oai-x.openai.azure.com/",
    "account.outputs.endpoint": "https://mine.cognitiveservices.azure.com/",
    "vault.outputs.secretUri": "https://kv-x.vault.azure.net/secrets/video-service-key",
    "topic.outputs.endpoint": "https://evgt-x.westeurope-1.eventgrid.azure.net/api/events",
    "scheduler.outputs.endpoint": "https://dts-x.westeurope.durabletask.io",
    "scheduler.outputs.taskHubName": "sora-video",
}
"""What Azure answers, by the path in main.bicep."""

APP_MADE: Final = {
    "account.properties.primaryEndpoints.blob": "https://stx.blob.core.windows.net/",
    "account.properties.primaryEndpoints.queue": "https://stx.queue.core.windows.net/",
    "account.properties.primaryEndpoints.table": "https://stx.table.core.windows.net/",
    "component.properties.ConnectionString": "InstrumentationKey=0;IngestionEndpoint=https://in.example.com/",
}
"""The same, by the path in function-app.bicep."""

OWN_SERVER: Final = {"videoService": "https://videos.example.com/v1", "videoModel": "m"}
CASES: Final[dict[str, tuple[dict[str, Any], set[str]]]] = {
    "own server without a key": (OWN_SERVER, set()),
    "own server with a key": ({**OWN_SERVER, "videoServiceKey": "k"}, {"vault"}),
    "new Azure OpenAI resource": ({"videoService": "new", "videoModel": "m", "videoServiceKey": "k"}, {"newAccount"}),
    "known Azure OpenAI resource": ({"videoService": "my-group/mine", "videoModel": "m"}, {"account"}),
    "queues and topic": (
        {**OWN_SERVER, "jobsQueue": "video-jobs", "eventsQueue": "video-events", "eventGridTopic": True},
        {"topic"},
    ),
    "scheduler": ({**OWN_SERVER, "durableBackend": "scheduler"}, {"scheduler"}),
}


def deployment(parameters: dict[str, Any]) -> Evaluation:
    """main.bicep with parameters, where only that exists which it makes."""
    anything = Evaluation(main_template(), parameters, MADE)
    made = {path: value for path, value in MADE.items() if anything.makes(path.partition(".")[0])}
    return Evaluation(main_template(), parameters, made)


def app_settings(parameters: dict[str, Any]) -> dict[str, str]:
    """All app settings of a deployment."""
    template = templates()["modules/function-app.bicep"]
    given = {"identityClientId": CLIENT_ID, "settings": deployment(parameters).passes("api", "settings")}
    settings = Evaluation(template, given, APP_MADE).value(template.resources["appSettings"]["config"]["properties"])
    return dict(settings)


def set_by_infra() -> set[str]:
    """Names of all app settings that the templates may set."""
    own = [main_template().variable(name) for name in ("appOwnSettings", "queueSettings", "schedulerSettings")]
    hosts = templates()["modules/function-app.bicep"].variable("hostSettings")
    return {key for value in (*own, hosts) for key in keys(value)}


def read_by_the_app() -> set[str]:
    """Names of all settings that the app reads."""
    return {str(field.validation_alias or name.upper()) for name, field in Settings.model_fields.items()}


def documented() -> set[str]:
    """Names of all settings in docs/settings.md."""
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `([A-Za-z_]+)` \|", text, re.MULTILINE))


def test_every_setting_that_infra_sets_is_read() -> None:
    """By the app, or by the Functions host or an SDK for a reason that is written down."""
    assert set_by_infra() - read_by_the_app() - set(READ_BY_OTHERS) == set()
    assert set(READ_BY_OTHERS) - set_by_infra() == set()


def test_every_setting_of_the_app_is_set_or_documented() -> None:
    """Who deploys knows of each, and can set it with the parameter appSettings."""
    assert read_by_the_app() - set_by_infra() - documented() == set()


@pytest.mark.parametrize("case", CASES)
def test_what_is_asked_for_is_made_and_nothing_else(case: str) -> None:
    """Whatever is optional is made only under its parameter."""
    parameters, expected = CASES[case]
    made = deployment(parameters)

    assert {module for module in main_template().modules if made.makes(module)} == ALWAYS | expected


@pytest.mark.parametrize("case", CASES)
def test_what_infra_sets_is_a_configuration_that_works(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the names and values that a deployment comes to, the app accepts its settings."""
    parameters, _ = CASES[case]
    settings = app_settings(parameters)
    for name in read_by_the_app():
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    accepted = Settings()

    assert accepted.provider == ("openai" if parameters["videoService"].startswith("https") else "azure")
    assert accepted.storage_blob_uri == "https://stx.blob.core.windows.net/"
    assert accepted.storage_client_id == CLIENT_ID
    assert all(isinstance(value, str) for value in settings.values())


def test_the_key_of_an_own_server_is_a_reference() -> None:
    """The setting says where the key is; without a key, and for Azure OpenAI, there is none."""
    with_key, without = (app_settings(CASES[f"own server {case} key"][0]) for case in ("with a", "without a"))

    assert with_key["OPENAI_API_KEY"] == (
        "@Microsoft.KeyVault(SecretUri=https://kv-x.vault.azure.net/secrets/video-service-key)"
    )
    assert without["OPENAI_API_KEY"] == app_settings(CASES["new Azure OpenAI resource"][0])["OPENAI_API_KEY"] == ""


def test_a_known_resource_is_looked_for_where_it_is() -> None:
    """The one answer names its resource group and the resource."""
    made = deployment(CASES["known Azure OpenAI resource"][0])
    scope = main_template().modules["account"]["config"]["scope"]

    assert made.value(scope) == "my-group"
    assert made.passes("account", "name") == "mine"


def test_the_scheduler_is_switched_on_by_settings_alone() -> None:
    """Three of them override host.json; without the scheduler none of them is set."""
    on = app_settings(CASES["scheduler"][0])
    host = "AzureFunctionsJobHost__extensions__durableTask__"

    assert on[f"{host}storageProvider__type"] == "azureManaged"
    assert on[on[f"{host}storageProvider__connectionStringName"]] == (
        f"Endpoint=https://dts-x.westeurope.durabletask.io;Authentication=ManagedIdentity;ClientID={CLIENT_ID}"
    )
    assert on[f"{host}hubName"] == "sora-video"
    assert [name for name in app_settings(OWN_SERVER) if "durableTask" in name or "SCHEDULER" in name] == []


def test_the_function_for_jobs_by_queue_exists_only_where_there_is_a_queue() -> None:
    """Whether it is registered is said by the setting's being there."""
    assert "JOBS_QUEUE" not in app_settings(OWN_SERVER)
    assert app_settings(CASES["queues and topic"][0])["JOBS_QUEUE"] == "video-jobs"


def test_settings_given_by_name_come_first() -> None:
    """The parameter appSettings wins over what the template makes up."""
    chosen = app_settings({**OWN_SERVER, "appSettings": {"TELEMETRY": "console", "MAX_CONCURRENT_RENDERS": "4"}})

    assert (chosen["TELEMETRY"], chosen["MAX_CONCURRENT_RENDERS"]) == ("console", "4")


@pytest.mark.parametrize(("retention", "net", "expected"), [(30, 90, 90), (365, 90, 396), (30, 400, 400)])
def test_the_safety_net_comes_after_the_retention(retention: int, net: int, expected: int) -> None:
    """Storage never removes a video that can still be downloaded."""
    made = deployment({**OWN_SERVER, "videoRetentionDays": retention, "videoSafetyNetDays": net})

    assert made.passes("storage", "videoSafetyNetDays") == expected


@pytest.mark.parametrize(
    ("given", "origins"),
    [("", []), ("https://a.example, https://b.example", ["https://a.example", "https://b.example"])],
)
def test_origins_are_separated_by_commas(given: str, origins: list[str]) -> None:
    """Blanks do not matter, and no origin is no origin."""
    assert deployment({**OWN_SERVER, "corsAllowedOrigins": given}).passes("api", "corsAllowedOrigins") == origins


def test_queues_are_made_where_asked_for() -> None:
    """With the queue of jobs comes its queue for poison, under the name that the host looks for."""
    template = templates()["modules/storage.bicep"]
    made = Evaluation(template, {"jobsQueue": "video-jobs", "eventsQueue": "video-events"}, {})
    none = Evaluation(template, {"jobsQueue": "", "eventsQueue": ""}, {})

    assert made.variable("jobsQueues") == ["video-jobs", "video-jobs-poison"]
    assert made.variable("eventsQueues") == ["video-events"]
    assert none.variable("jobsQueues") == none.variable("eventsQueues") == []


@pytest.mark.parametrize(("http", "durable", "ready"), [(0, 0, []), (1, 0, [("http", 1)]), (0, 2, [("durable", 2)])])
def test_instances_are_kept_running_where_asked_for(http: int, durable: int, ready: list[tuple[str, int]]) -> None:
    """By default nothing runs while nothing happens."""
    template = templates()["modules/function-app.bicep"]
    scale = template.resources["app"]["config"]["properties"]["functionAppConfig"]["scaleAndConcurrency"]
    kept = Evaluation(template, {"alwaysReadyHttp": http, "alwaysReadyDurable": durable}, {}).value(
        scale["alwaysReady"]
    )

    assert [(group["name"], group["instanceCount"]) for group in kept] == ready


def test_no_setting_is_one_that_the_plan_refuses() -> None:
    """Flex Consumption takes none of what older plans were told by settings."""
    assert set_by_infra() & FLEX_REFUSES == set()


def test_the_two_settings_that_are_missing_on_purpose_are_explained() -> None:
    """Whoever looks for them in the template finds out why they are not there."""
    text = templates()["modules/function-app.bicep"].text

    for name in ("AzureFunctionsJobHost__telemetryMode", "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY"):
        assert name not in set_by_infra()
        assert name in text


def test_the_app_runs_on_the_python_that_it_is_tested_with() -> None:
    """The version in the template is the one that the local tools prefer."""
    app = templates()["modules/function-app.bicep"].resources["app"]["config"]

    assert app["properties"]["functionAppConfig"]["runtime"] == {"name": "python", "version": "3.13"}
