"""What a JSON body says, read with an open mind: WooCommerce says "" for nothing and 0 for nobody, and plugins change
any field.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from html import unescape

from engine.errors import Unreadable

Json = dict[str, object]
_WITHOUT_ZONE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\Z")
_LARGEST_EXPONENT = 15


def require(body: Json, *names: str) -> None:
    """Raises Unreadable where the body is not of the kind that its topic promises; the topic itself is not signed.

    A webhook whose user may not see what it tells of sends WooCommerce's own error, signed.
    """
    missing = [name for name in names if name not in body]
    if missing and {"code", "message", "data"} <= body.keys():
        raise Unreadable(f"the shop sent an error in its place: {str(body['code'])[:60]}")
    if missing:
        raise Unreadable(f"there is no {', '.join(missing)} in it")


def group(body: Json, name: str) -> Json:
    """The object of that name; an empty one for anything else."""
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def groups(body: Json, name: str) -> list[Json]:
    """The objects in the list of that name."""
    value = body.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(body: Json, name: str) -> str | None:
    """A text that says something."""
    value = body.get(name)
    return value.strip() or None if isinstance(value, str) else None


def readable(body: Json, name: str) -> str | None:
    """A text as people read it: names are stored for HTML (``Tea &ndash; green``)."""
    value = text(body, name)
    return unescape(value) if value else None


def number(body: Json, name: str) -> str | None:
    """A number of something, as text; 0 stands for none: no account, no variation, no parent."""
    value = body.get(name)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def whole(body: Json, name: str) -> int | None:
    value = body.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def words(body: Json, *names: str) -> str | None:
    """The texts of these names, one after the other."""
    return " ".join(filter(None, (text(body, name) for name in names))) or None


def amount(body: Json, name: str) -> Decimal | None:
    """An amount: a decimal text, or a number; "" is none. Raises Unreadable for what no order can come to."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal) or value == "":
        return None
    try:
        told = Decimal(value)
    except InvalidOperation:
        raise Unreadable(f"{name} is no amount") from None
    if not told.is_finite() or told.adjusted() > _LARGEST_EXPONENT:
        raise Unreadable(f"{name} is no amount")
    return told


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


def without_nothing(said: Json) -> Json:
    return {name: value for name, value in said.items() if value is not None}
