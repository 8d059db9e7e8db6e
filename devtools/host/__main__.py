"""`python -m devtools.host --state DIR [--port P] [--app DIR]`: run a Functions app on this machine."""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sqlite3
import sys
import time
from pathlib import Path
from typing import NoReturn

from devtools.host.app_loader import load_app
from devtools.host.catalog import Catalog
from devtools.host.clock import RealClock
from devtools.host.cors import CorsError, CorsPolicy
from devtools.host.host_json import HostJsonError, HostSettings, read_host_settings
from devtools.host.indexing import AppRefusedError, index
from devtools.host.keys import Keys, KeysError, read_keys
from devtools.host.local_settings import (
    LOCAL_SETTINGS,
    HostStart,
    SettingsFileError,
    hand_over,
    load_app_settings,
    load_host_start,
)
from devtools.host.routes import RouteError
from devtools.host.server import inherited, listen, origin, running_host
from devtools.host.state_folder import FolderInUseError, StateFolder

logger = logging.getLogger(__name__)

_DEFAULT_PORT = 7071
"""Core Tools' own."""

_LISTENER = "DEVTOOLS_HOST_LISTENER"
"""Where a process finds the socket of the one that it replaces."""

_FAILED = 1
_BAD_START = 2


class _Refused(Exception):  # not an error of the program
    """The host cannot start; the text says why."""


def main() -> int:
    """Run until SIGTERM or SIGINT, which end the process; returns the exit code where the host cannot start."""
    arguments = _parse()
    _log_to_stdout()
    try:
        folder = arguments.app.resolve()
        start = HostStart() if arguments.no_local_settings else _take_local_settings(folder / LOCAL_SETTINGS)
        port = arguments.port if arguments.port is not None else start.port or _DEFAULT_PORT
        cors = CorsPolicy.from_text(
            start.cors if arguments.cors is None else arguments.cors,
            credentials=arguments.cors_credentials or start.cors_credentials,
        )
        settings = read_host_settings(folder, os.environ)
        for warning in settings.warnings:
            logger.warning(warning)
        catalog = index(load_app(folder))
        state = StateFolder(arguments.state)
        keys = read_keys(state.keys_path, catalog.http) if arguments.enable_auth else None
        return asyncio.run(_serve(catalog, settings, state, port, cors=cors, keys=keys, faults=arguments.faults))
    except AppRefusedError as error:
        for problem in error.problems:
            print(f"The app cannot be loaded: {problem}", file=sys.stderr)
        return _BAD_START
    except (CorsError, HostJsonError, FolderInUseError, KeysError, SettingsFileError, RouteError, _Refused) as error:
        print(error, file=sys.stderr)
        return _BAD_START
    except (OSError, sqlite3.Error) as error:
        print(f"The state folder {arguments.state} cannot be used: {error}", file=sys.stderr)
        return _BAD_START


async def _serve(
    catalog: Catalog,
    settings: HostSettings,
    state: StateFolder,
    port: int,
    *,
    cors: CorsPolicy | None,
    keys: Keys | None,
    faults: bool,
) -> NoReturn:
    told_to_end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_end.set)
    descriptor = os.environ.pop(_LISTENER, None)
    try:
        listener = listen(port) if descriptor is None else inherited(int(descriptor))
    except OSError as error:
        raise _Refused(f"Port {port} cannot be used: {os.strerror(error.errno or 0)}.") from error
    host = running_host(
        catalog,
        settings,
        state.journal_path,
        RealClock(),
        listener,
        cors=cors,
        keys=keys,
        faults=faults,
        on_failure=told_to_end.set,
        on_timeout=lambda: _begin_again(listener),
    )
    async with host as engine:
        if keys is not None:
            logger.info("Keys are asked for; they are in %s.", state.keys_path)
        print(f"Functions host ready on {origin(listener)} ({len(catalog)} functions)", flush=True)
        await told_to_end.wait()
    # Not by returning: the event loop would wait for functions that still run on threads.
    _end(_FAILED if engine.has_failed else 0)


def _take_local_settings(path: Path) -> HostStart:
    """Give the app its settings, and return how the host is to be started. Raises SettingsFileError."""
    if not path.is_file():
        return HostStart()
    for name in hand_over(load_app_settings(path), os.environ):
        if _LISTENER in os.environ:
            continue  # handed over by the process that this one replaces
        logger.info("Skipping %r of %s: it is set in the environment.", name, path.name)
    return load_host_start(path)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m devtools.host", description="Run a Functions app on this machine.")
    parser.add_argument(
        "--port", type=int, help="port on 127.0.0.1 (default: the one in local.settings.json, else 7071); 0 is any"
    )
    parser.add_argument("--state", type=Path, required=True, help="folder for the durable state")
    parser.add_argument("--app", type=Path, default=Path(), help="the app's folder (default: the current one)")
    parser.add_argument(
        "--cors",
        metavar="ORIGINS",
        help="origins whose pages may read answers, separated by commas; * is any (default: local.settings.json's)",
    )
    parser.add_argument("--cors-credentials", action="store_true", help="they may send cookies and credentials")
    parser.add_argument("--enable-auth", action="store_true", help="ask for keys, which are kept in the state folder")
    parser.add_argument("--no-local-settings", action="store_true", help="leave the app's local.settings.json aside")
    parser.add_argument("--faults", action="store_true", help="let tests make the durable client's port fail")
    return parser.parse_args()


def _log_to_stdout() -> None:
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for chatty in ("uvicorn", "azure.functions"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _begin_again(listener: socket.socket) -> NoReturn:
    """Replace this process by a new one of the same id, arguments and port: nothing that runs in it goes on.

    Connections are cut; new ones wait until the new process takes them.
    """
    logger.warning("The host begins again; what its functions were doing is given up.")
    listener.set_inheritable(True)
    os.environ[_LISTENER] = str(listener.fileno())
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  # the same program as before


def _end(code: int) -> NoReturn:
    """Leave without waiting for functions that still run on threads: they are run again with the next start."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _end(main())
