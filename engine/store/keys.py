"""Keys: who may speak for which shop. Public keys stand in every page's source; secret ones are kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from typing import NamedTuple

from sqlalchemy import Connection, Engine, select, update

from engine.clock import Millis
from engine.store import models
from engine.store.database import database_now, in_transaction, reading
from engine.store.statements import insert_ignoring

KEYS = models.Base.metadata.tables["keys"]
PUBLIC, SECRET = "public", "secret"


class Key(NamedTuple):
    """A key as it is stored; ``key`` of a secret one is its hash."""

    key: str
    shop: str
    kind: str
    label: str
    created_at: Millis
    revoked_at: Millis | None


def stored_form(key: str) -> str:
    """Public keys as they are, anything else as SHA-256: a secret key has too many bits to be guessed from it."""
    return key if key.startswith("pk_") else hashlib.sha256(key.encode()).hexdigest()


def find_key(engine: Engine, key: str) -> Key | None:
    """The key if it is known and not revoked. Raises StoreError."""
    with reading(engine) as connection:
        query = select(KEYS).where(KEYS.c.key == stored_form(key), KEYS.c.revoked_at.is_(None))
        row = connection.execute(query).one_or_none()
        return Key(*row) if row else None


def list_keys(engine: Engine) -> list[Key]:
    with reading(engine) as connection:
        return [Key(*row) for row in connection.execute(select(KEYS).order_by(KEYS.c.shop, KEYS.c.created_at))]


def add_key(engine: Engine, shop: str, kind: str, label: str, key: str | None = None) -> str:
    """Make a key (or take the given one) and return it; a secret one can never be read again."""
    made = key or f"{'pk' if kind == PUBLIC else 'sk'}_{secrets.token_urlsafe(24)}"

    def work(connection: Connection) -> None:
        now = database_now(connection)
        row = Key(stored_form(made), shop, kind, label, created_at=now, revoked_at=None)._asdict()
        connection.execute(insert_ignoring(KEYS, connection.dialect.name), [row])

    in_transaction(engine, work)
    return made


def revoke_key(engine: Engine, key: str) -> bool:
    """True when the key was there and is now refused; takes the key itself or its stored form."""

    def work(connection: Connection) -> bool:
        named = KEYS.c.key.in_([key, stored_form(key)])
        query = update(KEYS).where(named, KEYS.c.revoked_at.is_(None)).values(revoked_at=database_now(connection))
        return connection.execute(query).rowcount > 0

    return in_transaction(engine, work)
