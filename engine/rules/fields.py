"""What a setting may be: each kind reads a node's raw text, explains what it wanted, and describes itself for the docs.

A kind never guesses. ``45`` is no duration, ``0.08`` is no share, and the message says what to write instead.
"""

from __future__ import annotations

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, ParamSpec, TypeVar

from engine.events import CANONICAL_TYPES, PAGE_TYPES
from engine.rules.shop import KnownIntegrations
from engine.rules.source import Mapping, Node, Scalar, Sequence, Source
from engine.rules.suggestions import did_you_mean, shorten
from engine.said import Said, all_of, frame, one_of, say, unmarked

T = TypeVar("T")
P = ParamSpec("P")
_LONGEST_TEXT = 5_000
_LONGEST_LIST = 200
Schema = dict[str, object]
"""A piece of JSON Schema."""


class Fault(Exception):
    """A node that does not say what it should. Never leaves the loader: it becomes a problem with a position."""

    def __init__(self, node: Node, message: Said) -> None:
        super().__init__(message)
        self.node = node
        self.message = message


class Told(Exception):
    """Something below was wrong and is already noted."""


@dataclass
class Reading:
    """The file being read: where problems go, and what the shop's section said that later sections depend on."""

    source: Source
    currency: str = "EUR"
    languages: tuple[str, ...] = ("en",)
    time_zone: str = "UTC"
    page_types: tuple[str, ...] = PAGE_TYPES
    integrations: KnownIntegrations | None = None
    """The services there are, or None when any name will do."""
    rule_names: dict[str, int] = field(default_factory=dict)

    def attempt(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """What ``read`` gives, or None after noting why not."""
        try:
            return read(*args, **kwargs)
        except Fault as fault:
            self.source.problem(fault.node.line, fault.node.column, fault.message)
        except Told:
            pass
        return None

    def warn(self, node: Node, message: Said) -> None:
        self.source.warning(node.line, node.column, message)


class Kind(ABC, Generic[T]):
    """One kind of setting. ``what`` completes the sentence "this must be …"."""

    @property
    @abstractmethod
    def what(self) -> Said:
        """Words of the rule language stand in backticks, for the reference."""

    @abstractmethod
    def read(self, node: Node, reading: Reading) -> T:
        """The value; raises Fault or Told."""

    def schema(self) -> Schema:
        """What an editor may check while somebody types; the loader is the judge."""
        return {"type": ["string", "number"]}

    def schema_alone(self) -> Schema:
        """The same for a value that stands for a group of settings, so that no group can be meant."""
        return checked(self)


_SEVERAL = frozenset(["allOf", "anyOf", "enum", "additionalProperties"])
"""Where these stand an editor has better words of its own: it lists what may be written, or names the part at fault."""


def checked(kind: Kind[Any]) -> Schema:
    """The kind's schema, which says in an editor what the loader would say."""
    schema = kind.schema()
    if "$ref" in schema:
        return {"allOf": [schema]}  # beside a $ref nothing else counts
    if not _SEVERAL.isdisjoint(schema):
        return schema
    kinds = schema.get("type", [])
    # As a list, because of several single types an editor makes a sentence of its own.
    return {**schema, "type": kinds if isinstance(kinds, list) else [kinds], "errorMessage": refusal(kind)}


def either(**ways: Schema) -> Schema:
    """A value that may be written in several ways. Each has a name, because an editor tells them apart by it."""
    return {"anyOf": [{"title": name.replace("_", " "), **way} for name, way in ways.items()]}


def refusal(kind: Kind[Any]) -> str:
    """What an editor says of another value."""
    return str(say("this must be %(what)s", what=unmarked(kind.what)))


# --- helping hands ----------------------------------------------------------------------------------------------------


def unlike(node: Node, what: Said, found: str) -> Fault:
    """The refusal of a text that is not what it should be."""
    return Fault(node, say("this must be %(what)s, not '%(found)s'", what=unmarked(what), found=shorten(found)))


def must_be(node: Node, what: Said) -> Fault:
    """The refusal of something that is not even of the right shape."""
    return Fault(node, say("this must be %(what)s", what=unmarked(what)))


def text_of(node: Node, what: Said) -> str:
    """A scalar's text, trimmed; raises Fault when there is none."""
    if isinstance(node, Sequence):
        raise Fault(node, say("this must be %(what)s, not a list", what=unmarked(what)))
    if isinstance(node, Mapping):
        raise Fault(node, say("this must be %(what)s, not a group of settings", what=unmarked(what)))
    text = node.text.strip()
    if node.empty or not text:
        raise Fault(node, say("this is empty; it must be %(what)s", what=unmarked(what)))
    if len(text) > _LONGEST_TEXT:
        raise Fault(node, say("this is %(length)s characters long; no setting needs that", length=len(text)))
    if any(unicodedata.category(letter) in ("Cc", "Cs") and letter != "\n" for letter in text):
        raise Fault(node, say("this holds an invisible control character; remove it"))
    return text


def too_long(node: Node, text: str, most: int) -> Fault:
    return Fault(node, say("this is %(length)s characters long; at most %(most)s fit", length=len(text), most=most))


# --- words ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Text(Kind[str]):
    """Any text of one line (or of several)."""

    most: int = 200
    lines: bool = False
    what: Said = say("text")

    def read(self, node: Node, reading: Reading) -> str:
        text = text_of(node, self.what)
        if not self.lines and "\n" in text:
            raise Fault(node, say("this must stay on one line"))
        if len(text) > self.most:
            raise too_long(node, text, self.most)
        if re.search(r"^[“”„].*[“”]$", text):
            reading.warn(node, say('shoppers will read these curly quotes too; for YAML a quote is straight: "…"'))
        return text


@dataclass(frozen=True)
class Slug(Kind[str]):
    """A name that can stand in addresses and reports."""

    most: int = 60
    what: Said = say("a name of small letters, digits and hyphens, such as stuck-in-faq")

    def read(self, node: Node, reading: Reading) -> str:
        text = text_of(node, self.what)
        if len(text) > self.most:
            raise Fault(
                node,
                say("this name is %(length)s characters long; at most %(most)s fit", length=len(text), most=self.most),
            )
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text):
            plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
            better = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
            hint = say("; write %(better)s", better=better) if better else frame("")
            raise Fault(
                node,
                say(
                    "a name has small letters, digits and hyphens only, not '%(text)s'%(hint)s",
                    text=shorten(text),
                    hint=hint,
                ),
            )
        return text

    def schema(self) -> Schema:
        return {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": self.most}


@dataclass(frozen=True)
class Choice(Kind[str]):
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def what(self) -> Said:
        return one_of(f"`{word}`" for word in self.words)

    def read(self, node: Node, reading: Reading) -> str:
        text = text_of(node, self.what)
        if text not in self.words:
            raise Fault(
                node,
                say("'%(text)s' is not known here%(hint)s", text=shorten(text), hint=did_you_mean(text, self.words)),
            )
        return text

    def schema(self) -> Schema:
        return {"enum": list(self.words)}


@dataclass(frozen=True)
class PageType(Kind[str]):
    """A page type: one of the usual ones, or one of the shop's own from ``pages``."""

    what: Said = say("a page type such as faq")

    def read(self, node: Node, reading: Reading) -> str:
        text = text_of(node, self.what)
        if text not in reading.page_types:
            raise Fault(
                node,
                say(
                    "unknown page type '%(text)s'%(hint)s",
                    text=shorten(text),
                    hint=did_you_mean(text, reading.page_types),
                ),
            )
        return text

    def schema(self) -> Schema:
        return {"$ref": "#/definitions/page_type"}


@dataclass(frozen=True)
class EventName(Kind[str]):
    """An event's type: one of Shopbell's, or the shop's own ``object_verbed``."""

    what: Said = say("an event such as product_viewed")

    def read(self, node: Node, reading: Reading) -> str:
        text = text_of(node, self.what)
        if text in CANONICAL_TYPES:
            return text
        near = did_you_mean(text, CANONICAL_TYPES)
        if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", text) or len(text) > 64:
            raise Fault(
                node,
                say("an event is named like product_viewed, not '%(text)s'%(hint)s", text=shorten(text), hint=near),
            )
        if near:
            reading.warn(
                node,
                say(
                    "'%(text)s' is not an event Shopbell knows%(hint)s; fine if your shop sends it",
                    text=text,
                    hint=near,
                ),
            )
        return text

    def schema(self) -> Schema:
        return {"$ref": "#/definitions/event"}


@dataclass(frozen=True)
class OneOrMore(Kind[tuple[T, ...]]):
    """One value, or a list of which any counts."""

    kind: Kind[T]

    @property
    def what(self) -> Said:
        return say("%(what)s, or a list", what=self.kind.what)

    def read(self, node: Node, reading: Reading) -> tuple[T, ...]:
        if not isinstance(node, Sequence):
            return (self.kind.read(node, reading),)
        if not node.items:
            raise Fault(node, say("this list is empty; it must be %(what)s", what=unmarked(self.kind.what)))
        if len(node.items) > _LONGEST_LIST:
            raise Fault(node.items[_LONGEST_LIST], say("a list has at most %(most)s entries", most=_LONGEST_LIST))
        values = [reading.attempt(self.kind.read, item, reading) for item in node.items]
        found = tuple(value for value in values if value is not None)
        if len(found) < len(values):
            raise Told
        return found

    def schema(self) -> Schema:
        one = checked(self.kind)
        return either(one=one, a_list={"type": "array", "items": one, "minItems": 1})


@dataclass(frozen=True)
class Texts(Kind[dict[str, str]]):
    """Text per language, ``{nl: …, en: …}``, or plain text in the shop's first language.

    The result has every language of the shop: a missing one gets the first language's text, and a warning.
    """

    text: Text = field(default_factory=Text)
    what: Said = say("text, or text per language such as {nl: …, en: …}")

    def read(self, node: Node, reading: Reading) -> dict[str, str]:
        first, *others = reading.languages
        if not isinstance(node, Mapping):
            given = {first: self.text.read(node, reading)}
        else:
            given = self._by_language(node, reading)
            if first not in given:
                raise Fault(
                    node,
                    say("'%(first)s' is missing; it is the shop's first language, so every text needs it", first=first),
                )
        missing = [language for language in others if language not in given]
        if missing:
            reading.warn(
                node,
                say(
                    "no translation for %(missing)s; shoppers will read '%(first)s' instead",
                    missing=all_of(missing),
                    first=first,
                ),
            )
        return {language: given.get(language, given[first]) for language in reading.languages}

    def _by_language(self, node: Mapping, reading: Reading) -> dict[str, str]:
        given: dict[str, str] = {}
        failed = False
        for key, value in node.pairs:
            text = reading.attempt(self._one, key, value, reading)
            failed = failed or text is None
            given[key.text] = text or ""
        if failed:
            raise Told
        return given

    def _one(self, key: Scalar, value: Node, reading: Reading) -> str:
        if key.text not in reading.languages:
            if isinstance(value, Scalar) and value.empty:
                raise Fault(key, say("a text with a comma in it needs quotes here"))
            raise Fault(
                key,
                say(
                    "'%(text)s' is not a language of this shop, which has %(languages)s",
                    text=shorten(key.text),
                    languages=", ".join(reading.languages),
                ),
            )
        return self.text.read(value, reading)

    def schema(self) -> Schema:
        text = self.schema_alone()
        per_language: Schema = {"type": "object", "additionalProperties": text, "minProperties": 1}
        return either(text=text, text_per_language=per_language)

    def schema_alone(self) -> Schema:
        return {"type": ["string", "number", "boolean"], "errorMessage": refusal(self.text)}


@dataclass(frozen=True)
class Flag(Kind[bool]):
    """Yes or no."""

    what: Said = say("`true` or `false`")

    def read(self, node: Node, reading: Reading) -> bool:
        text = text_of(node, self.what).casefold()
        if text not in ("true", "yes", "on", "false", "no", "off"):
            raise unlike(node, self.what, text)
        return text in ("true", "yes", "on")

    def schema(self) -> Schema:
        return {"type": "boolean"}
