"""The package as it is deployed: what is in it, and that it runs with what it says it needs and nothing else."""

import json
import sys
from collections.abc import Iterator
from zipfile import ZipFile

import httpx
import pytest

from devtools import package
from tests.package.clean_room import CleanRoom, size, unpacked
from tests.support.source_tree import ROOT

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

MOST_PACKED = 5_000_000
MOST_INSTALLED = 400_000_000
"""Bytes, well above today's: something large that nobody meant to deploy would be found."""

EVERY_MODULE = """
import importlib, json, sys
from pathlib import Path

names = sorted(".".join(path.with_suffix("").parts) for path in Path().rglob("*.py") if path.name != "__init__.py")
for name in names:
    importlib.import_module(name)
print(json.dumps(names))
"""

CONFIGURED = {
    "AzureWebJobsStorage": (
        "DefaultEndpointsProtocol=http;AccountName=nobody;AccountKey=bm9ib2R5;BlobEndpoint=http://127.0.0.1:9/nobody;"
    ),
    "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
    "OPENAI_API_KEY": "made-up",
    "OPENAI_MODEL": "sora-2",
}


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> CleanRoom:
    folder = tmp_path_factory.mktemp("deployed")
    package.write(ROOT, folder / "app.zip")
    return unpacked(folder / "app.zip", folder)


@pytest.fixture(scope="module")
def app(room: CleanRoom) -> Iterator[str]:
    """The address of the unpacked app."""
    if sys.version_info < (3, 13):
        pytest.skip("azure-functions-runtime needs Python 3.13")
    with room.served(CONFIGURED) as address:
        yield address


def test_package_is_small_and_so_is_what_it_needs(room: CleanRoom, capsys: pytest.CaptureFixture[str]) -> None:
    """Both sizes are printed, because they are what a cold start on Azure begins with."""
    packed, installed = (room.folder / "app.zip").stat().st_size, size(room.site)

    with capsys.disabled():
        print(f"\nThe package has {packed / 1e3:,.0f} kB, its installed libraries {installed / 1e6:,.0f} MB.")  # noqa: T201
    assert 0 < packed < MOST_PACKED
    assert 0 < installed < MOST_INSTALLED


def test_every_module_can_be_imported_with_the_installed_libraries(room: CleanRoom) -> None:
    """A library that only the tools bring would be missing, also where it is imported when first used."""
    done = room.run(EVERY_MODULE)

    assert done.returncode == 0, done.stderr[-2000:]
    assert {"function_app", "shared.api.health", "shared.storage.blob"} <= set(json.loads(done.stdout))


def test_nothing_of_the_tools_is_in_it(room: CleanRoom) -> None:
    """Neither their code, nor documents, nor templates, nor what belongs to one machine."""
    with ZipFile(room.folder / "app.zip") as packed:
        names = packed.namelist()

    tops = {name.partition("/")[0] for name in names}
    assert tops == {"activities", "function_app.py", "host.json", "orchestrators", "requirements.txt", "shared"}
    assert [name for name in names if name.endswith((".pyc", ".toml", ".in")) or "settings.json" in name] == []


def test_process_is_alive(app: str) -> None:
    """The worker library has taken the app and serves it."""
    answer = httpx.get(f"{app}/api/health")

    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


def test_wrong_request_is_refused(app: str) -> None:
    """Models and sentences are there."""
    answer = httpx.post(f"{app}/api/generate", json={"prompt": "A calm lake", "duration": 0})

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["type"] == "value_error.number.not_ge"


def test_settings_are_read_and_storage_and_backend_are_asked(app: str) -> None:
    """The SDKs are there; that nobody listens is not theirs to mend."""
    answer = httpx.get(f"{app}/api/ready")

    assert answer.status_code == 503
    assert answer.json()["checks"] == {"settings": "ok", "storage": "failing", "backend": "failing"}


def test_documentation_page_is_in_it(app: str) -> None:
    """It is made of files, which no import would miss."""
    assert httpx.get(f"{app}/api/docs").status_code == 200
    assert httpx.get(f"{app}/api/docs/swagger-ui-bundle.js").status_code == 200
