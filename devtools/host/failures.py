"""Ways in which functions fail, and the texts that the engine makes of them.

The texts are copied from measurements because the SDK hands them to orchestrators; an app should not read them.
"""

import traceback
from dataclasses import dataclass

from devtools.host import jsontext

# The SDK appends an orchestrator's state to the message of the exception it raises, behind this label.
STATE_LABEL = "\n\n$OutOfProcData$:"

_DOT_NET_TRACE = (
    "   at System.Threading.Tasks.Task.ThrowIfExceptional(Boolean includeTaskCanceledExceptions)\n"
    "   at System.Threading.Tasks.Task`1.get_Result()\n"
    "   at Microsoft.Azure.WebJobs.Extensions.DurableTask.TaskOrchestrationShim.InvokeUserCodeAndHandleResults("
    "RegisteredFunctionInfo orchestratorInfo, OrchestrationContext innerContext)"
)


@dataclass(eq=False)  # not frozen: context managers set an exception's traceback
class FunctionError(Exception):
    """A function raised: the exception as the worker reports it to the host."""

    type_name: str
    message: str
    stack: str

    @classmethod
    def from_exception(cls, error: BaseException) -> "FunctionError":
        """The report of an exception that a function raised."""
        try:
            message = str(error)
        except Exception:  # noqa: BLE001  # an exception that cannot describe itself must not take the host along
            message = ""
        return cls(type(error).__name__, message, "".join(traceback.format_exception(error)))

    def __str__(self) -> str:
        return f"{self.type_name}: {self.message}"

    @property
    def report(self) -> str:
        """The text in which the failure travels from worker to host."""
        return f"Result: Failure\nException: {self.type_name}: {self.message}\nStack: {self.stack}"


class FunctionTimeoutError(FunctionError):
    """The function took longer than `functionTimeout`, whatever it has returned or raised since."""

    def __init__(self, sentence: str) -> None:
        super().__init__("FunctionTimeoutException", sentence, "")


class EpisodeAbortedError(Exception):
    """An orchestrator has taken too long: nothing of its episode counts, and the episode is to be run again.

    Read in the Durable extension (`DurableTaskExtension.OrchestrationMiddleware`).
    """


class TaskFailed(Exception):  # named as the event that causes it
    """An activity or a sub-orchestration failed; the orchestrator knows, the engine goes on."""


class TimerCancelled(Exception):  # an outcome of a timer rather than an error
    """A timer was cancelled by the orchestrator."""


class UnknownFunctionError(Exception):
    """An action names a function that the app does not have."""


class OrchestrationFailed(Exception):  # named as the state that it leads to
    """The execution ends as Failed with this text as its output; `details` are for a parent."""

    def __init__(self, text: str, details: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.details = details


def activity_failure(name: str, error: FunctionError) -> tuple[str, str]:
    """Reason and details of a TaskFailed event."""
    message = f" {error}"  # two blanks in the reason: the engine cuts its label without the blank behind it
    inner = {"$type": "RpcException, Host", "ClassName": None, "Message": error.report, "InnerException": None}
    details = {
        "$type": "System.Exception, System.Private.CoreLib",
        "ClassName": "System.Exception",
        "Message": message,
        "Data": None,
        "InnerException": inner,
        "StackTraceString": None,
        "HResult": -2146233088,
    }
    return f"Activity function '{name}' failed: {message}", jsontext.dumps(details)


def activity_ended_with_its_worker(name: str, sentence: str) -> tuple[str, str]:
    """Reason and details of a TaskFailed event where a function took too long, this one or another of its worker.

    Read in the Durable extension (`Listener/TaskActivityShim.cs`: a time-out counts as the function's own error) and in
    the host (the others of the restarted worker fail with the same exception), not measured.
    """
    type_name = "Microsoft.Azure.WebJobs.Host.FunctionTimeoutException"
    details = {
        "$type": f"{type_name}, Microsoft.Azure.WebJobs.Host",
        "ClassName": type_name,
        "Message": sentence,
        "Data": None,
        "InnerException": None,
        "StackTraceString": None,
        "HResult": -2146233088,
    }
    return f"Activity function '{name}' failed: {sentence}", jsontext.dumps(details)


def orchestrator_failure(name: str, message: str) -> OrchestrationFailed:
    """How an orchestrator's own error ends its instance."""
    details = f"Message: {message}, StackTrace: {_DOT_NET_TRACE}"
    return OrchestrationFailed(f"Orchestrator function '{name}' failed: {message}", details)
