"""The cases of the API, one golden answer each, in `tests/golden/<function>/<case>.http`.

What can be listed comes from the app's own tables: every way to refuse a request, every failure code, every route.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.api.refusals import REFUSALS
from shared.api.routes import ROUTES
from tests.support import golden_world as world
from tests.support.golden_exchange import Request

FOLDER: Final = Path(__file__).parents[1] / "golden"
OPENAPI_DOCUMENT: Final = FOLDER / "openapi.json"

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE")
"""Every common method, and one that no specification of HTTP knows."""

_ETAG: Final = '"0x2"'
_MODIFIED: Final = "Sun, 01 Mar 2026 12:30:15 GMT"
_BEFORE: Final = "Sun, 01 Mar 2026 12:30:14 GMT"


@dataclass(frozen=True)
class Case:
    """A request to one of the app's functions, and the name of its answer; `status` is how that must begin."""

    function: str
    name: str
    status: int
    request: Request

    @property
    def id(self) -> str:
        """Return the name of its test, which is also that of its file."""
        return f"{self.function}/{self.name}"

    @property
    def file(self) -> Path:
        """Return where its golden answer is kept."""
        return FOLDER / f"{self.id}.http"


def _generate() -> Iterator[tuple[int, str, Request]]:
    def post(
        body: bytes, content_type: str = "application/json", *, key: str | None = None, withheld: int = 0
    ) -> Request:
        headers = (("Content-Type", content_type), *((("Idempotency-Key", key),) if key is not None else ()))
        return Request("POST", "/api/generate", headers, body, withheld)

    def prompt(text: str) -> Request:
        return post(b'{"prompt":"%s"}' % text.encode())

    def with_key(key: str, body: bytes = world.REQUEST.model_dump_json().encode()) -> Request:
        return post(body, key=key)

    yield 200, "accepted", post(b'{"prompt":"A calm lake","duration":5,"width":1280,"height":720}')
    yield 200, "accepted-prompt-alone", prompt("A calm lake")
    yield 200, "accepted-of-no-media-type", Request("POST", "/api/generate", (), b'{"prompt":"A calm lake"}')
    yield 200, "accepted-unknown-field", post(b'{"prompt":"A calm lake","seed":7}')
    yield 200, "accepted-start-answer-lost", prompt(world.START_ANSWER_LOST)
    yield 500, "storage-down", prompt(world.STORAGE_DOWN)
    yield 500, "backend-down", prompt(world.BACKEND_DOWN)
    for name, row in REFUSALS.items():
        yield row.status, f"refused-{name}", post(row.body, row.content_type, key=row.key)
    yield 422, "refused-trailing-comma", post(b'{"prompt":"A calm lake", }')
    yield 422, "refused-trailing-comma-in-list", post(b'{"prompt":["A calm lake",]}')
    yield 408, "refused-too-slow", post(b'{"prompt":"A calm', withheld=7)
    yield 422, "refused-several-fields", post(b'{"prompt":5,"duration":0,"width":"wide","height":5000}')
    yield 200, "accepted-with-key", with_key(world.NEW_KEY)
    yield 200, "accepted-with-key-in-quotes", with_key(f'"{world.NEW_KEY}"')
    yield 200, "accepted-longest-key", with_key('"' + "k" * 255 + '"')
    yield 200, "replayed", with_key(world.USED_KEY)
    yield 200, "replayed-by-key-in-quotes", with_key(f'"{world.USED_KEY}"')
    yield (
        200,
        "replayed-respelled",
        with_key(
            world.USED_KEY, b'{ "height":720.0, "width":1280, "duration":5, "prompt":"A calm \\u006cake", "seed":7 }'
        ),
    )
    yield 422, "refused-key-of-another-request", with_key(world.USED_KEY, b'{"prompt":"A calm lake"}')
    yield 400, "refused-malformed-key-empty", with_key("")
    yield 400, "refused-malformed-key-empty-in-quotes", with_key('""')
    yield 400, "refused-malformed-key-no-end", with_key('"key')
    yield 400, "refused-malformed-key-escape", with_key(r'"a\b"')
    yield 400, "refused-malformed-key-list", with_key("a, b")
    yield 400, "refused-malformed-key-other-script", with_key("schl\u00fcssel")
    yield 400, "refused-malformed-key-too-long", with_key("k" * 256)
    yield (
        400,
        "refused-malformed-key-twice",
        Request(
            "POST", "/api/generate", (("Idempotency-Key", "a"), ("Idempotency-Key", "a")), b'{"prompt":"A calm lake"}'
        ),
    )
    yield 429, "line-full", with_key(world.LINE_FULL)
    yield 429, "day-full", with_key(world.DAY_FULL)


