"""What a host.json can say: what this host reads, and what it leaves to Azure. Anything else is a slip of the pen.

Names are those of https://learn.microsoft.com/azure/azure-functions/functions-host-json and of the extensions' options
(DurableTaskOptions and QueuesOptions of the Durable 3.x and Storage extensions, HttpOptions of the host).
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

_Names = Mapping[str, Any]
_LEFT_TO_AZURE: Final[_Names] = {}
"""A section whose inside is not looked at."""

_DURABLE: Final = (
    *("hubName", "defaultVersion", "versionMatchStrategy", "versionFailureStrategy", "storageProvider", "tracing"),
    *("notifications", "maxConcurrentActivityFunctions", "maxConcurrentOrchestratorFunctions"),
    *("maxConcurrentEntityFunctions", "extendedSessionsEnabled", "extendedSessionIdleTimeoutInSeconds", "useAppLease"),
    *("useGracefulShutdown", "maxEntityOperationBatchSize", "storeInputsInOrchestrationHistory", "httpSettings"),
    *("maxGrpcMessageSizeInBytes", "grpcHttpClientTimeout", "overridableExistingInstanceStates"),
    *("entityMessageReorderWindowInMinutes", "maxOrchestrationActions", "localRpcEndpointEnabled"),
    *("rollbackEntityOperationsOnExceptions", "disableHttpManagementAPIs", "appLeaseOptions"),
)
_HTTP: Final = (
    *("routePrefix", "maxConcurrentRequests", "maxOutstandingRequests", "dynamicThrottlesEnabled", "customHeaders"),
    "hsts",
)
_QUEUES: Final = (
    *("maxPollingInterval", "visibilityTimeout", "batchSize", "maxDequeueCount", "newBatchThreshold"),
    "messageEncoding",
)
_OTHER_EXTENSIONS: Final = (
    *("blobs", "cosmosDB", "dapr", "eventGrid", "eventHubs", "kafka", "mysql", "rabbitMQ", "redis", "sendGrid"),
    *("serviceBus", "signalR", "sql", "tables", "warmup"),
)
_OTHERS: Final = (
    *("aggregator", "concurrency", "customHandler", "extensionBundle", "functions", "healthMonitor", "logging"),
    *(
        "managedDependency",
        "retry",
        "sendCanceledInvocationsToWorker",
        "singleton",
        "telemetryMode",
        "watchDirectories",
    ),
    *("watchFiles", "version", "functionTimeout", "httpWorker", "metadataProviderTimeout", "isDefaultHostConfig"),
    "$schema",
)

KNOWN: Final[_Names] = {
    **dict.fromkeys(_OTHERS, _LEFT_TO_AZURE),
    "extensions": {
        "durableTask": dict.fromkeys(_DURABLE, _LEFT_TO_AZURE),
        "http": dict.fromkeys(_HTTP, _LEFT_TO_AZURE),
        "queues": dict.fromkeys(_QUEUES, _LEFT_TO_AZURE),
        **dict.fromkeys(_OTHER_EXTENSIONS, _LEFT_TO_AZURE),
    },
}


def unknown_names(document: Any, known: _Names = KNOWN, path: str = "") -> Iterator[str]:
    """A sentence for every name that the host does not know, with the name that may be meant. Case is ignored."""
    if not known or not isinstance(document, dict):
        return
    by_lower_case = {name.lower(): name for name in known}
    for name, value in document.items():
        own = by_lower_case.get(name.lower())
        if own is not None:
            yield from unknown_names(value, known[own], f"{path}{own}.")
            continue
        near = get_close_matches(name.lower(), by_lower_case, 1)
        meant = f" Is {path + by_lower_case[near[0]]!r} meant?" if near else ""
        yield f"host.json has {path + name!r}, which the host does not know and ignores.{meant}"
