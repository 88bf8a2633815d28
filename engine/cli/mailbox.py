"""``shopbell mailbox``: receive mail and keep it, for development."""

from __future__ import annotations

import click


@click.command()
def command() -> None:
    """Receive mail on MAILBOX_PORT and keep it in DATA_DIR/mailbox instead of sending it (development)."""
    from engine.mailbox import run_mailbox
    from engine.settings import Settings

    settings = Settings.from_env()
    run_mailbox(settings.mailbox_dir, port=settings.mailbox_port)