def _status() -> Iterator[tuple[int, str, Request]]:
    def get(job: str, method: str = "GET") -> Request:
        return Request(method, f"/api/status/{job}")

    for name, job in world.JOBS.items():
        yield 200, name, get(job)
    for code, job in world.FAILED.items():
        yield 200, f"failed-{code}", get(job)
    yield 200, "completed", get(world.COMPLETED)
    yield 200, "completed-head", get(world.COMPLETED, "HEAD")
    yield 200, "completed-other-spelling", Request("GET", f"/API/Status/{world.COMPLETED}/?code=any")
    yield 404, "unknown", get(world.UNKNOWN)
    yield 404, "unknown-head", get(world.UNKNOWN, "HEAD")
    yield 404, "malformed", get("42")
    yield 404, "malformed-upper-case", get(world.COMPLETED.upper())
    yield 404, "malformed-escapes", get("..%2f..%2fhost.json")
    yield 500, "unreadable", get(world.UNREADABLE)
    yield 200, "purged", get(world.PURGED)
    yield 200, "purged-head", get(world.PURGED, "HEAD")
    yield 200, "purged-failed", get(world.PURGED_FAILED)
    yield 200, "expired", get(world.EXPIRED)
    yield 404, "never-started", get(world.NEVER_STARTED)


def _job() -> Iterator[tuple[int, str, Request]]:
    def get(job: str, method: str = "GET") -> Request:
        return Request(method, f"/api/jobs/{job}")

    for name, job in world.JOBS.items():
        yield 200, name, get(job)
    for code, job in world.FAILED.items():
        yield 200, f"failed-{code}", get(job)
    yield 200, "completed", get(world.COMPLETED)
    yield 200, "completed-head", get(world.COMPLETED, "HEAD")
    yield 200, "completed-other-spelling", Request("GET", f"/API/Jobs/{world.COMPLETED}/?code=any")
    yield 200, "rendering-head", get(world.JOBS["rendering"], "HEAD")
    yield 200, "expired", get(world.EXPIRED)
    yield 200, "purged", get(world.PURGED)
    yield 200, "purged-failed", get(world.PURGED_FAILED)
    yield 200, "purged-long-ago", get(world.SHRUNK)
    yield 404, "unknown", get(world.UNKNOWN)
    yield 404, "unknown-head", get(world.UNKNOWN, "HEAD")
    yield 404, "never-started", get(world.NEVER_STARTED)
    yield 404, "malformed", get("42")
    yield 404, "malformed-upper-case", get(world.COMPLETED.upper())
    yield 404, "malformed-escapes", get("..%2f..%2fhost.json")
    yield 500, "unreadable", get(world.UNREADABLE)
    yield 500, "unreadable-head", get(world.UNREADABLE, "HEAD")
    yield 500, "unreadable-record", get(world.UNREADABLE_RECORD)


def _cancel() -> Iterator[tuple[int, str, Request]]:
    def delete(job: str) -> Request:
        return Request("DELETE", f"/api/jobs/{job}")

    for name, job in world.CANCELLED.items():
        yield 200, name, delete(job)
    yield 200, "waiting-again", delete(world.CANCELLED["waiting"])
    yield 200, "with-a-body", Request("DELETE", f"/api/jobs/{world.CANCELLED['rendering']}", (), b'{"reason":"any"}')
    yield 200, "ending", delete(world.ENDING)
    yield 200, "ends-first", delete(world.ENDS_FIRST)
    yield 200, "completed", delete(world.COMPLETED)
    yield 200, "closing", delete(world.JOBS["closing"])
    yield 200, "failed", delete(world.FAILED["content_policy"])
    yield 200, "terminated", delete(world.JOBS["terminated"])
    yield 200, "purged", delete(world.PURGED)
    yield 404, "unknown", delete(world.UNKNOWN)
    yield 404, "never-started", delete(world.NEVER_STARTED)
    yield 404, "malformed", delete("42")
    yield 404, "malformed-escapes", delete("..%2f..%2fhost.json")
    yield 500, "unreadable", delete(world.UNREADABLE)
    yield 500, "unreadable-record", delete(world.UNREADABLE_RECORD)
    yield 500, "not-to-be-told", delete(world.NOT_TO_BE_TOLD)
    yield 500, "not-to-be-recorded", delete(world.NOT_TO_BE_RECORDED)


