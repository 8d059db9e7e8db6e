"""Telemetry to Application Insights; the only importer of Azure Monitor's exporter."""

from azure.core.credentials import TokenCredential
from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter, AzureMonitorTraceExporter

from shared.telemetry.exporting import exported
from shared.telemetry.open_telemetry import OpenTelemetry


def to_azure_monitor(connection_string: str, credential: TokenCredential | None, version: str) -> OpenTelemetry:
    """Return telemetry that goes to the resource of a connection string; `credential` signs it in where there is one.

    What cannot be sent is dropped, not kept on a disk that the app needs for videos.
    """
    options = {"connection_string": connection_string, "credential": credential, "disable_offline_storage": True}
    return exported(AzureMonitorTraceExporter(**options), AzureMonitorMetricExporter(**options), version)
