"""What a JSON body says. Lightspeed writes ``false`` where an object or a text is empty, ids as numbers, amounts as
numbers or texts (``"0.0000"``), and what belongs to something as a link that may hold it,
``{resource: {id, embedded}}``.
"""

from __future__ import annotations

import re
from typing import Final

from engine.errors import Unreadable
from engine.integration import Json, amount, group, groups, require, text, without_nothing, words

__all__ = [
    "CART",
    "Json",
    "all_inside",
    "amount",
    "code_of_language",
    "count",
    "country_of",
    "group",
    "inside",
    "language_of",
    "linked",
    "name_of",
    "person_in",
    "refs_of",
    "text",
    "thing",
    "without_nothing",
]
_LONGEST_NAME = 100
_LANGUAGE = re.compile(r"[a-z]{2,3}\Z")
CART: Final = "lightspeed:cart:"


def thing(body: Json, kind: str, *names: str) -> Json:
    """What the delivery is about, which has these fields. Raises Unreadable for anything else: no header is signed."""
    told = group(body, kind)
    if not told:
        raise Unreadable(f"there is no {kind} in it")
    require(told, *names)
    return told


def name_of(told: Json) -> str:
    """Its id, as text. Raises Unreadable: what has no name is nothing that could be told twice."""
    name = text(told, "id")
    if name is None:
        raise Unreadable("its id is none")
    return name


def count(body: Json, name: str) -> int | None:
    """A whole number of things, rounded down."""
    number = amount(body, name)
    return None if number is None else int(number)


def linked(body: Json, name: str) -> str | None:
    """The id of what is linked under that name, as the link says it, else what the body holds of it."""
    return text(group(group(body, name), "resource"), "id") or text(inside(body, name), "id")


def inside(body: Json, name: str) -> Json:
    """What is linked under that name, where the body holds it; else an empty object."""
    return group(group(group(body, name), "resource"), "embedded")


def all_inside(body: Json, name: str) -> list[Json]:
    """The same for a list of things."""
    return groups(group(group(body, name), "resource"), "embedded")


def language_of(body: Json) -> str | None:
    """The language itself: its ``code`` may be the shop's own word for it, such as ``us``."""
    language = group(body, "language")
    return (text(language, "locale") or "").partition("_")[0] or text(language, "code")


def code_of_language(body: Json) -> str:
    """The shop's own word for it, as it stands in the API's addresses; "" where that is none."""
    code = text(group(body, "language"), "code") or ""
    return code if _LANGUAGE.match(code) else ""


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
    return [f"{CART}{name}" for name in told if name and len(name) <= _LONGEST_NAME]
