"""The settings that say how much work is taken on, and their own limits."""

from collections.abc import Mapping

import pytest

from shared.errors import ConfigurationError
from shared.settings import Settings, load_settings

STORAGE = {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}
OPENAI = {"OPENAI_BASE_URL": "http://127.0.0.1:8001/v1", "OPENAI_MODEL": "sora-2"}
AZURE = {"AZURE_OPENAI_ENDPOINT": "https://videos.openai.azure.com", "AZURE_OPENAI_DEPLOYMENT": "sora-2"}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine's own."""
    for name, field in Settings.model_fields.items():
        monkeypatch.delenv(str(field.validation_alias or name.upper()), raising=False)


def load(monkeypatch: pytest.MonkeyPatch, *environments: Mapping[str, str]) -> Settings:
    for environment in environments:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
    return load_settings()


@pytest.mark.parametrize(
    ("environment", "calls"),
    [
        pytest.param(OPENAI, None, id="a server of one's own"),
        pytest.param(AZURE, 2, id="Azure, by its quota for sora-2"),
        pytest.param({**AZURE, "MAX_SUBMITS_PER_MINUTE": "6"}, 6, id="Azure, by another quota"),
        pytest.param({**OPENAI, "MAX_SUBMITS_PER_MINUTE": "6"}, 6, id="a server that counts, too"),
    ],
)
def test_submissions_a_minute_are_those_that_the_service_takes(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], calls: int | None
) -> None:
    """Azure's documented quota holds there unless another one is set."""
    assert load(monkeypatch, STORAGE, environment).submits_per_minute == calls


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("MAX_CONCURRENT_RENDERS", "0"),
        ("MAX_SUBMITS_PER_MINUTE", "0"),
        ("MAX_WAITING_JOBS", "-1"),
        ("MAX_JOBS_PER_DAY", "50001"),
        ("VIDEO_RETENTION_DAYS", "0"),
        ("HISTORY_RETENTION_DAYS", "3651"),
    ],
)
def test_limits_have_limits(monkeypatch: pytest.MonkeyPatch, name: str, wrong: str) -> None:
    """What would stop the app, or cannot be counted, is refused with the setting's name."""
    with pytest.raises(ConfigurationError, match=name):
        load(monkeypatch, STORAGE, OPENAI, {name: wrong})
