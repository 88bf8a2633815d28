"""``shopbell worker``: do what visitors and deliveries are owed."""

from __future__ import annotations

import click


@click.command()
def command() -> None:
    """Do what is due: look at visitors again, send messages."""
    from engine.jobs import run_worker
    from engine.settings import Settings

    run_worker(Settings.from_env())
