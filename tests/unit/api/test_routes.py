import runpy
from pathlib import Path

import azure.functions as func
import pytest

from shared.api import routes


@pytest.mark.parametrize(
    ("value", "level"),
    [
        pytest.param(None, func.AuthLevel.FUNCTION, id="not set"),
        pytest.param("", func.AuthLevel.FUNCTION, id="empty"),
        pytest.param("function", func.AuthLevel.FUNCTION, id="as by default"),
        pytest.param("anonymous", func.AuthLevel.ANONYMOUS, id="opened"),
        pytest.param("Anonymous", func.AuthLevel.FUNCTION, id="another spelling"),
        pytest.param("anonymous ", func.AuthLevel.FUNCTION, id="a blank behind"),
        pytest.param("none", func.AuthLevel.FUNCTION, id="another word"),
    ],
)
def test_job_routes_ask_for_a_key_unless_the_one_word_opens_them(
    monkeypatch: pytest.MonkeyPatch, value: str | None, level: func.AuthLevel
) -> None:
    """A mistake in the setting keeps the routes closed."""
    monkeypatch.delenv("JOB_ROUTES_AUTH_LEVEL", raising=False)
    if value is not None:
        monkeypatch.setenv("JOB_ROUTES_AUTH_LEVEL", value)

    assert runpy.run_path(str(Path(routes.__file__)))["JOB_ROUTES"] == level
