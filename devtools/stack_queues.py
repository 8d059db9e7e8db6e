"""The queues that the app's settings name, made in the storage emulator before anybody writes to them.

As on Azure, where the deployment makes them: a queue trigger listens to a queue that is there, and makes none.
"""

from collections.abc import Mapping

from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueServiceClient

from devtools.stack_settings import ACCOUNT_KEY

SETTINGS = ("JOBS_QUEUE", "EVENTS_QUEUE")


def make_queues(account: str, environ: Mapping[str, str]) -> None:
    """Make the queues that the settings in `environ` name, at the address of an account."""
    with QueueServiceClient(account, credential=ACCOUNT_KEY) as service:
        for name in filter(None, (environ.get(setting, "") for setting in SETTINGS)):
            try:
                service.create_queue(name)
            except ResourceExistsError:
                continue  # from an earlier run on the same state
