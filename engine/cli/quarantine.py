"""``shopbell quarantine``: webhooks that were rightly signed and could not be read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from engine.cli import FINE, NO
from engine.cli._plain import shown

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from engine.settings import Settings
    from engine.store.quarantine import Kept


@click.group()
def command() -> None:
    """Webhooks that were rightly signed and could not be read."""


@command.command("list")
@click.option("--shop", help="Of this shop only.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(shop: str | None, as_json: bool) -> None:
    """Show what is kept: when it came, what it is about, why it could not be read, and until when it is kept."""
    import msgspec

    from engine.clock import to_iso
    from engine.store.quarantine import everything

    with _open() as (settings, engine):
        kept = everything(engine, shop)
    ends = {item.id: to_iso(item.received_at + settings.keep_unread_ms) for item in kept}
    if as_json:
        click.echo(msgspec.json.encode([_told(item) | {"kept_until": ends[item.id]} for item in kept]))
        return
    for item in kept:
        about = f"{item.shop} {item.integration} {item.topic}: {item.reason}"
        click.echo(shown(f"{item.id} {to_iso(item.received_at)} until {ends[item.id]} {about}"))


@command.command()
@click.argument("name")
def show(name: str) -> None:
    """Print the body of NAME, as it came. It holds whatever the platform knows about a shopper."""
    with _open() as (_, engine):
        body = _find(engine, name).delivery.body
    # A file gets every byte, a terminal none that it would obey.
    click.echo(shown(body.decode(errors="replace")) if sys.stdout.isatty() else body)


@command.command()
@click.argument("name", required=False)
@click.option("--all", "everything", is_flag=True, help="Everything that is kept.")
def replay(name: str | None, everything: bool) -> int:
    """Read NAME again, as if it came now; what can be read leaves the quarantine."""
    from engine.store import quarantine

    if (name is None) != everything:
        raise click.UsageError("name one, or say --all")
    with _open() as (settings, engine):
        chosen = quarantine.everything(engine) if name is None else [_find(engine, name)]
        failed = sum(not _replayed(settings, engine, item) for item in chosen)
    return NO if failed else FINE


@command.command()
@click.argument("name")
def drop(name: str) -> int:
    """Delete NAME for good."""
    from engine.store import quarantine

    with _open() as (_, engine):
        dropped = quarantine.drop(engine, name)
    if not dropped:
        click.echo("There is no such delivery in quarantine.", err=True)
    return FINE if dropped else NO


@contextmanager
def _open() -> Iterator[tuple[Settings, Engine]]:
    from engine.settings import Settings
    from engine.store.database import open_engine

    settings = Settings.from_env()
    engine = open_engine(settings.database_url)
    try:
        yield settings, engine
    finally:
        engine.dispose()


def _find(engine: Engine, name: str) -> Kept:
    from engine.store import quarantine

    found = quarantine.find(engine, name)
    if found is None:
        click.echo("There is no such delivery in quarantine.", err=True)
        sys.exit(NO)
    return found


def _told(item: Kept) -> dict[str, object]:
    told: dict[str, object] = item._asdict()
    return told | {"delivery": {"id": item.delivery.id, "hints": item.delivery.hints, "bytes": len(item.delivery.body)}}


def _replayed(settings: Settings, engine: Engine, item: Kept) -> bool:
    from engine.committer import Committer
    from engine.errors import Unreadable
    from engine.intake import Intake, open_platform
    from engine.live import open_rules, require_shop
    from engine.store import quarantine

    shop = require_shop(open_rules(settings, engine, remember=False), item.shop)
    platform = open_platform(shop, item.integration)
    if platform is None:
        click.echo(f"{item.id}: shop {item.shop} no longer receives from {item.integration}", err=True)
        return False
    try:
        taken = Intake(engine, Committer(engine)).take(platform, item.delivery, keep=False)
    except Unreadable as error:
        quarantine.note_failure(engine, item.id, error.message)
        click.echo(f"{item.id}: still unreadable: {error.message}", err=True)
        return False
    quarantine.drop(engine, item.id)
    click.echo(f"{item.id}: {taken.outcome.value}, {taken.events} events")
    return True
