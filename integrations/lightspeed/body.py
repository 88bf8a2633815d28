"""What a JSON body says. Lightspeed writes ``false`` where an object or a text is empty, ids as numbers, amounts as
numbers or texts (``"0.0000"``), and what belongs to something as a link that may hold it,
``{resource: {id, embedded}}``.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from engine.errors import Unreadable

Json = dict[str, object]
_LONGEST_NAME = 100
_MOST_DIGITS = 15


def thing(body: Json, kind: str, *names: str) -> Json:
    """What the delivery is about, which has these fields. Raises Unreadable for anything else: no header is signed."""
    told = group(body, kind)
    missing = [kind] if not told else [name for name in names if name not in told]
    if missing:
        raise Unreadable(f"there is no {', '.join(missing)} in it")
    return told


def name_of(told: Json) -> str:
    """Its id, as text. Raises Unreadable: what has no name is nothing that could be told twice."""
    name = text(told, "id")
    if name is None:
        raise Unreadable("its id is none")
    return name


def group(body: Json, name: str) -> Json:
    """The object of that name; an empty one for ``false``, null, a list or nothing."""
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def text(body: Json, name: str) -> str | None:
    """A text that says something, or a number as text."""
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
    """An amount, or a count."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise Unreadable(f"{name} is no amount") from None
    if not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS:
        raise Unreadable(f"{name} is no amount")
    return number


def count(body: Json, name: str) -> int | None:
    """A whole number of things, rounded down."""
    number = amount(body, name)
    return None if number is None else int(number)


def linked(body: Json, name: str) -> str | None:
    """The id of what is linked under that name."""
    return text(group(group(body, name), "resource"), "id")


def inside(body: Json, name: str) -> Json:
    """What is linked under that name, where the body holds it; else an empty object."""
    return group(group(group(body, name), "resource"), "embedded")


def all_inside(body: Json, name: str) -> list[Json]:
    """The same for a list of things."""
    value = group(group(body, name), "resource").get("embedded")
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def language_of(body: Json) -> str | None:
    """The language itself: its ``code`` may be the shop's own word for it, such as ``us``."""
    language = group(body, "language")
    return (text(language, "locale") or "").partition("_")[0] or text(language, "code")


def country_of(body: Json) -> str | None:
    """Where it goes, else where the bill goes."""
    codes = (text(group(body, f"address{which}Country"), "code") for which in ("Shipping", "Billing"))
    return next((code.upper() for code in codes if code), None)


def person_in(body: Json) -> str | None:
    """What somebody is called."""
    return words(body, "firstname", "middlename", "lastname")


def refs_of(quote_id: str | None, quote: Json) -> list[str]:
    """The names of a quote, as events tell them: its id, and the hash that nobody can guess."""
    told = (quote_id, text(quote, "recoveryHash"))
    return [f"lightspeed:cart:{name}" for name in told if name and len(name) <= _LONGEST_NAME]


def without_nothing(said: Json) -> Json:
    """Without what was not told."""
    return {name: value for name, value in said.items() if value is not None}
