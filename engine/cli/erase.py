"""``shopbell erase PERSON``: delete everything that is kept about somebody."""

from __future__ import annotations

import click


@click.command()
@click.argument("person")
@click.option("--shop", default="main", show_default=True, help="The shop's id in its rule file.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
def command(person: str, shop: str, yes: bool) -> None:
    """Delete PERSON (an e-mail address, a customer number or a person's id) and everything about them, on every device.

    An unsubscription is remembered as a hash, so that they are not mailed by accident.
    """
    from engine.cli._people import closing_database, find
    from engine.store.privacy_requests import erase_by_hand

    with closing_database() as engine:
        found = find(engine, shop, person)
        if not yes:
            click.confirm(f"Delete everything about {found}? This cannot be undone.", abort=True)
        click.echo(f"{erase_by_hand(engine, shop, found).rows} rows deleted")
