"""``shopbell audience``: lists for advertising, as the platforms take them."""

from __future__ import annotations

import click

from engine.cli import FINE, NO

HEADERS = {"google": "Email", "meta": "email"}
"""What Google's Customer Match and Meta's customer lists call the column with addresses."""


@click.group()
def command() -> None:
    """List the audiences that rules made, and give one out as CSV."""


@command.command("list")
@click.option("--shop", default="main", show_default=True, help="The shop's id in its rule file.")
def list_(shop: str) -> None:
    """Show every audience with how many visitors are on it."""
    from engine.cli._people import closing_database
    from engine.store.audiences import sizes

    with closing_database() as engine:
        for name, count in sizes(engine, shop).items():
            click.echo(f"{count:8} {name}")


@command.command()
@click.argument("name")
@click.option("--shop", default="main", show_default=True, help="The shop's id in its rule file.")
@click.option("--for", "platform", type=click.Choice(sorted(HEADERS)), default="google", show_default=True)
@click.option("--plain", is_flag=True, help="The addresses themselves instead of their hashes.")
def export(name: str, shop: str, platform: str, plain: bool) -> int:
    """Print audience NAME as CSV: SHA-256 of each address, of those who agreed to marketing."""
    import csv
    import sys

    from engine.cli._people import closing_database
    from engine.store.audiences import members, sizes

    with closing_database() as engine:
        if name not in sizes(engine, shop):
            click.echo(f"Nobody is on an audience called '{name}' in shop {shop}.", err=True)
            return NO
        found = members(engine, shop, name)
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow([HEADERS[platform]])
    rows.writerows([_written(address, plain=plain)] for address in found.addresses)
    if found.others:
        click.echo(f"{found.others} left out: no address, or no consent to marketing any more.", err=True)
    return FINE


def _written(address: str, *, plain: bool) -> str:
    """Both platforms hash what is in small letters and without spaces around it."""
    import hashlib

    tidy = address.strip().lower()
    return tidy if plain else hashlib.sha256(tidy.encode()).hexdigest()
