"""The page at `/api/docs` and its files: what is served, under which rules, and that nothing else is."""

import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest

from shared.api import docs
from shared.api.openapi_prose import DEFAULT_ORIGIN, TITLE
from tests.unit.api.calling import Answer, get_page
from tests.unit.api.openapi_reading import operation, operations

HERE: Final = Path(docs.__file__).parent
VENDORED: Final = HERE / "swagger_ui"
OURS: Final = HERE / "docs_page"


class Addresses(HTMLParser):
    """Collects what a page loads and what it says inline."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []
        self._script = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note addresses, style attributes and handlers."""
        self._script = tag in ("script", "style")
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href") and tag in ("script", "link")]
        self.inline += [name for name, _ in attrs if name == "style" or name.startswith("on")]

    def handle_data(self, data: str) -> None:
        """Note scripts and sheets between tags."""
        if self._script and data.strip():
            self.inline.append(data)
        self._script = False


async def get_file(name: str, headers: dict[str, str] | None = None, *, method: str = "GET") -> Answer:
    return await get_page("docs_file", f"/api/docs/{name}", headers, method=method, file=name)


async def test_page_may_load_from_its_own_server_only() -> None:
    """No other host, no inline script or style, no frame around it, and no address of it given away."""
    answer = await get_page("docs", "/api/docs")

    assert answer.status == 200
    assert answer.headers == {
        "content-type": "text/html; charset=utf-8",
        "content-length": str(len(answer.body)),
        "cache-control": "no-cache",
        "etag": answer.headers["etag"],
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "content-security-policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
            "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
    }


async def test_page_loads_files_that_are_served_and_nothing_inline() -> None:
    """Addresses are absolute paths, so that a slash at the end of the page's own does not matter."""
    page = Addresses((await get_page("docs", "/api/docs")).body.decode())

    assert page.inline == []
    assert len(page.loaded) == 5
    assert {address.removeprefix("/api/docs/") for address in page.loaded} <= set(docs.FILES)


@pytest.mark.parametrize("name", docs.FILES)
async def test_file_of_the_page_is_sent_as_what_it_is(name: str) -> None:
    """Its bytes, a type that browsers accept for its use, and a tag that is its content's."""
    folder, media_type = docs.FILES[name]
    content = (HERE / folder / name).read_bytes()

    answer = await get_file(name)

    assert (answer.status, answer.body) == (200, content)
    assert answer.headers["content-type"].split(";")[0] == media_type
    assert answer.headers["etag"] == f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_file_that_the_browser_has_is_not_sent_again(method: str) -> None:
    """The next visit costs a few hundred bytes."""
    etag = (await get_file("swagger-ui-bundle.js")).headers["etag"]

    answer = await get_file("swagger-ui-bundle.js", {"If-None-Match": etag}, method=method)

    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["etag"] == etag


@pytest.mark.parametrize(
    "name",
    [
        "",
        "index.html",
        "README.md",
        "docs.py",
        "../docs.py",
        "..",
        "swagger_ui/swagger-ui.css",
        "/etc/passwd",
        "PAGE.JS",
        "page.js ",
        "page.js\0",
        "..\\docs.py",
    ],
)
async def test_no_other_file_can_be_asked_for(name: str) -> None:
    """A name is looked up in a list; it never becomes a path."""
    answer = await get_file(name)

    assert (answer.status, answer.body) == (404, b'{"detail":"Not Found"}')


def listed() -> dict[str, str]:
    """Return the hashes that the README of the third-party files tells, by file."""
    text = (VENDORED / "README.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `([^`]+)` \| `[^`]+` \| `([0-9a-f]{64})` \|$", text, re.MULTILINE))


def test_third_party_files_are_as_they_were_published() -> None:
    """Each has the hash in the list, and there are no others."""
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in VENDORED.iterdir()}
    del files["README.md"]

    assert files == listed()


def test_every_file_of_the_page_is_served() -> None:
    """What is deployed for the page can be asked for, the page itself under its own address."""
    served = {(folder, name) for name, (folder, _) in docs.FILES.items()} | {("docs_page", "index.html")}
    present = {(folder.name, path.name) for folder in (VENDORED, OURS) for path in folder.iterdir()}

    assert present - {("swagger_ui", "README.md")} == served


def test_page_knows_the_operations_that_it_leads_to() -> None:
    """Our script names paths, parameters and operations of the document; a renamed one would break a button."""
    script = (OURS / "page.js").read_text(encoding="utf-8")
    paths = {each["operationId"]: path for path, _, each in operations()}

    for name in ("getStatus", "downloadVideo"):
        [tag] = operation(name)["tags"]
        parameter = operation(name)["parameters"][0]["name"]
        assert f'{{ path: "{paths[name]}", parameter: "{parameter}", operation: ["{tag}", "{name}"] }}' in script
    assert f'"{operation("generateVideo")["tags"][0]}", "generateVideo"' in script
    assert f'ORIGIN_IN_COMMANDS = "{DEFAULT_ORIGIN}"' in script
    assert 'DOCUMENT = "/openapi.json"' in script


def test_page_fills_the_id_into_every_operation_on_a_job() -> None:
    """An operation that is added is not forgotten."""
    script = (OURS / "page.js").read_text(encoding="utf-8")
    [listed] = re.findall(r"^const OF_JOBS = \[(.+)\];$", script, re.MULTILINE)
    on_jobs = [
        f'["{path}", "{method}"]'
        for path, method, each in operations()
        if each.get("parameters", [{}])[0].get("name") == "job_id"
    ]

    assert listed.replace("STATUS.path", '"/api/status/{job_id}"') == ", ".join(on_jobs)


def test_page_may_execute_every_operation() -> None:
    """A method that the page does not know would be shown without a button."""
    script = (OURS / "page.js").read_text(encoding="utf-8")
    [listed] = re.findall(r"supportedSubmitMethods: \[(.+)\]", script)

    assert set(listed.replace('"', "").split(", ")) == {method for _, method, _ in operations()}


def test_page_has_the_title_of_the_document() -> None:
    """A browser's tab and the heading say the same."""
    assert f"<title>{TITLE}</title>" in (OURS / "index.html").read_text(encoding="utf-8")


def test_our_files_name_no_other_host() -> None:
    """The only address in them is the one that the page replaces by its own."""
    for path in OURS.iterdir():
        assert set(re.findall(r"https?://[^\s\"'<>)]+", path.read_text(encoding="utf-8"))) <= {DEFAULT_ORIGIN}
