"""What a platform's JSON says, read with an open mind: nothing is written as null, "", ``[]``, ``{}``, ``false`` or not
at all, ids and amounts as numbers or as texts, and plugins change any field.

What is not there is None, or empty; what is there and makes no sense is :class:`~engine.errors.Unreadable`.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from engine.errors import MalformedJson, Unreadable
from engine.strictjson import loads

Json = dict[str, object]
_LARGEST_EXPONENT = 15
"""No order comes to more than that: an amount of a million digits would only cost time."""


def json_object(body: bytes) -> Json:
    """The body as a JSON object. Raises Unreadable; MalformedJson's words say why."""
    try:
        value = loads(body)
    except MalformedJson as error:
        raise Unreadable(error.message) from None
    if not isinstance(value, dict):
        raise Unreadable("the body is no JSON object")
    return value


def require(body: Json, *names: str) -> None:
    """Raises Unreadable where the body is not of the kind that its topic promises; few platforms sign the topic."""
    missing = [name for name in names if name not in body]
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
    """A text that says something, or a whole number as text: ids have up to 19 digits."""
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
    """An amount: a decimal text, or a number. Raises Unreadable for what is none, or more than any order comes to."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    if isinstance(value, str) and not value.strip():
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise Unreadable(f"{name} is no amount") from None
    if not number.is_finite() or number.adjusted() > _LARGEST_EXPONENT:
        raise Unreadable(f"{name} is no amount")
    return number


def whole(body: Json, name: str) -> int | None:
    """A whole number that is written as one."""
    value = body.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def without_nothing(said: Json) -> Json:
    """Without what was not told."""
    return {name: value for name, value in said.items() if value is not None}
