import pytest

from devtools.host.paths import BadPathError
from devtools.host.routes import RouteError, RouteTable

ANY: frozenset[str] = frozenset()
GET = frozenset({"GET"})


def table(*templates: str) -> RouteTable[str]:
    """A table whose routes lead to their own templates."""
    return RouteTable([(template, ANY, template) for template in templates])


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("api/items", "/api/items", {}),
        ("api/items", "/API/Items/", {}),
        ("api/items", "/api/items/1", None),
        ("api/{id}", "/api/a%20b", {"id": "a b"}),
        ("api/{id}", "/api/a%2Fb", {"id": "a%2Fb"}),
        ("api/{id}", "/api/", None),
        ("api/{id?}", "/api", {}),
        ("api/{id:int}", "/api/12", {"id": "12"}),
        ("api/{id:int}", "/api/-2147483649", None),
        ("api/{id:int}", "/api/twelve", None),
        ("api/{id:int?}", "/api", {}),
        ("api/{id:alpha:length(2,3)}", "/api/abc", {"id": "abc"}),
        ("api/{id:alpha:length(2,3)}", "/api/abcd", None),
        ("api/{id:guid}", "/api/6b6bc64a-8834-4a81-8608-c0f77cdcb8ca", {"id": "6b6bc64a-8834-4a81-8608-c0f77cdcb8ca"}),
        ("api/{id:guid}", "/api/6b6bc64a", None),
        ("api/{id}", "/API/%C3%BC", {"id": "ü"}),
        ("api/items", "/api/%69tems", {}),
        ("api/items", "/api//items", None),
        ("api/items", "//api/items", None),
        ("api/items", "/api/items//", None),
        ("api/{id}", "/api/%2e%2e", None),
        ("api/{id}", "/api/%zz", {"id": "%zz"}),
        ("api/{id}", "/api/%FF", {"id": "%FF"}),
        ("api/items", "http://else.example/api/items", {}),
        ("{*path}", "/", {}),
        ("{*path}", "*", {}),
        ("{*path}", "/a/b%2Fc", {"path": "a/b%2Fc"}),
        ("{*path}", "/a//b/", {"path": "a//b/"}),
        ("{*path}", "//a", None),
        ("{*path}", "/a/%2e%2e/b/./c", {"path": "b/c"}),
        ("{*path}", "/../../a/..", {}),
        ("a/{*path}", "/a", {}),
        ("a/{*path}", "/b", None),
    ],
)
def test_template_matches_path_as_aspnet_does(template: str, path: str, values: dict[str, str] | None) -> None:
    """Case, slashes, percent-encoding, optional parts and constraints."""
    found = table(template).find("GET", path)

    assert (found and found[1]) == values


def test_most_specific_route_wins_whatever_the_order() -> None:
    """Literal before constrained parameter before parameter before catch-all."""
    routes = table("{*path}", "jobs/{id}", "jobs/{id:int}", "jobs/latest")

    assert [routes.find("GET", path) for path in ("/jobs/latest", "/jobs/7", "/jobs/x", "/else")] == [
        ("jobs/latest", {}),
        ("jobs/{id:int}", {"id": "7"}),
        ("jobs/{id}", {"id": "x"}),
        ("{*path}", {"path": "else"}),
    ]


@pytest.mark.parametrize("path", ["/a%00b", "/\xe9", "api/items", "%2fapi"])
def test_path_that_the_real_host_calls_bad_is_bad(path: str) -> None:
    """Null characters, raw bytes beyond ASCII, and what does not begin with a slash."""
    with pytest.raises(BadPathError):
        table("{*path}").find("GET", path)


def test_route_without_methods_takes_every_method() -> None:
    """Also one that nobody has heard of."""
    assert table("jobs").find("PURGE", "/jobs") == ("jobs", {})


def test_method_is_part_of_the_route() -> None:
    """A wrong method falls through to a less specific route, or to nothing."""
    routes = RouteTable([("jobs", GET, "jobs"), ("{*path}", frozenset({"POST"}), "rest")])

    assert routes.find("POST", "/jobs") == ("rest", {"path": "jobs"})
    assert routes.find("HEAD", "/jobs") is None
    assert routes.find("get", "/JOBS") == ("jobs", {})


@pytest.mark.parametrize("template", ["a/{b", "a/{b:color}", "{*all}/more", "{a?}/b", "x{y}"])
def test_template_that_cannot_be_read_is_refused(template: str) -> None:
    """The host must not serve a route otherwise than Azure would."""
    with pytest.raises(RouteError):
        table(template)
