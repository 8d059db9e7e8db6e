import runpy
from pathlib import Path

import azure.functions as func
import pytest

from shared.api import routes
from shared.api.routes import allowed_methods


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


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        pytest.param("api/generate", ("POST",), id="as in the table"),
        pytest.param("/api/generate", ("POST",), id="with its slash"),
        pytest.param("API/Generate/", ("POST",), id="other case, slash at the end"),
        pytest.param("api/status/anything", ("GET", "HEAD"), id="a parameter is any segment"),
        pytest.param("api/jobs/anything", ("GET", "HEAD", "DELETE"), id="two functions at one path"),
        pytest.param("api/download/gen_x", ("GET", "HEAD"), id="a file"),
        pytest.param("api/ready", ("GET", "HEAD"), id="for everybody"),
        pytest.param("openapi.json", ("GET", "HEAD"), id="the root"),
        pytest.param("api/docs", ("GET", "HEAD"), id="a page"),
        pytest.param("api/docs/some.css", ("GET", "HEAD"), id="a file of the page"),
        pytest.param("", (), id="nothing"),
        pytest.param("api", (), id="a part of a path"),
        pytest.param("api/status", (), id="no parameter"),
        pytest.param("api/status/", (), id="an empty parameter"),
        pytest.param("api/status/a/b", (), id="more than the parameter"),
        pytest.param("api//generate", (), id="an empty segment"),
        pytest.param("api/generate//", (), id="two slashes at the end"),
        pytest.param("generate", (), id="without the prefix"),
    ],
)
def test_methods_of_a_path_are_those_of_the_route_that_the_host_would_take(path: str, methods: tuple[str, ...]) -> None:
    """The table is read as ASP.NET reads its templates."""
    assert allowed_methods(path) == methods
