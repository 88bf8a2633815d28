"""What ``shopbell up`` starts, in which order, and what it says about it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import urlopen

from engine.cli._ports import Ports
from engine.errors import ShopbellError
from engine.settings import Settings
from engine.supervisor import Console, Program, Supervisor

_LOOK_AGAIN_S: Final = 0.05
_PATIENCE_S: Final = 30.0
_SHOPBELL: Final = (sys.executable, "-P", "-m", "engine.cli")


def run_up(settings: Settings) -> None:
    """Run everything until SIGINT or SIGTERM. Raises :class:`ShopbellError` when something cannot even begin."""
    with _alone_in(settings.data_dir), Ports() as ports:
        asyncio.run(_up(_hold_ports(settings, ports)))


async def _up(settings: Settings) -> None:
    console = Console()
    supervisor = Supervisor(console, _environment_of_children(settings))
    _stop_on_signals(supervisor)
    try:
        await _open(settings, supervisor, console)
        await asyncio.get_running_loop().create_future()  # until a signal cancels
    except asyncio.CancelledError:
        console.plain("Stopping …")
    finally:
        await supervisor.stop()


def _stop_on_signals(supervisor: Supervisor) -> None:
    """The first signal stops everything in order; whoever sends another means now."""
    opening = asyncio.current_task()
    assert opening is not None

    def stop() -> None:
        if opening.cancelling():
            supervisor.kill()
        else:
            opening.cancel()

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(signum, stop)


async def _open(settings: Settings, supervisor: Supervisor, console: Console) -> None:
    if settings.redis_embedded:
        listening_on = unquote(urlsplit(settings.redis_url).path)
        command = (sys.executable, "-P", "-m", "engine.embedded", str(settings.valkey_dir), listening_on)
        supervisor.start(Program("valkey", command))
        await _wait_for_pong(listening_on, settings)
    if await supervisor.run_once(Program("db", (*_SHOPBELL, "db", "upgrade"))):
        raise ShopbellError("The database could not be brought up to date, so nothing was started.")
    if settings.mailbox:
        supervisor.start(Program("mailbox", (*_SHOPBELL, "mailbox")))
    supervisor.start(*_workers(settings.workers), Program("clock", (*_SHOPBELL, "clock")))
    supervisor.start(Program("web", (*_SHOPBELL, "web")))
    await _wait_until_ready(settings, console)
    console.plain(_welcome(settings))


def _workers(count: int) -> list[Program]:
    names = ["worker"] if count == 1 else [f"worker {number}" for number in range(1, count + 1)]
    return [Program(name, (*_SHOPBELL, "worker")) for name in names]


def _environment_of_children(settings: Settings) -> Mapping[str, str]:
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if settings.mailbox:
        # By name as well, because rule files say `env:SMTP_URL`.
        environ |= {"MAILBOX_PORT": str(settings.mailbox_port), "SMTP_URL": f"smtp://127.0.0.1:{settings.mailbox_port}"}
    return environ


async def _wait_for_pong(listening_on: str, settings: Settings) -> None:
    """Wait until the embedded Valkey answers, so that no worker has to find out that it does not yet."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            while not await _pongs(listening_on):
                await asyncio.sleep(_LOOK_AGAIN_S)
    except TimeoutError as error:
        raise ShopbellError(
            f"The embedded Valkey does not start; {settings.valkey_dir / 'valkey.log'} may say why. "
            "REDIS_URL makes Shopbell use another."
        ) from error


async def _pongs(listening_on: str) -> bool:
    try:
        reader, writer = await asyncio.open_unix_connection(listening_on)
    except OSError:
        return False
    try:
        writer.write(b"PING\r\n")
        return (await reader.readline()).startswith(b"+PONG")
    except ConnectionError:
        return False
    finally:
        writer.close()


async def _wait_until_ready(settings: Settings, console: Console) -> None:
    loop = asyncio.get_running_loop()
    complain_at = loop.time() + _PATIENCE_S
    while (reason := await asyncio.to_thread(_why_not_ready, settings)) is not None:
        if loop.time() > complain_at:
            console.plain(f"Shopbell is not ready yet: {reason}")
            complain_at += _PATIENCE_S
        await asyncio.sleep(_LOOK_AGAIN_S)


def _why_not_ready(settings: Settings) -> str | None:
    try:
        with urlopen(f"{_local_address(settings)}/readyz", timeout=2):  # noqa: S310 - our own address, always http
            return None
    except HTTPError as error:
        return error.read(1000).decode(errors="replace").strip() or str(error)
    except (OSError, HTTPException) as error:
        return str(error)


def _local_address(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - compared with
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _welcome(settings: Settings) -> str:
    address = settings.public_url
    lines = [f"Shopbell is ready: {address}"]
    if not settings.production:
        lines.append(f"  the demo shop   {address}/demo/")
    if settings.mailbox:
        lines.append(f"  the mailbox     {address}/dev/mailbox")
    return "\n".join([*lines, "  Ctrl-C stops everything."])


@contextlib.contextmanager
def _alone_in(data_dir: Path) -> Iterator[None]:
    """Two of these on one folder would be two Valkeys writing one file."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ShopbellError(
                f"Shopbell is already running on {data_dir}; stop it, or set DATA_DIR to another folder."
            ) from error
        yield


def _hold_ports(settings: Settings, ports: Ports) -> Settings:
    """Keep the ports for what will listen there. Raises ShopbellError when that of the shop is taken."""
    try:
        ports.hold(settings.host, settings.port)
    except OSError as error:
        raise ShopbellError(
            f"Shopbell cannot listen on {settings.host}:{settings.port}: {os.strerror(error.errno or 0)}. "
            "PORT chooses another port."
        ) from error
    if not settings.mailbox:
        return settings
    port = ports.hold_or_another("127.0.0.1", settings.mailbox_port)
    return replace(settings, mailbox_port=port, smtp_url=f"smtp://127.0.0.1:{port}")
