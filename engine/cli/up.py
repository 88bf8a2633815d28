"""``shopbell up``: everything in one terminal."""

from __future__ import annotations

import click


@click.command()
def command() -> None:
    """Start everything in this terminal: web, worker, clock and, unless given, Valkey and a mailbox."""
    from engine.cli._up import run_up
    from engine.settings import Settings

    run_up(Settings.from_env())
