"""``shopbell up``: everything in one terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from engine.settings import Settings


@click.command()
def command() -> None:
    """Start everything in this terminal: web, worker, clock and, unless given, Valkey and a mailbox."""
    from engine.cli._up import run_up
    from engine.settings import Settings

    settings = Settings.from_env()
    _need_secrets(settings)
    run_up(settings)


def _need_secrets(settings: Settings) -> None:
    """Told once and at the end of the output: else web would say it again with each start, between everything else."""
    from engine.errors import RuleFileError
    from engine.intake import require_secrets
    from engine.live import ready
    from engine.rules.loader import load_path

    try:
        shops = load_path(settings.rules)
    except (RuleFileError, OSError):
        return  # every process tells what is wrong, and goes on with the last good rules
    for rules in shops.values():
        require_secrets(ready(rules))
