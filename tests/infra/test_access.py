"""Access by identity alone: no keys anywhere, and exactly the roles that the code needs."""

import json
import re
from typing import Any, Final

import pytest

from tests.infra.bicep import INFRA, templates

pytestmark = pytest.mark.timeout(300)

ROLES: Final = {
    "storageBlobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "storageBlobDataReader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "storageQueueDataContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "storageTableDataContributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "monitoringMetricsPublisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "cognitiveServicesUser": "a97b65f3-24c7-4388-baec-2e87135dc908",
    "keyVaultSecretsUser": "4633458b-17de-408a-b874-0445c86b69e6",
    "eventGridDataSender": "d5a91429-5739-47e2-a06b-3470a27159e7",
    "durableTaskDataContributor": "0ad04412-c4d5-4796-b79c-f76d14c8d402",
    "durableTaskDataReader": "d6a5505f-6ebb-45a4-896e-ac8274cfc0ac",
}
"""Azure's built-in roles have the same ids everywhere."""

FOR_THE_APP: Final = {
    "modules/storage.bicep": {
        "storageBlobDataOwner",  # the host's leases, keys and package; videos and records
        "storageQueueDataContributor",  # Durable Functions, jobs in, events out
        "storageTableDataContributor",  # histories
    },
    "modules/monitoring.bicep": {"monitoringMetricsPublisher"},  # telemetry of the host and the app
    "modules/azure-openai-access.bicep": {"cognitiveServicesUser"},  # renders
    "modules/key-vault.bicep": {"keyVaultSecretsUser"},  # the key of an own server
    "modules/event-grid.bicep": {"eventGridDataSender"},  # events
    "modules/scheduler.bicep": {"durableTaskDataContributor"},  # orchestrations
}

FOR_THE_DEPLOYER: Final = {
    "modules/storage.bicep": {"storageBlobDataReader", "storageQueueDataContributor"},
    "modules/scheduler.bicep": {"durableTaskDataReader"},
}


def assigned(name: str, principal: str) -> set[str]:
    """Roles that a template assigns to a principal, by the names of their variables."""
    template = templates()[name]
    roles: set[str] = set()
    for resource in template.resources.values():
        if resource["type"] != "Microsoft.Authorization/roleAssignments":
            continue
        config = resource["config"]
        loop = config.get("loop_type")
        config = config if "properties" in config else config["config"]
        properties = config["properties"]
        if properties["principalId"] != principal:
            continue
        role = properties["roleDefinitionId"]["function"]["parameters"]["resource_name_1"]
        roles |= set(listed(template.variable(loop["detail"]["array_name"]))) if loop else {role}
    return roles


def listed(value: Any) -> list[str]:
    """The items of a list, also where a condition chooses between lists."""
    if isinstance(value, list):
        return [str(item) for item in value]
    operands = value["operator"]["operands"]
    return listed(operands["true_value"]) + listed(operands["false_value"])


def properties(name: str, kind: str) -> dict[str, Any]:
    """Properties of the one resource of a type in a template."""
    (found,) = [resource for resource in templates()[name].resources.values() if resource["type"] == kind]
    return dict(found["config"]["properties"])


@pytest.mark.parametrize("name", sorted(path.relative_to(INFRA).as_posix() for path in INFRA.rglob("*.bicep")))
def test_the_app_has_the_roles_that_it_needs_and_no_others(name: str) -> None:
    """Each role has a reason, in the table above and in the template."""
    assert assigned(name, "appPrincipalId") == FOR_THE_APP.get(name, set())
    assert assigned(name, "deployerPrincipalId") == FOR_THE_DEPLOYER.get(name, set())


def test_every_role_is_the_one_that_it_is_called() -> None:
    """Ids of roles are long and look alike; each stands once, under the name of its role."""
    declared = [
        found
        for template in templates().values()
        for found in re.findall(r"^var (\w+) = '([0-9a-f-]{36})'", template.text, re.MULTILINE)
    ]

    assert sorted(declared) == sorted(ROLES.items())


def test_role_assignments_have_names_of_their_own() -> None:
    """The name is made of scope, principal and role: deploying twice assigns once, two roles do not collide."""
    for template in templates().values():
        for symbol, resource in template.resources.items():
            if resource["type"] == "Microsoft.Authorization/roleAssignments":
                declaration = template.text.split(f"resource {symbol} ")[1].split("\n}")[0]
                scope = re.search(r"scope: (\w+)", declaration)
                assert scope
                named = re.search(r"name: guid\((\w+)\.id, (\w+), (\w+)\)", declaration)
                assert named, symbol
                assert named[1] == scope[1]
                assert f"principalId: {named[2]}" in declaration
                assert f"roleDefinitions', {named[3]})" in declaration


