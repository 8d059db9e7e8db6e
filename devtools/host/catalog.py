"""The app's functions, as the host knows them after indexing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from devtools.host.answer import KnownNames


@dataclass(frozen=True)
class AppFunction:
    """One function of the app and how it is triggered.

    `trigger` holds the trigger binding as function.json would; `clients` the names of its durable client parameters.
    """

    name: str
    call: Callable[..., Any]
    trigger: Mapping[str, Any]
    clients: tuple[str, ...] = ()
    wants_context: bool = False

    @property
    def parameter(self) -> str:
        """The name of the parameter that takes the trigger's value."""
        name: str = self.trigger["name"]
        return name

    @property
    def durable_name(self) -> str:
        """The name by which orchestrators and clients call it."""
        own = self.trigger.get("orchestration") or self.trigger.get("activity")
        return own or self.name


@dataclass(frozen=True)
class Catalog:
    """Everything that the host runs. Durable functions are found by lower-case name: the engine ignores case."""

    http: tuple[AppFunction, ...] = ()
    orchestrators: Mapping[str, AppFunction] = field(default_factory=dict)
    activities: Mapping[str, AppFunction] = field(default_factory=dict)
    timers: tuple[AppFunction, ...] = ()
    queues: tuple[AppFunction, ...] = ()
    uses_web_extension: bool = False

    @property
    def known_names(self) -> KnownNames:
        """The durable names, for the engine."""
        return KnownNames(
            {key: function.durable_name for key, function in self.orchestrators.items()},
            {key: function.durable_name for key, function in self.activities.items()},
        )

    def __len__(self) -> int:
        return sum(map(len, (self.http, self.orchestrators, self.activities, self.timers, self.queues)))
