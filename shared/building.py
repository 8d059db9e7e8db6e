"""Building what settings describe: when it is first needed, and with an error that tells no secret."""

from collections.abc import Callable
from typing import Any, TypeVar

from shared.errors import ConfigurationError

Built = TypeVar("Built")


class OnDemand:
    """Stands for something that is built when it is first used: a download needs no video service."""

    def __init__(self, build: Callable[[], object]) -> None:
        self._build = build
        self._built: object = None

    def __getattr__(self, name: str) -> Any:
        if self._built is None:
            self._built = self._build()
        return getattr(self._built, name)


def usable(what: str, build: Callable[[], Built]) -> Built:
    """Build an adapter; what its SDK cannot make sense of is a setting, whose value its error may quote."""
    try:
        return build()
    except Exception as error:  # noqa: BLE001 - SDKs raise what they like over a malformed value
        raise ConfigurationError(f"the settings of {what} cannot be used: {type(error).__name__}") from None
