"""The text that a durable client parameter is given, and the URLs in it (measured: names and order of keys)."""

import json
from dataclasses import dataclass
from urllib.parse import quote_plus

WEBHOOK_PATH = "/runtime/webhooks/durabletask"
RPC_PATH = "/durabletask"

_CONNECTION = "Storage"


@dataclass(frozen=True)
class ClientBinding:
    """Where the durable endpoints are: `public` is the app's origin, `rpc` the loopback listener's.

    `system_key` is the key that the public ones ask for, empty where they ask for none.
    """

    task_hub: str
    public: str
    rpc: str
    system_key: str = ""

    def text(self) -> str:
        """The binding's value."""
        urls = self.management_urls("INSTANCEID", with_rewind=True)
        start = f"{self.public}{WEBHOOK_PATH}/orchestrators/{{functionName}}[/{{instanceId}}]"
        wait = f"{start}?timeout={{timeoutInSeconds}}&pollingInterval={{intervalInSeconds}}"
        return json.dumps(
            {
                "taskHubName": self.task_hub,
                "connectionName": None,
                "creationUrls": {
                    "createNewInstancePostUri": f"{start}?{self._hub}",
                    "createAndWaitOnNewInstancePostUri": f"{wait}&{self._hub}",
                },
                "managementUrls": urls,
                "baseUrl": f"{self.public}{WEBHOOK_PATH}",
                "requiredQueryStringParameters": self._code,
                "rpcBaseUrl": f"{self.rpc}{RPC_PATH}/",
                "httpBaseUrl": None,
                "maxGrpcMessageSizeInBytes": None,
                "grpcHttpClientTimeout": None,
            }
        )

    def management_urls(self, instance_id: str, *, with_rewind: bool = False) -> dict[str, str]:
        """The URLs that steer an instance; the answer to a start has them without rewind."""
        base = f"{self.public}{WEBHOOK_PATH}/instances/{quote_plus(instance_id)}"
        urls = {
            "id": instance_id,
            "statusQueryGetUri": f"{base}?{self._hub}",
            "sendEventPostUri": f"{base}/raiseEvent/{{eventName}}?{self._hub}",
            "terminatePostUri": f"{base}/terminate?reason={{text}}&{self._hub}",
            "rewindPostUri": f"{base}/rewind?reason={{text}}&{self._hub}",
            "purgeHistoryDeleteUri": f"{base}?{self._hub}",
            "restartPostUri": f"{base}/restart?{self._hub}",
            "suspendPostUri": f"{base}/suspend?reason={{text}}&{self._hub}",
            "resumePostUri": f"{base}/resume?reason={{text}}&{self._hub}",
        }
        if not with_rewind:
            del urls["rewindPostUri"]
        return urls

    @property
    def _hub(self) -> str:
        hub = f"taskHub={self.task_hub}&connection={_CONNECTION}"
        return f"{hub}&{self._code}" if self._code else hub

    @property
    def _code(self) -> str:
        return f"code={quote_plus(self.system_key)}" if self.system_key else ""