def _download() -> Iterator[tuple[int, str, Request]]:
    def get(job: str, method: str = "GET", **headers: str) -> Request:
        named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        return Request(method, f"/api/download/gen_{job}", named)

    whole = world.COMPLETED
    yield 200, "whole", get(whole)
    yield 200, "whole-head", get(whole, "HEAD")
    yield 200, "empty", get(world.EMPTY)
    yield 206, "range", get(whole, Range="bytes=6-16")
    yield 206, "range-of-one-byte", get(whole, Range="bytes=0-0")
    yield 206, "range-from", get(whole, Range="bytes=30-")
    yield 206, "range-suffix", get(whole, Range="bytes=-10")
    yield 206, "range-past-the-end", get(whole, Range="bytes=30-1000")
    yield 200, "range-head", get(whole, "HEAD", Range="bytes=6-16")
    yield 206, "range-if-same-etag", get(whole, Range="bytes=6-16", If_Range=_ETAG)
    yield 206, "range-if-same-date", get(whole, Range="bytes=6-16", If_Range=_MODIFIED)
    yield 200, "range-if-other-etag", get(whole, Range="bytes=6-16", If_Range='"0x9"')
    yield 416, "range-not-satisfiable", get(whole, Range="bytes=40-")
    yield 416, "range-of-empty", get(world.EMPTY, Range="bytes=0-")
    yield 200, "ranges-several", get(whole, Range="bytes=0-1,4-5")
    yield 200, "range-not-understood", get(whole, Range="seconds=1-2")
    yield 304, "not-modified", get(whole, If_None_Match=_ETAG)
    yield 304, "not-modified-weak", get(whole, If_None_Match=f'"other", W/{_ETAG}')
    yield 304, "not-modified-head", get(whole, "HEAD", If_None_Match=_ETAG)
    yield 304, "not-modified-range", get(whole, If_None_Match=_ETAG, Range="bytes=6-16")
    yield 304, "not-modified-since", get(whole, If_Modified_Since=_MODIFIED)
    yield 200, "modified", get(whole, If_None_Match='"0x9"')
    yield 200, "modified-since", get(whole, If_Modified_Since=_BEFORE)
    yield 200, "precondition-holds", get(whole, If_Match=_ETAG)
    yield 412, "precondition-fails", get(whole, If_Match='"0x9"')
    yield 412, "precondition-fails-head", get(whole, "HEAD", If_Match='"0x9"')
    yield 412, "precondition-fails-by-date", get(whole, If_Unmodified_Since=_BEFORE)
    yield 404, "unknown", get(world.UNKNOWN)
    yield 404, "unknown-head", get(world.UNKNOWN, "HEAD")
    yield 404, "not-verified", get(world.UNVERIFIED)
    yield 404, "expired", get(world.EXPIRED)
    yield 404, "expired-head", get(world.EXPIRED, "HEAD")
    yield 404, "expired-not-modified", get(world.EXPIRED, If_None_Match="*")
    yield 404, "malformed", Request("GET", f"/api/download/{whole}")
    yield 404, "malformed-escapes", Request("GET", "/api/download/gen_..%2f..%2fhost.json")
    yield 500, "unreadable", get(world.UNREADABLE)
    yield 500, "unreadable-content", get(world.UNREADABLE_CONTENT)
    yield 200, "breaks-off", get(world.BREAKS_OFF)
    yield 500, "handler-fails", get(world.BROKEN)


def _health() -> Iterator[tuple[int, str, Request]]:
    yield 200, "alive", Request("GET", "/api/health")
    yield 200, "alive-head", Request("HEAD", "/api/health")


def _ready() -> Iterator[tuple[int, str, Request]]:
    yield 200, "ready", Request("GET", "/api/ready")
    yield 200, "ready-head", Request("HEAD", "/api/ready")


def _unmatched() -> Iterator[tuple[int, str, Request]]:
    for path in ("api", "api/nothing", "api/status", "api/status/a/b", "favicon.ico", "Api/Generate/x"):
        yield 404, f"not-found-{_slug(path)}", Request("GET", f"/{path}")
    for method in _METHODS:
        yield 404, f"not-found-by-{method.lower()}", Request(method, "/api/nothing")
    for template in dict.fromkeys(route.path for route in ROUTES):
        path = template.replace("{job_id}", world.COMPLETED).replace("{file_id}", f"gen_{world.COMPLETED}")
        answered = [method for route in ROUTES if route.path == template for method in route.methods]
        for method in _METHODS:
            if method not in answered:
                yield 405, f"{method.lower()}-{_slug(template)}", Request(method, f"/{path.replace('{file}', 'any')}")


def _slug(path: str) -> str:
    return path.translate({ord("/"): "-", ord("{"): None, ord("}"): None}).lower()


_FUNCTIONS: Final = {
    "generate": _generate,
    "status": _status,
    "job": _job,
    "cancel": _cancel,
    "download": _download,
    "health": _health,
    "ready": _ready,
    "unmatched": _unmatched,
}

CASES: Final[Mapping[str, Case]] = {
    case.id: case
    for function, requests in _FUNCTIONS.items()
    for case in (Case(function, name, status, request) for status, name, request in requests())
}
"""All cases by id."""
