"""Vloei, a small paper shop that uses Shopbell as any shop would: through the public snippet and the HTTP API.

It knows nothing of the engine. `create_blueprint` gives Flask a shop under `/demo/`:

| module | holds |
|---|---|
| `catalogue` | products, prices, shipping, both languages |
| `articles`, `texts` | the help section and every sentence |
| `visit` | the signed cookie: cart, checkout, order, and the arithmetic |
| `forms` | what shoppers type, checked |
| `wire` | the shop's facts in the shapes of Shopbell's API |
| `counter` | the shop's own calls to Shopbell with its secret key |
| `pages`, `checkout`, `shop` | the routes and what they share |
"""

from __future__ import annotations

from flask import Blueprint

from demo.checkout import add_checkout
from demo.pages import add_pages
from demo.shop import DemoSettings, Shop

__all__ = ["DemoSettings", "create_blueprint"]


def create_blueprint(settings: DemoSettings) -> Blueprint:
    """The shop as a blueprint under `/demo`, for development only. Errors: ValueError without a secret key."""
    shop = Shop(settings)
    blueprint = Blueprint("demo", __name__, url_prefix="/demo", template_folder="templates", static_folder="static")
    shop.attach(blueprint)
    add_pages(blueprint, shop)
    add_checkout(blueprint, shop)
    return blueprint
