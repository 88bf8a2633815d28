"""What ``export``, ``erase`` and ``why`` have in common: finding whom somebody means."""

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
    found = _person(engine, shop, who)
    if found is None:
        click.echo(f"Nobody in shop {shop} is known by that.", err=True)
        sys.exit(1)
    return found


def visitors_called(engine: Engine, shop: str, who: str) -> list[str]:
    """The visitors somebody may mean: the one with this id, those of a person, the one whose order or cart it is."""
    from engine.store import aliases, looks
    from engine.store.database import reading

    person = _person(engine, shop, who)
    with reading(engine) as connection:
        theirs = looks.visitors_of(connection, shop, person) if person else []
        named = [alias.visitor for alias in aliases.find(connection, shop, [who]).values()]
    return list(dict.fromkeys([who, *theirs, *named]))


def _person(engine: Engine, shop: str, who: str) -> str | None:
    from engine.identify import hash_of
    from engine.store.privacy import find_person

    hashed = hash_of(shop, who)
    return find_person(engine, shop, [("email", hashed), ("customer", hashed)], who)
