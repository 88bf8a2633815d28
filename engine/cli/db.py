"""``shopbell db``: the database."""

from __future__ import annotations

import click


@click.group()
def command() -> None:
    """Look after the database."""


@command.command()
def upgrade() -> None:
    """Bring the database's tables to this version; changes nothing where they are."""
    from engine.settings import Settings
    from engine.store.migrate import upgrade

    upgrade(Settings.from_env().database_url)
