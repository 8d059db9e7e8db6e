"""An identity for tests: it gives one token, or raises what it is told to."""

from types import TracebackType
from typing import Any, Self

from azure.core.credentials import AccessToken


class FakeCredential:
    """An `AsyncTokenCredential`; `scopes` lists what it was asked for."""

    def __init__(self, error: Exception | None = None) -> None:
        self.scopes: list[str] = []
        self.closed = False
        self._error = error

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,  # noqa: ARG002 - named by the protocol
        tenant_id: str | None = None,  # noqa: ARG002 - named by the protocol
        enable_cae: bool = False,  # noqa: ARG002 - named by the protocol
        **_: Any,
    ) -> AccessToken:
        """Give the token for the next hour of 2026, or raise."""
        self.scopes.extend(scopes)
        if self._error is not None:
            raise self._error
        return AccessToken("a-token", 1767229200)

    async def close(self) -> None:
        """Remember it."""
        self.closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()
