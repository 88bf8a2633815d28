"""``shopbell export PERSON``: everything that is kept about somebody, as JSON."""

from __future__ import annotations

import click


@click.command()
@click.argument("person")
@click.option("--shop", default="main", show_default=True, help="The shop's id in its rule file.")
def command(person: str, shop: str) -> None:
    """Print what is kept about PERSON: an e-mail address, a customer number or a person's id."""
    import msgspec

    from engine.cli._people import closing_database, find
    from engine.store.privacy import export

    with closing_database() as engine:
        kept = export(engine, shop, find(engine, shop, person))
    click.echo(msgspec.json.format(msgspec.json.encode(kept), indent=2))