def test_whoever_deploys_gets_access_to_data_only_if_asked_for() -> None:
    """The parameter is off by default, and the principal reaches modules only through it."""
    main = templates()["main.bicep"]

    assert main.parameters["deployerAccess"]["default"] is False
    assert "var deployerId = deployerAccess ? principalId : ''" in main.text
    assert main.text.count("principalId\n") == main.text.count("identity.outputs.principalId\n")


def test_no_key_is_read_and_none_stands_in_a_template() -> None:
    """No listKeys, no connection string with a key, no shared access signature; nothing secret comes out."""
    everything = "\n".join(template.text for template in templates().values())
    everything += (INFRA / "main.parameters.json").read_text(encoding="utf-8")

    assert (
        re.findall(r"(?i)list\w*keys?\(|accountkey|sharedaccess|instrumentationkey|listsecrets|\bsas\b", everything)
        == []
    )
    assert re.findall(r"[A-Za-z0-9+/]{40,}={0,2}(?=['\"])", everything) == []


def test_the_only_secret_goes_into_the_vault_alone() -> None:
    """The key of an own server is a secure parameter wherever it is passed, and in no setting."""
    for template in templates().values():
        for name, parameter in template.parameters.items():
            secure = any(decorator["type"] == "secure" for decorator in parameter["decorators"])
            assert secure == (name == "videoServiceKey"), name
    main = templates()["main.bicep"]
    uses = [line.strip() for line in main.text.splitlines() if "videoServiceKey" in line]

    assert uses == [
        "param videoServiceKey string = ''",
        "var hasKey = isOwnServer && !empty(videoServiceKey)",
        "videoServiceKey: videoServiceKey",
    ]


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        (
            "modules/storage.bicep",
            "Microsoft.Storage/storageAccounts",
            {
                "allowSharedKeyAccess": False,
                "allowBlobPublicAccess": False,
                "allowCrossTenantReplication": False,
                "defaultToOAuthAuthentication": True,
                "minimumTlsVersion": "TLS1_2",
                "supportsHttpsTrafficOnly": True,
            },
        ),
        ("modules/monitoring.bicep", "Microsoft.Insights/components", {"DisableLocalAuth": True}),
        ("modules/azure-openai.bicep", "Microsoft.CognitiveServices/accounts", {"disableLocalAuth": True}),
        (
            "modules/event-grid.bicep",
            "Microsoft.EventGrid/topics",
            {"disableLocalAuth": True, "inputSchema": "CloudEventSchemaV1_0"},
        ),
        ("modules/key-vault.bicep", "Microsoft.KeyVault/vaults", {"enableRbacAuthorization": True}),
        (
            "modules/function-app.bicep",
            "Microsoft.Web/sites",
            {"httpsOnly": True, "keyVaultReferenceIdentity": "identityId"},
        ),
    ],
)
def test_keys_are_switched_off(name: str, kind: str, expected: dict[str, Any]) -> None:
    """Every service answers to identities alone, over encrypted connections alone."""
    found = properties(name, kind)

    assert {key: found[key] for key in expected} == expected


def test_passwords_for_deployment_are_switched_off() -> None:
    """Both doors of the publishing profile."""
    resources = templates()["modules/function-app.bicep"].resources.values()
    doors = [
        resource["config"]
        for resource in resources
        if resource["type"] == "Microsoft.Web/sites/basicPublishingCredentialsPolicies"
    ]

    assert {door["name"]: door["properties"]["allow"] for door in doors} == {"scm": False, "ftp": False}


def test_storage_removes_videos_and_nothing_else_by_itself() -> None:
    """The rule has one prefix, which is that of videos, and comes long after the app's own removal."""
    policy = properties("modules/storage.bicep", "Microsoft.Storage/storageAccounts/managementPolicies")["policy"]
    (rule,) = policy["rules"]

    assert rule["definition"]["filters"] == {"blobTypes": ["blockBlob"], "prefixMatch": ["${videoContainer}/videos/"]}
    assert list(rule["definition"]["actions"]) == ["baseBlob"]
    assert "videoSafetyNetDays: max(videoSafetyNetDays, videoRetentionDays + 31)" in templates()["main.bicep"].text


def test_videos_are_where_the_rule_looks_for_them() -> None:
    """The prefix in the template is the one that the app writes to."""
    from shared.jobs.ids import JobId, video_blob

    assert video_blob(JobId("01jyg74z6ee6e9y23ceq2fmwc4")).startswith("videos/")


def test_main_parameters_hold_no_values() -> None:
    """The file that is committed has places for values, and the one object that is meant to be edited."""
    values = json.loads((INFRA / "main.parameters.json").read_text(encoding="utf-8"))["parameters"].values()

    assert all(entry["value"] == {} or re.fullmatch(r"\$\{[A-Z_]+\}", entry["value"]) for entry in values)
