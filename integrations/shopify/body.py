"""What a body says: the readers that every platform has, and what only Shopify needs."""

from __future__ import annotations

from decimal import Decimal

from engine.integration import Json, amount, group, groups, require, text, whole, words

__all__ = [
    "Json",
    "amount",
    "group",
    "groups",
    "number_of",
    "ref",
    "require",
    "shown",
    "text",
    "visitor",
    "whole",
    "without_query",
    "words",
]
VISITOR = "_shopbell_visitor"
"""The cart attribute in which a shop's page writes whose cart it is."""


def shown(body: Json, name: str) -> tuple[Decimal | None, str | None]:
    """An amount as the shopper saw it, with its currency: the presentment money of ``<name>_set``, else ``name``."""
    money = group(group(body, f"{name}_set"), "presentment_money")
    stated = amount(money, "amount")
    return (stated, text(money, "currency_code")) if stated is not None else (amount(body, name), None)


def visitor(body: Json) -> str | None:
    """Whose cart it is, where the shop's page has written that into the cart's attributes."""
    notes = groups(body, "note_attributes")
    return next((text(note, "value") for note in notes if note.get("name") == VISITOR), None)


def without_query(token: str | None) -> str | None:
    """A cart's token as every body and the storefront have it: pages also say ``token?key=…``."""
    return token.partition("?")[0] or None if token else None


def ref(kind: str, name: str | None) -> list[str]:
    """A name for the cart, the checkout or the order, as events tell it; nothing for none."""
    return [f"shopify:{kind}:{name}"] if name else []


def number_of(node: Json) -> str | None:
    """``gid://shopify/Order/123`` is 123 in webhooks."""
    name = text(node, "id")
    return name.rpartition("/")[2].partition("?")[0] or None if name else None
