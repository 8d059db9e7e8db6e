"""`python -P -m tests.package.carrier <app folder> <port file>`: an app inside Microsoft's worker library, and no more.

Runs on the app's own libraries: what drives the worker library needs no others. Its durable backend does not answer.
"""

import asyncio
import sys
from pathlib import Path

from devtools.host.binding import ClientBinding
from tests.support import worker_library

NOWHERE = "http://127.0.0.1:9"


async def _serve(app_folder: Path, port_file: Path) -> None:
    binding = ClientBinding("TestHub", public=NOWHERE, rpc=NOWHERE).text()
    port = await worker_library.start(app_folder, binding)
    unfinished = port_file.with_suffix(".part")
    unfinished.write_text(str(port), encoding="utf-8")
    unfinished.rename(port_file)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), Path(sys.argv[2])))
