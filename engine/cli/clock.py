"""``shopbell clock``: see to it that nothing due is forgotten."""

from __future__ import annotations

import click


@click.command()
def command() -> None:
    """Call the workers for everything that has become due."""
    from engine.schedule import run_clock
    from engine.settings import Settings

    run_clock(Settings.from_env())
