"""Blueprints: ready rules for what customer service advises, each with its blanks and its tests.

A blueprint is one YAML file in this folder: ``about``, ``blanks``, what the shop's section ``needs``, and as text the
``rule`` and its ``tests``. ``{{after}}`` stands for a blank, ``{{after-1s}}``, ``{{after+again}}`` and
``{{total+0.01}}`` reckon with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from io import StringIO
from textwrap import indent
from typing import Any

import msgspec
import yaml
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from engine import money
from engine.clock import SECOND, Millis
from engine.errors import ShopbellError
from engine.rules.fields import Fault, Kind, PageType, Reading, Slug, Text
from engine.rules.numbers import Duration, Money, Share, Whole
from engine.rules.shop import Shop
from engine.rules.shop_fields import UrlPattern
from engine.rules.source import Scalar, Source
from engine.rules.suggestions import did_you_mean
from engine.said import Said, all_of, frame, say

LANGUAGES = ("nl", "en")
FOR_THE_HOUSE = ("about", "note")
"""Texts that colleagues read, and so stand in the shop's first language only."""
KINDS: dict[str, Kind[Any]] = {
    "duration": Duration(),
    "money": Money(),
    "days": Duration(),
    "share": Share(),
    "count": Whole(1),
    "page": PageType(),
    "address": UrlPattern(),
    "text": Text(60),
    "name": Slug(),
}
_BLANK = re.compile(r"\{\{(\w+)((?:[+-][\w.]+)*)\}\}")


class BlueprintError(ShopbellError):
    """A blueprint that is not there, or a blank filled in wrongly."""

    def __init__(self, message: Said) -> None:
        super().__init__(message)


class Blank(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``shop`` names an amount in the shop's section that fills it in, where the file has one."""

    kind: str
    default: str
    says: str
    shop: str = ""


class Blueprint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``about`` by language; ``needs`` is what the shop's section must have for it, as the tests use it."""

    about: dict[str, str]
    blanks: dict[str, Blank]
    rule: str
    tests: str
    needs: dict[str, str] = {}


@dataclass(frozen=True)
class Filled:
    """A blueprint with its blanks filled in: the rule and its tests, each as an entry of a YAML list."""

    name: str
    rule: str
    tests: str
    needs: dict[str, str]

    def rule_file(self, languages: Sequence[str]) -> str:
        """A whole rule file with this rule alone."""
        needs = "".join(f"  {name}: {value}\n" for name, value in self.needs.items())
        return f"shop:\n  languages: [{', '.join(languages)}]\n{needs}rules:\n{indent(self.rule, '  ')}"

    def test_file(self) -> str:
        return f"tests:\n{indent(self.tests, '  ')}"


@cache
def names() -> tuple[str, ...]:
    found = (file.name for file in resources.files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml")))


@cache
def blueprint(name: str) -> Blueprint:
    """Raises BlueprintError when there is none of that name."""
    if name not in names():
        near = did_you_mean(name, names()) or say("; `shopbell new --list` tells which there are")
        raise BlueprintError(say("there is no blueprint '%(name)s'%(hint)s", name=name, hint=near))
    text = (resources.files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.load(text, Loader=yaml.CBaseLoader), Blueprint)  # noqa: S506 - text and nothing else


def as_the_shop_has_it(name: str, shop: Shop) -> dict[str, str]:
    """The blanks of which the shop's own section knows better than our defaults."""
    amounts = {blank: getattr(shop, plan.shop) for blank, plan in blueprint(name).blanks.items() if plan.shop}
    return {
        blank: str(money.to_major(amount, shop.currency)) for blank, amount in amounts.items() if amount is not None
    }


def fill(name: str, values: Mapping[str, str], languages: Sequence[str] = LANGUAGES) -> Filled:
    """The blueprint with these blanks filled in, the others by their defaults. Raises BlueprintError."""
    plan = blueprint(name)
    unknown = [value for value in values if value not in plan.blanks]
    if unknown:
        raise BlueprintError(
            say(
                "'%(name)s' has no blank '%(blank)s'%(hint)s",
                name=name,
                blank=unknown[0],
                hint=did_you_mean(unknown[0], plan.blanks),
            )
        )
    spoken = [language for language in languages if language in LANGUAGES]
    if not spoken:
        raise BlueprintError(
            say(
                "blueprints are written in %(known)s, not in %(wanted)s",
                known=all_of(LANGUAGES),
                wanted=", ".join(languages),
            )
        )
    filled = {blank: _checked(blank, plan.blanks[blank], values) for blank in plan.blanks}
    rule = _in_languages(_substitute(plan.rule, plan.blanks, filled), spoken)
    tests = _substitute(plan.tests, plan.blanks, filled)
    needs = {key: _substitute(value, plan.blanks, filled) for key, value in plan.needs.items()}
    return Filled(name, rule, tests, needs)


def _checked(name: str, blank: Blank, values: Mapping[str, str]) -> str:
    value = values.get(name, blank.default).strip()
    try:
        KINDS[blank.kind].read(Scalar(value, True, 1, 1), Reading(Source("")))
    except Fault as fault:
        raise BlueprintError(frame("%(name)s: %(message)s", name=name, message=fault.message)) from None
    return value


def _substitute(text: str, blanks: Mapping[str, Blank], values: Mapping[str, str]) -> str:
    def put(match: re.Match[str]) -> str:
        name, terms = match[1], re.findall(r"([+-])([\w.]+)", match[2])
        value = values[name]
        if terms:
            return _reckon(blanks[name].kind, value, [(sign, values.get(term, term)) for sign, term in terms])
        # A text stands in double quotes, where JSON's escapes hold.
        return json.dumps(value, ensure_ascii=False)[1:-1] if blanks[name].kind == "text" else value

    return _BLANK.sub(put, text)


def _reckon(kind: str, value: str, terms: Sequence[tuple[str, str]]) -> str:
    if not isinstance(KINDS[kind], Duration):
        return str(sum((Decimal(sign + term) for sign, term in terms), Decimal(value)))
    return f"{sum((_ms(term) if sign == '+' else -_ms(term) for sign, term in terms), _ms(value)) // SECOND}s"


def _ms(duration: str) -> Millis:
    return Duration().read(Scalar(duration, True, 1, 1), Reading(Source("")))


def _in_languages(rule: str, languages: Sequence[str]) -> str:
    """The rule in these languages, as an entry of a list; one language stands without its tag."""
    reader = YAML()
    reader.preserve_quotes = True
    reader.width = 100_000
    reader.indent(mapping=2, sequence=4, offset=2)
    content = reader.load(rule)
    _choose(content, languages)
    stream = StringIO()
    reader.dump(content, stream)
    return "- " + indent(stream.getvalue(), "  ").lstrip()


def _choose(node: object, languages: Sequence[str]) -> object:
    if isinstance(node, list):
        node[:] = [_choose(item, languages) for item in node]
    elif isinstance(node, dict):
        if node and set(node) <= set(LANGUAGES):
            return _told_in(node, languages)
        for key, value in list(node.items()):
            node[key] = value[languages[0]] if key in FOR_THE_HOUSE else _choose(value, languages)
    return node


def _told_in(texts: dict[str, str], languages: Sequence[str]) -> object:
    if len(languages) == 1:
        return DoubleQuotedScalarString(texts[languages[0]])
    for language in [language for language in texts if language not in languages]:
        del texts[language]
    return texts
