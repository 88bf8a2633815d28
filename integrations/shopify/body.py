"""What a JSON body says, read with an open mind: Shopify leaves things out as null, ``[]``, ``{}`` or not at all."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from engine.errors import Unreadable

Json = dict[str, object]
VISITOR = "_shopbell_visitor"
"""The cart attribute in which a shop's page writes whose cart it is."""


def require(body: Json, *names: str) -> None:
    """Raises Unreadable where the body is not of the kind that its topic promises; the topic itself is not signed."""
    missing = [name for name in names if name not in body]
    if missing:
        raise Unreadable(f"there is no {', '.join(missing)} in it")


def group(body: Json, name: str) -> Json:
    """The object of that name; an empty one for null, a list or nothing."""
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def groups(body: Json, name: str) -> list[Json]:
    """The objects in the list of that name."""
    value = body.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(body: Json, name: str) -> str | None:
    """A text that says something, or a number as text: Shopify's ids have up to 19 digits."""
    value = body.get(name)
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value)
    return value.strip() or None if isinstance(value, str) else None


def words(body: Json, *names: str) -> str | None:
    """The texts of these names, one after the other."""
    return " ".join(filter(None, (text(body, name) for name in names))) or None


def amount(body: Json, name: str) -> Decimal | None:
    """An amount: a decimal text, or a number."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise Unreadable(f"{name} is no amount") from None
    if not number.is_finite():
        raise Unreadable(f"{name} is no amount")
    return number


def shown(body: Json, name: str) -> tuple[Decimal | None, str | None]:
    """An amount as the shopper saw it, with its currency: the presentment money of ``<name>_set``, else ``name``."""
    money = group(group(body, f"{name}_set"), "presentment_money")
    stated = amount(money, "amount")
    return (stated, text(money, "currency_code")) if stated is not None else (amount(body, name), None)


def whole(body: Json, name: str) -> int | None:
    value = body.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


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
