"""``shopbell web``: the HTTP server.

granian keeps a process that owns the port and one or more that answer; when any of them dies, all end, and whoever
supervises them starts them again.
"""

from __future__ import annotations

import gc
import multiprocessing
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from engine.settings import Settings
    from engine.web.gateway import Gateway


@click.command()
def command() -> None:
    """Answer HTTP on HOST and PORT."""
    from granian.constants import HTTPModes, Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    from engine.clock import SECOND
    from engine.recovery import SIBLINGS_FINISH
    from engine.settings import Settings

    settings = Settings.from_env()
    server = Server(
        f"{__name__}:answering_app",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        workers=settings.web_processes,
        websockets=False,
        log_level=LogLevels.error,
        workers_kill_timeout=SIBLINGS_FINISH // SECOND,
    )
    try:
        server.serve()
    except RuntimeError as error:
        raise _plainly(error, settings) from error


def _plainly(error: RuntimeError, settings: Settings) -> Exception:
    """granian says that a port is taken with the whole of its own stack."""
    from engine.errors import SettingsError

    first, _, _ = str(error).partition("\n")
    if "in use" not in first:
        return error
    return SettingsError(
        f"Shopbell cannot listen on {settings.host}:{settings.port}: {first}. PORT chooses another port."
    )


def answering_app() -> Gateway:
    """The application inside granian's process that answers; tied to the one that owns the port."""
    from engine.cli import tell
    from engine.errors import ShopbellError
    from engine.settings import Settings
    from engine.tether import die_with_parent
    from engine.web import create_app, events
    from engine.web.gateway import Gateway
    from engine.web.services import Services

    owner = multiprocessing.parent_process()
    if owner is not None and owner.pid is not None:
        die_with_parent(owner.pid)
    try:
        app = create_app(Settings.from_env())
    except ShopbellError as error:
        sys.exit(tell(error))
    # What is loaded stays for good; collecting it again and again costs one request in twenty.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    house: Services = app.extensions["shopbell"]
    house.live.watch()
    house.heard.watch()
    return Gateway(app, quick={events.PATH}, threads=house.threads)
