"""``shopbell keys``: who may speak for a shop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from engine.cli import FINE, NO

if TYPE_CHECKING:
    from sqlalchemy import Engine


@contextmanager
def _engine() -> Iterator[Engine]:
    from engine.settings import Settings
    from engine.store.database import open_engine

    engine = open_engine(Settings.from_env().database_url)
    try:
        yield engine
    finally:
        engine.dispose()


@click.group()
def command() -> None:
    """List, make and revoke the keys of shops."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(as_json: bool) -> None:
    """Show all keys; of a secret key only its hash is known."""
    import msgspec

    from engine.clock import to_iso
    from engine.store.keys import list_keys

    with _engine() as engine:
        keys = list_keys(engine)
    if as_json:
        click.echo(msgspec.json.encode([key._asdict() for key in keys]))
        return
    for key in keys:
        state = f"revoked {to_iso(key.revoked_at)}" if key.revoked_at else f"since {to_iso(key.created_at)}"
        click.echo(f"{key.kind:7} {key.shop:12} {key.key:36} {state} {key.label}")


@command.command()
@click.argument("shop")
@click.option("--secret", "kind", flag_value="secret", help="For the shop's server.")
@click.option("--public", "kind", flag_value="public", default="public", help="For its pages (the default).")
@click.option("--label", default="", help="What it is for.")
def add(shop: str, kind: str, label: str) -> int:
    """Make a key for SHOP and print it. A secret key is shown this once."""
    from engine.store.keys import add_key

    with _engine() as engine:
        known = _shops(engine)
        if shop not in known:
            there = ", ".join(known) or "none"
            click.echo(f"There is no shop called '{shop}' in the rule files; there is {there}.", err=True)
            return NO
        click.echo(add_key(engine, shop, kind, label))
    return FINE


def _shops(engine: Engine) -> list[str]:
    """The shops of the rule files; of the last good ones, where they cannot be used now."""
    from engine.errors import RuleFileError
    from engine.rules.loader import load_path
    from engine.settings import Settings
    from engine.store.rule_sets import last_good

    try:
        return sorted(load_path(Settings.from_env().rules))
    except (RuleFileError, OSError):
        return sorted(last_good(engine))


@command.command()
@click.argument("key")
def revoke(key: str) -> int:
    """Refuse KEY from now on (within two seconds in every process)."""
    from engine.store.keys import revoke_key

    with _engine() as engine:
        revoked = revoke_key(engine, key)
    if not revoked:
        click.echo("There is no such key, or it was revoked before.", err=True)
    return FINE if revoked else NO
