"""A rule file laid out as we write them, with its comments, and saying exactly what it said before.

Indentation, quotes, durations and the order of what a rule says become the same everywhere. What a comment belongs to
cannot always be told, so nothing is moved past one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from io import StringIO
from textwrap import indent
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, PlainScalarString, SingleQuotedScalarString

from engine.errors import RuleFileError
from engine.rules import sections
from engine.rules.actions import STEPS
from engine.rules.conditions.base import FORMS
from engine.rules.forms import Form
from engine.rules.loader import load
from engine.rules.model import RuleSet
from engine.rules.numbers import Duration, tidy_duration
from engine.said import say

_PLAIN = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*\Z")
_LOOKS_OTHERWISE = frozenset("yes no on off true false null y n".split())
"""Words that other readers of YAML take for something else than words."""


def tidy(text: str, *, name: str = "rules.yaml") -> str:
    """The file laid out anew; the same text where nothing is to be done.

    Raises RuleFileError for a file that cannot be used: what is not understood is not touched.
    """
    before = load(text, name=name)
    if not before.rules and "rules:" not in text:
        return text
    result, passes = _laid_out(text), 10
    # What moved may have let go of what kept something else in its place.
    while (again := _laid_out(result)) != result and (passes := passes - 1):
        result = again
    _must_say_the_same(before, load(result, name=name), name)
    return result


def _laid_out(text: str) -> str:
    document = _yaml().load(text.removeprefix("\ufeff").replace("\r\n", "\n").rstrip() + "\n")
    _order(document, sections.NAMES)
    for rule in document.get("rules") or ():
        _order(rule, [setting.name for setting in sections.RULE.settings])
    _rewrite(document)
    stream = StringIO()
    _yaml().dump(document, stream)
    return re.sub(r"[ \t]+\n", "\n", stream.getvalue()).rstrip("\n") + "\n"


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 100_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _must_say_the_same(before: RuleSet, after: RuleSet, name: str) -> None:
    said = [(rules.shop, [(rule.name, rule.hash) for rule in rules.rules]) for rules in (before, after)]
    if said[0] != said[1]:
        raise RuleFileError(say("%(name)s would not say the same any more, so it was left as it is", name=name))


# --- order ------------------------------------------------------------------------------------------------------------


def _order(group: object, wanted: object) -> None:
    """Put what is in ``wanted`` in that order, unless a comment stands between."""
    assert isinstance(wanted, list | tuple)
    if not isinstance(group, CommentedMap):
        return
    now = list(group)
    ranked = sorted(now, key=lambda key: wanted.index(key) if key in wanted else len(wanted))
    if now == ranked or _has_comments(group, but=ranked[-1] if ranked[-1] == now[-1] else None):
        return
    for key in ranked:
        group.move_to_end(key)


def _has_comments(node: object, but: object = None) -> bool:
    """Whether a comment on a line of its own, or an empty line, hangs on anything in here but the value of ``but``."""
    if not isinstance(node, CommentedMap | CommentedSeq):
        return False
    tokens = [token for key, tokens in node.ca.items.items() if but is None or key != but for token in tokens]
    if any(map(_stands_alone, [*tokens, *(node.ca.comment or ())])):
        return True
    return any(_has_comments(value) for key, value in _pairs(node) if but is None or key != but)


def _stands_alone(token: object) -> bool:
    if token is None:
        return False
    value = getattr(token, "value", None)
    # A list of tokens is what stands above; a text with more than its own line goes on below.
    return value is None or value.startswith("\n") or "\n" in value.rstrip(" ")[:-1]


def _pairs(node: CommentedMap | CommentedSeq) -> Iterator[tuple[object, object]]:
    return iter(list(node.items()) if isinstance(node, CommentedMap) else list(enumerate(node)))


# --- quotes and durations ---------------------------------------------------------------------------------------------


def _forms() -> Iterator[tuple[str, Form[Any]]]:
    yield from FORMS.items()
    yield from ((word, form) for word, (form, _) in STEPS.items())
    yield from (("rule", sections.RULE), ("late", sections.LATE))


@cache
def _durations() -> frozenset[str]:
    """The words whose value is a duration."""
    names = {setting.name for _, form in _forms() for setting in form.settings if isinstance(setting.kind, Duration)}
    mains = {word for word, form in _forms() if form.main is not None and isinstance(form.main.kind, Duration)}
    return frozenset(names | mains | {"once_per", "wait"})


def _rewrite(node: object, key: object = None) -> None:
    if not isinstance(node, CommentedMap | CommentedSeq):
        return
    for name, value in _pairs(node):
        word = name if isinstance(node, CommentedMap) else key
        if isinstance(value, str):
            node[name] = _scalar(value, is_duration=word in _durations())
        else:
            _rewrite(value, word)


def _scalar(value: str, *, is_duration: bool) -> str:
    if is_duration:
        value = type(value)(tidy_duration(str(value)))
    if isinstance(value, SingleQuotedScalarString | DoubleQuotedScalarString):
        text = str(value)
        if is_duration or (_PLAIN.match(text) and text not in _LOOKS_OTHERWISE):
            plain: str = PlainScalarString(text)
            return plain
        return DoubleQuotedScalarString(text) if "\\" not in text and '"' not in text else value
    return value


# --- adding -----------------------------------------------------------------------------------------------------------


def add_entry(text: str, section: str, entry: str) -> str:
    """The file with one more entry at the end of a section that is a list; nothing else is changed.

    ``entry`` begins with ``- `` in its first column.
    """
    lines = text.splitlines()
    heads = ((number, re.match(r"(\w+):\s*(\[\])?\s*(#.*)?$", line)) for number, line in enumerate(lines))
    begin = next((number for number, head in heads if head is not None and head[1] == section), None)
    if begin is None:
        return f"{text.rstrip()}\n\n{section}:\n{indent(entry, '  ')}".lstrip("\n")
    lines[begin] = lines[begin].replace("[]", "").rstrip()
    dashes = [line.index("-") for line in lines[begin + 1 :] if re.match(r"\s*- ", line)]
    end = next((n for n in range(begin + 1, len(lines)) if re.match(r"[^\s#-]", lines[n])), len(lines))
    while end > begin + 1 and not lines[end - 1].strip():
        end -= 1
    own = indent(entry.rstrip("\n"), " " * (dashes[0] if dashes else 2)).splitlines()
    gap = [""] if dashes else []
    rest = lines[end:]
    return "\n".join([*lines[:end], *gap, *own, *([""] if rest and rest[0].strip() else []), *rest]).rstrip("\n") + "\n"
