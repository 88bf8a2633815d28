"""What ``export`` and ``erase`` have in common: finding the person somebody means."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sqlalchemy import Engine


@contextmanager
def closing_database() -> Iterator[Engine]:
    """The database that the environment names, closed again at the end."""
    from engine.settings import Settings
    from engine.store.database import open_engine

    engine = open_engine(Settings.from_env().database_url)
    try:
        yield engine
    finally:
        engine.dispose()


def find(engine: Engine, shop: str, who: str) -> str:
    """The id of the person with this address, customer number or id; ends the command when there is nobody."""
    from engine.identify import hash_of
    from engine.store.privacy import find_person

    hashed = hash_of(shop, who)
    found = find_person(engine, shop, [("email", hashed), ("customer", hashed)], who)
    if found is None:
        click.echo(f"Nobody in shop {shop} is known by that.", err=True)
        sys.exit(1)
    return found
