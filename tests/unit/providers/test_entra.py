"""Tokens for Azure: where they come from, and what their absence is called."""

import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.identity import CredentialUnavailableError

from shared.errors import ProviderUnavailable
from shared.providers.entra import token_source
from tests.support.credential import FakeCredential

SCOPE = "https://cognitiveservices.azure.com/.default"


async def test_the_token_is_asked_for_with_the_scope() -> None:
    """Each call asks the credential, which caches by itself."""
    credential = FakeCredential()
    token = token_source(credential, SCOPE)

    assert await token() == "a-token"
    assert credential.scopes == [SCOPE]


@pytest.mark.parametrize(
    "error", [ClientAuthenticationError("tenant refused"), CredentialUnavailableError("no identity here")], ids=repr
)
async def test_an_identity_that_is_refused_or_missing_is_the_operators_to_mend(error: Exception) -> None:
    """It is named for who must act, and tried again meanwhile: a render under way must not be lost to it."""
    with pytest.raises(ProviderUnavailable) as raised:
        await token_source(FakeCredential(error), SCOPE)()

    assert raised.value.code == "upstream_auth"
    assert raised.value.retryable


@pytest.mark.parametrize("error", [ServiceRequestError("no route"), OSError("reset"), RuntimeError("odd")], ids=repr)
async def test_an_identity_service_in_trouble_is_a_passing_trouble(error: Exception) -> None:
    """And its text, which may name hosts and tenants, stays out of ours."""
    with pytest.raises(ProviderUnavailable) as raised:
        await token_source(FakeCredential(error), SCOPE)()

    assert raised.value.retryable
    assert str(error) not in str(raised.value)
