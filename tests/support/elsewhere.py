"""A stack that somebody else has started, for scenarios that need nothing of it but its addresses."""

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

LOCAL = "local"
_FUNC = "func:"


@dataclass(frozen=True)
class Elsewhere:
    """The addresses of its app and of its simulator, which listens on the port after the app's."""

    app: str

    @property
    def simulator(self) -> str:
        """Where `up` has put the simulator."""
        parts = urlsplit(self.app)
        return urlunsplit((parts.scheme, f"{parts.hostname}:{(parts.port or 80) + 1}", "", "", ""))


def elsewhere(host: str) -> Elsewhere | None:
    """The stack that `--host` names, None for one of the tests' own. Raises ValueError."""
    if host == LOCAL:
        return None
    address = host.removeprefix(_FUNC).rstrip("/")
    if not host.startswith(_FUNC) or urlsplit(address).scheme != "http":
        raise ValueError(f"--host is local or func:<address>, such as func:http://127.0.0.1:8000; not {host!r}.")
    return Elsewhere(address)
