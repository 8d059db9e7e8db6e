"""Entra tokens for an Azure endpoint, in the error vocabulary of the provider port."""

from collections.abc import Awaitable, Callable

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError

from shared.errors import ProviderRejected, ProviderUnavailable


def token_source(credential: AsyncTokenCredential, scope: str) -> Callable[[], Awaitable[str]]:
    """Return a function that gives a valid bearer token; the credential caches and renews it.

    The function raises `ProviderRejected` (`upstream_auth`) where the identity is refused or missing, and
    `ProviderUnavailable` where it cannot be asked for.
    """

    async def token() -> str:
        try:
            return (await credential.get_token(scope)).token
        except (ClientAuthenticationError, CredentialUnavailableError) as error:
            raise ProviderRejected("upstream_auth", f"no token for {scope}: {type(error).__name__}") from error
        except Exception as error:
            raise ProviderUnavailable(f"no token for {scope}: {type(error).__name__}") from error

    return token
