"""Keys: what each opens, where they are kept, and what is answered without them."""

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import azure.functions as func
import httpx
import pytest

from devtools.host.http_front import HttpFront
from devtools.host.indexing import index
from devtools.host.keys import SYSTEM_KEY, Keys, KeysError, Level, read_keys
from devtools.host.worker import Worker
from tests.unit.host.extended import management

KEYS = Keys("master", "system", ("host",), {"own": ("own-key",), "other": ("other-key",)}, ("eventgrid",))
DURABLE = "/runtime/webhooks/durabletask/instances/x"


def app_with_levels() -> func.FunctionApp:
    """Functions of each level, and two of level function with keys of their own."""
    app = func.FunctionApp()

    @app.function_name("Own")
    @app.route("own", auth_level=func.AuthLevel.FUNCTION)
    def own(req: func.HttpRequest) -> str:
        return str(req.method)

    @app.route("other", auth_level=func.AuthLevel.FUNCTION)
    def other(req: func.HttpRequest) -> str:
        return str(req.method)

    @app.route("free", auth_level=func.AuthLevel.ANONYMOUS)
    def free(req: func.HttpRequest) -> str:
        return str(req.method)

    @app.route("boss", auth_level=func.AuthLevel.ADMIN)
    def boss(req: func.HttpRequest) -> str:
        return str(req.method)

    return app


@pytest.fixture
async def http(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """A front that asks for KEYS."""
    monkeypatch.delitem(sys.modules, "azurefunctions.extensions.base", raising=False)
    catalog = index(app_with_levels())
    worker = Worker(catalog, "{}")
    front = HttpFront(catalog, worker, "api", management, KEYS)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(front), base_url="http://app") as client:
        yield client
    worker.close()


@pytest.mark.parametrize(
    ("path", "opened_by"),
    [
        ("/api/free", {None, "wrong", "master", "system", "host", "own-key", "other-key"}),
        ("/api/own", {"master", "host", "own-key"}),
        ("/api/other", {"master", "host", "other-key"}),
        ("/api/boss", {"master"}),
        (DURABLE, {"master", "system"}),
        ("/admin/host/ping", {None, "wrong", "master", "system", "host", "own-key", "other-key"}),
    ],
)
async def test_key_opens_what_it_is_for(path: str, opened_by: set[str | None], http: httpx.AsyncClient) -> None:
    """A function's own key opens that function, the host's all of them, the master key everything."""
    for key in (None, "", "wrong", "Master", "master", "system", "host", "own-key", "other-key", "eventgrid"):
        answer = await http.get(path, headers={} if key is None else {"x-functions-key": key})
        is_open = key in opened_by or None in opened_by
        assert (answer.status_code in {401, 403}) is not is_open, key
        assert is_open or answer.content == b""


@pytest.mark.parametrize(
    ("key", "status", "challenge"),
    [
        (None, 401, "Bearer"),
        ("wrong", 401, "Bearer"),
        ("own-key", 401, "Bearer"),
        ("host", 403, None),
        ("eventgrid", 403, None),
    ],
)
async def test_extensions_endpoints_tell_a_wrong_key_from_one_for_something_else(
    key: str | None, status: int, challenge: str | None, http: httpx.AsyncClient
) -> None:
    """A key of the host's is known, so its bearer is forbidden; a function's own is known at that function only."""
    answer = await http.get(DURABLE, params={} if key is None else {"code": key})

    assert (answer.status_code, answer.headers.get("www-authenticate")) == (status, challenge)


@pytest.mark.parametrize("key", [None, "wrong", "system", "other-key"])
async def test_function_answers_every_key_that_does_not_open_it_alike(key: str | None, http: httpx.AsyncClient) -> None:
    """The function's check knows no 403 and asks for nothing."""
    answer = await http.get("/api/own", params={} if key is None else {"code": key})

    assert (answer.status_code, answer.headers.get("www-authenticate")) == (401, None)


async def test_header_wins_over_the_query(http: httpx.AsyncClient) -> None:
    """A key may be in either; a wrong one in the header is not made up for by a right one in the query."""
    in_query = await http.get("/api/own?code=own-key")
    both = await http.get("/api/own?code=own-key", headers={"x-functions-key": "wrong"})

    assert (in_query.status_code, both.status_code) == (200, 401)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("CODE=own-key", 200),
        ("code=own-key&code=wrong", 200),
        ("code=wrong&code=own-key", 401),
        ("code=&Code=own-key", 401),
    ],
)
async def test_first_code_of_the_query_counts_whatever_its_case(
    query: str, status: int, http: httpx.AsyncClient
) -> None:
    """The real host reads the query so."""
    assert (await http.get(f"/api/own?{query}")).status_code == status


async def test_unknown_path_is_not_found_whoever_asks(http: httpx.AsyncClient) -> None:
    """There is no function whose level could be asked for."""
    assert (await http.get("/api/nothing")).status_code == 404


def test_first_start_makes_keys_that_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Strong, different, for the owner's eyes only, and the same at the next start."""
    monkeypatch.delitem(sys.modules, "azurefunctions.extensions.base", raising=False)
    functions = index(app_with_levels()).http

    first, second = read_keys(tmp_path / "secrets", functions), read_keys(tmp_path / "secrets", functions)

    values = [
        first.master,
        first.system,
        *first.functions,
        *(key for keys in first.of_function.values() for key in keys),
    ]
    assert first == second
    assert len(set(values)) == len(values) == 7
    assert min(map(len, values)) >= 40
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()} == {0o600}
    assert {path.name for path in (tmp_path / "secrets").iterdir()} == {
        *("host.json", "own.json", "other.json", "free.json", "boss.json")
    }


def test_keys_that_somebody_put_there_are_taken(tmp_path: Path) -> None:
    """The files have the form of the real host's, so that they can be carried over."""
    document = {
        "masterKey": {"name": "master", "value": "m", "encrypted": False},
        "functionKeys": [{"name": "default", "value": "f1"}, {"name": "second", "value": "f2"}],
        "systemKeys": [{"name": "eventgrid", "value": "e"}, {"name": SYSTEM_KEY, "value": "s"}],
    }
    (tmp_path / "host.json").write_text(json.dumps(document))

    keys = read_keys(tmp_path, ())

    assert keys == Keys("m", "s", ("f1", "f2"), {}, ("e",))
    assert [keys.level(key) for key in ("f2", "e", "s")] == [Level.FUNCTION, Level.ANONYMOUS, Level.SYSTEM]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"masterKey": {"name": "master", "value": ""}}', '{"systemKeys": 5}']
)
def test_file_that_cannot_be_read_is_named_without_its_content(text: str, tmp_path: Path) -> None:
    """Half a file must not open everything, and an error must not show a key."""
    (tmp_path / "host.json").write_text(text)

    with pytest.raises(KeysError) as raised:
        read_keys(tmp_path, ())

    assert str(tmp_path / "host.json") in str(raised.value)
    assert "value" not in str(raised.value)


def test_host_without_the_extensions_key_does_not_start(tmp_path: Path) -> None:
    """Nobody could steer its instances."""
    document = {"masterKey": {"name": "master", "value": "m"}, "functionKeys": [], "systemKeys": []}
    (tmp_path / "host.json").write_text(json.dumps(document))

    with pytest.raises(KeysError, match=SYSTEM_KEY):
        read_keys(tmp_path, ())
