"""Entra tokens for an Azure endpoint, in the error vocabulary of the provider port."""

from collections.abc import Awaitable, Callable

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError

from shared.errors import ProviderUnavailable


def token_source(credential: AsyncTokenCredential, scope: str) -> Callable[[], Awaitable[str]]:
    """Return a function that gives a valid bearer token; the credential caches and renews it.

    The function raises `ProviderUnavailable`: with the code `upstream_auth` where the identity is refused or missing,
    which may be mended, and must not cost a render that is under way.
    """

    async def token() -> str:
        try:
            return (await credential.get_token(scope)).token
        except (ClientAuthenticationError, CredentialUnavailableError) as error:
            refused = ProviderUnavailable(f"no token for {scope}: {type(error).__name__}")
            refused.code = "upstream_auth"
            raise refused from error
        except Exception as error:  # credentials of many kinds, each with the errors of its own transport
            raise ProviderUnavailable(f"no token for {scope}: {type(error).__name__}") from error

    return token
