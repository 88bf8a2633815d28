"""What a JSON body says, read with an open mind: WooCommerce says "" for nothing and 0 for nobody, and plugins change
any field.
"""

from __future__ import annotations

import re
from decimal import Decimal
from html import unescape

from engine import integration
from engine.errors import Unreadable
from engine.integration import Json, amount, group, groups, text, whole, without_nothing, words

__all__ = [
    "Json",
    "amount",
    "both",
    "email_of",
    "group",
    "groups",
    "meta",
    "moment",
    "number",
    "readable",
    "require",
    "text",
    "whole",
    "without_nothing",
    "words",
]
_WITHOUT_ZONE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\Z")


def require(body: Json, *names: str) -> None:
    """Raises Unreadable where the body is not of the kind that its topic promises; the topic itself is not signed.

    A webhook whose user may not see what it tells of sends WooCommerce's own error, signed.
    """
    if not body.keys() >= set(names) and {"code", "message", "data"} <= body.keys():
        raise Unreadable(f"the shop sent an error in its place: {str(body['code'])[:60]}")
    integration.require(body, *names)


def readable(body: Json, name: str) -> str | None:
    """A text as people read it: names are stored for HTML (``Tea &ndash; green``)."""
    value = text(body, name)
    return unescape(value) if value else None


def number(body: Json, name: str) -> str | None:
    """A number of something, as text; 0 stands for none: no account, no variation, no parent."""
    value = body.get(name)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def both(body: Json, net: str, tax: str) -> Decimal | None:
    """An amount with its tax, which is told beside it."""
    price = amount(body, net)
    return None if price is None else price + (amount(body, tax) or Decimal())


def moment(body: Json, name: str) -> str | None:
    """A time of ``<name>_gmt``, which says UTC by its name alone. The field without ``_gmt`` is by the shop's clock."""
    value = text(body, f"{name}_gmt")
    return f"{value}Z" if value and _WITHOUT_ZONE.match(value) else value


def meta(body: Json, key: str) -> object:
    """What stands in the meta data under this key; the last of several."""
    found = [item.get("value") for item in groups(body, "meta_data") if key and item.get("key") == key]
    return found[-1] if found else None


def email_of(body: Json, name: str = "email") -> str | None:
    """An address; not the one that WordPress writes over those of people it has erased (``deleted@site.invalid``)."""
    address = text(body, name)
    return None if address is None or address.casefold().endswith(".invalid") else address
