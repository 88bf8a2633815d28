"""What only development has: the demo shop, its keys, the mailbox and the view into the rules."""

from __future__ import annotations

import importlib
import secrets
from functools import partial
from pathlib import Path

from flask import Flask

from engine.settings import Settings
from engine.store.deliveries import rules_of
from engine.store.keys import PUBLIC, SECRET, add_key
from engine.web import why
from engine.web.mailbox import create_blueprint as mailbox_blueprint
from engine.web.services import Services

DEMO_KEY = "pk_demo"


def register(app: Flask, house: Services) -> None:
    """Add the development pages to the app, and the demo shop's keys to the database."""
    settings = house.settings
    secret_key = demo_secret(settings)
    shop = next(iter(house.live.shops()))
    add_key(house.engine, shop, PUBLIC, "demo shop", DEMO_KEY)
    add_key(house.engine, shop, SECRET, "demo shop's server", secret_key)
    app.register_blueprint(why.blueprint)
    if settings.mailbox:
        app.register_blueprint(mailbox_blueprint(settings.mailbox_dir, partial(rules_of, house.engine)))
    # The demo is a shop, not a part of the engine: it is looked up by name and speaks only the public API.
    demo = importlib.import_module("demo")
    configured = demo.DemoSettings(
        secret_key=secret_key,
        public_key=DEMO_KEY,
        server_endpoint=f"http://127.0.0.1:{settings.port}",
        mailbox_url="/dev/mailbox",
        why_url="/dev/why/",
        state_file=settings.data_dir / "demo_counter",
    )
    app.register_blueprint(demo.create_blueprint(configured))


def demo_secret(settings: Settings) -> str:
    """The demo shop's secret key: made once for this data folder, readable by its owner only."""
    file: Path = settings.data_dir / "demo_secret_key"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(f"sk_{secrets.token_urlsafe(24)}")
    return file.read_text().strip()
