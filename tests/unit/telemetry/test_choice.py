"""Which telemetry the settings choose; and that none costs nothing."""

import atexit
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from azure.identity import ManagedIdentityCredential

from shared import wiring
from shared.errors import ConfigurationError
from shared.settings import Settings, load_settings
from shared.telemetry import azure_monitor
from shared.telemetry.base import SILENT, Telemetry
from shared.telemetry.open_telemetry import OpenTelemetry
from shared.wiring import services
from tests.support.exporters import Metrics, Spans
from tests.support.source_tree import ROOT

NEEDED = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "OPENAI_BASE_URL": "http://127.0.0.1:8001/v1",
    "OPENAI_MODEL": "sora-2",
}
KEY = "00000000-0000-4000-8000-000000000000"
INSIGHTS = {
    "TELEMETRY": "azure_monitor",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey={KEY};IngestionEndpoint=http://127.0.0.1:9/",
}

PROBE = """
import asyncio, json, sys
from activities.boundary import run_activity
from shared.wiring import services

services()
outcome = asyncio.run(run_activity("release_place", {"job_id": "01jyg74z6ee6e9y23ceq2fmwc4", "grant": 1}, None))
assert outcome == {"failure": {"code": "internal", "reason": "unexpected", "retryable": True}}, outcome
rooms = ("opentelemetry.sdk", "azure.monitor", "shared.telemetry")
print(json.dumps(sorted(name for name in sys.modules if name.startswith(rooms))))
"""
"""An activity in a process of its own; its payload is wrong, so that it asks nobody for anything."""


@pytest.fixture(autouse=True)
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing built yet, and no setting of the machine's own; what is built is closed at the end."""
    closings: list[Any] = []
    monkeypatch.setattr(atexit, "register", closings.append)
    monkeypatch.setattr(wiring, "_current", [])
    monkeypatch.setenv("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "true")
    for name, field in Settings.model_fields.items():
        monkeypatch.delenv(str(field.validation_alias or name.upper()), raising=False)
    yield
    for close in closings:
        close()


async def chosen(monkeypatch: pytest.MonkeyPatch, settings: Mapping[str, str]) -> Telemetry:
    """Return the telemetry of the process's services."""
    for name, value in {**NEEDED, **settings}.items():
        monkeypatch.setenv(name, value)
    held = services()
    await held.store.close()
    return held.telemetry


@pytest.mark.parametrize("settings", [{}, {"TELEMETRY": ""}, {**INSIGHTS, "TELEMETRY": ""}], ids=["no", "none", "off"])
async def test_nobody_watches_unless_told_to(monkeypatch: pytest.MonkeyPatch, settings: Mapping[str, str]) -> None:
    """Azure sets the connection string for its own host; that is not a wish for more."""
    assert await chosen(monkeypatch, settings) is SILENT


async def test_console_is_for_a_look_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any other setting."""
    assert isinstance(await chosen(monkeypatch, {"TELEMETRY": "console"}), OpenTelemetry)


@pytest.mark.parametrize(
    ("sign_in", "client_id"),
    [
        pytest.param("Authorization=AAD", None, id="system-assigned"),
        pytest.param("Authorization=AAD;ClientId=an-id", "an-id", id="user-assigned"),
        pytest.param("ClientId=an-id; Authorization=aad", "an-id", id="other order"),
    ],
)
async def test_application_insights_is_signed_in_to_as_the_host_does(
    monkeypatch: pytest.MonkeyPatch, sign_in: str, client_id: str | None
) -> None:
    """With the identity that the host's own setting names."""
    exporters: list[dict[str, Any]] = []

    def spans(**told: Any) -> Spans:
        exporters.append(told)
        return Spans()

    def metrics(**told: Any) -> Metrics:
        exporters.append(told)
        return Metrics()

    monkeypatch.setattr(azure_monitor, "AzureMonitorTraceExporter", spans)
    monkeypatch.setattr(azure_monitor, "AzureMonitorMetricExporter", metrics)

    await chosen(monkeypatch, {**INSIGHTS, "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": sign_in})

    assert len(exporters) == 2
    for told in exporters:
        credential = told["credential"]
        assert isinstance(credential, ManagedIdentityCredential)
        assert told["connection_string"] == INSIGHTS["APPLICATIONINSIGHTS_CONNECTION_STRING"]
        assert told["disable_offline_storage"] is True
    assert load_settings().telemetry_client_id == client_id


@pytest.mark.parametrize("sign_in", ["", "Authorization=Key", "nonsense", "ClientId=an-id"])
def test_without_that_setting_telemetry_is_sent_without_identity(monkeypatch: pytest.MonkeyPatch, sign_in: str) -> None:
    """By the key in the connection string alone."""
    for name, value in {**NEEDED, **INSIGHTS, "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": sign_in}.items():
        monkeypatch.setenv(name, value)

    assert not load_settings().telemetry_signs_in


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"TELEMETRY": "azure_monitor"}, "set APPLICATIONINSIGHTS_CONNECTION_STRING"),
        ({"TELEMETRY": "zqxjkvb"}, "TELEMETRY: "),
    ],
)
async def test_settings_that_make_no_sense_are_named(
    monkeypatch: pytest.MonkeyPatch, settings: Mapping[str, str], sentence: str
) -> None:
    """Never by their values."""
    with pytest.raises(ConfigurationError) as error:
        await chosen(monkeypatch, settings)

    assert sentence in str(error.value)
    assert "zqxjkvb" not in str(error.value)


async def test_telemetry_that_cannot_be_had_keeps_nobody_from_working(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A resource that was made anew must not stop the app whose telemetry went to the old one."""
    broken = {**INSIGHTS, "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=zqxjkvb"}

    assert await chosen(monkeypatch, broken) is SILENT

    assert "telemetry cannot be used, nothing is told: ValueError" in caplog.messages
    assert "zqxjkvb" not in caplog.text


def test_key_of_application_insights_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself and as a part of the connection string."""
    for name, value in {**NEEDED, **INSIGHTS}.items():
        monkeypatch.setenv(name, value)

    assert {KEY, INSIGHTS["APPLICATIONINSIGHTS_CONNECTION_STRING"]} <= set(load_settings().secrets)


@pytest.mark.parametrize(
    ("telemetry", "loaded"), [("", {"shared.telemetry", "shared.telemetry.base"}), ("console", None)]
)
def test_nothing_of_opentelemetry_is_loaded_while_it_is_off(telemetry: str, loaded: set[str] | None) -> None:
    """Services and an activity need the port and nothing behind it."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", PROBE],
        cwd=ROOT,
        env={"PATH": "/nowhere", **NEEDED, "TELEMETRY": telemetry},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    found = set(json.loads(done.stdout.splitlines()[0]))
    assert found == loaded if loaded is not None else "opentelemetry.sdk.trace" in found
