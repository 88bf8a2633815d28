"""Bring a database up to date (Alembic), on SQLite and PostgreSQL alike."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from engine.store.database import open_engine

_SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(database_url: str) -> None:
    """Run every migration that is missing. Two processes may call it at once: the second waits and finds it done."""
    file = make_url(database_url).database if database_url.startswith("sqlite") else None
    if file and file != ":memory:":
        Path(file).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = open_engine(database_url)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7368655)")
            command.upgrade(_config(connection), "head")
    finally:
        engine.dispose()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config
