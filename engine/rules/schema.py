"""The rule language as documents: tables for docs/rules.md and a JSON Schema for editors, both from the classes.

A test compares both with the files, so that the reference cannot lag behind; ``shopbell schema --docs docs`` rewrites
them.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

from engine.decisions import EXPLANATIONS, Guard
from engine.rules.actions import ACTIONS, STEPS
from engine.rules.conditions.base import CONDITIONS, FORMS, BaseCondition
from engine.rules.fields import OneOrMore, Schema
from engine.rules.forms import Form, Setting
from engine.rules.logic import All
from engine.rules.pages import USUAL
from engine.rules.phrases import GAPS
from engine.rules.sections import ACTIVE, GROUPS, HOLDOUT, INTEGRATIONS, LATE, LIMITS, PAGES, RULE, SHOP
from engine.rules.shop import KnownIntegrations
from engine.rules.steps import VARIANT

_BLOCK = re.compile(r"(<!-- from the code: (?P<name>[a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


# --- JSON Schema ------------------------------------------------------------------------------------------------------


def json_schema(known_integrations: KnownIntegrations | None = None) -> Schema:
    """What an editor may offer and check while somebody types. The loader is the judge: it knows more."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Shopbell rules",
        "type": "object",
        "properties": {
            "shop": SHOP.schema(),
            "pages": PAGES.schema(),
            "integrations": INTEGRATIONS.schema(known_integrations),
            "limits": LIMITS.schema(),
            "groups": GROUPS.schema(),
            "holdout": HOLDOUT.schema(),
            "rules": {"type": "array", "items": RULE.schema()},
        },
        "required": ["rules"],
        "additionalProperties": False,
        "$defs": {"clause": _clause_schema()},
    }


def _clause_schema() -> Schema:
    words = sorted(CONDITIONS)
    alone = [word for word in words if not any(setting.required for setting in FORMS[word].settings)]
    properties = {word: {"description": summary(CONDITIONS[word]), **_value_schema(word)} for word in words}
    group: Schema = {
        "type": "object",
        "properties": properties,
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }
    return {"anyOf": [{"enum": alone}, group]}


def _value_schema(word: str) -> Schema:
    form = FORMS[word]
    return form.schema() if form.settings else {"type": ["boolean", "null"]}


# --- the reference ----------------------------------------------------------------------------------------------------


def refresh(text: str) -> str:
    """``text`` with everything between the markers made anew. Raises KeyError for a block there is no maker for."""
    return _BLOCK.sub(lambda match: f"{match[1]}\n{_MAKERS[match['name']]()}\n\n{match[3]}", text)


def summary(cls: type) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join(_prose(cls).split("\n\n")[0].split())


def example(cls: type) -> str:
    """What stands under ``Example:`` in a docstring, as YAML."""
    return inspect.cleandoc(_docstring(cls).partition("Example:\n")[2])


def _docstring(cls: type) -> str:
    return inspect.cleandoc(cls.__doc__ or "")


def _prose(cls: type) -> str:
    return _docstring(cls).partition("Example:")[0].strip()


def _table(settings: Iterable[Setting]) -> str:
    rows = [
        f"| `{setting.name}` | {_cell(setting.kind.what)} | {_cell(setting.says)} | {_default(setting)} |"
        for setting in settings
    ]
    return "\n".join(("| setting | value | means | unless given |", "|---|---|---|---|", *rows))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _default(setting: Setting) -> str:
    if setting.required:
        return "**must be given**"
    shown = setting.shown_default
    return f"`{shown}`" if re.fullmatch(r"[a-z_]+|\d+[a-z]?", shown) else _cell(shown)


def _form(form: Form[Any]) -> str:
    main = form.main
    note = ""
    if main is not None and not form.bare:
        note = f"\n\nThe value alone is its `{main.name}`."
    return _table(form.settings) + note


def _conditions() -> str:
    families: dict[str, list[str]] = {}
    for word, cls in CONDITIONS.items():
        families.setdefault(cls.__module__, []).append(word)
    return "\n\n".join(_family(module, words) for module, words in families.items())


def _family(module: str, words: list[str]) -> str:
    title = "Together" if module == All.__module__ else (sys.modules[module].__doc__ or "").partition(":")[0]
    return "\n\n".join((f"### {title}", *map(_condition, words)))


def _condition(word: str) -> str:
    cls, form = CONDITIONS[word], FORMS[word]
    parts = [f"#### `{word}`", _prose(cls), f"```yaml\n{example(cls)}\n```"]
    if form.settings and not form.bare:
        parts.append(_form(form))
    for setting in form.settings:
        kind = setting.kind.kind if isinstance(setting.kind, OneOrMore) else setting.kind
        if isinstance(kind, Form):
            parts.append(f"`{setting.name}` takes:\n\n{_form(kind)}")
    return "\n\n".join(parts)


def _overview() -> str:
    rows = [f"| [`{word}`](#{word}) | {_cell(summary(cls))} |" for word, cls in CONDITIONS.items()]
    return "\n".join(("| condition | holds when |", "|---|---|", *rows))


def _peers() -> str:
    rows = [f"| [`{word}`](#{word}) | {_cell(_elsewhere(cls)) or 'nobody'} |" for word, cls in CONDITIONS.items()]
    return "\n".join(("| condition | elsewhere |", "|---|---|", *rows))


def _elsewhere(cls: type[BaseCondition]) -> str:
    return " · ".join(f"{peer}: {name}" for peer, name in cls.peers.items())


def _steps() -> str:
    families: dict[str, list[str]] = {}
    for word, cls in ACTIONS.items():
        families.setdefault((sys.modules[cls.__module__].__doc__ or "").partition(":")[0], []).append(word)
    return "\n\n".join("\n\n".join((f"### {title}", *map(_step, words))) for title, words in families.items())


def _step(word: str) -> str:
    cls, (form, _) = ACTIONS[word], STEPS[word]
    parts = [f"#### `{word}`", _prose(cls), f"```yaml\n{example(cls)}\n```"]
    return "\n\n".join(parts if form.bare else (*parts, _form(form)))


def _gaps() -> str:
    return "\n".join(
        ("| gap | stands for |", "|---|---|", *(f"| `{{{word}}}` | {says} |" for word, (_, says) in GAPS.items()))
    )


def _guards() -> str:
    rows = [f"| `{guard}` | {EXPLANATIONS[guard]} |" for guard in Guard]
    return "\n".join(("| reason | means |", "|---|---|", *rows))


def _pages() -> str:
    rows = [f"| `{kind}` | {' '.join(f'`{path}`' for path in paths)} |" for kind, paths in USUAL]
    return "\n".join(("| page type | usual paths |", "|---|---|", *rows))


_MAKERS: dict[str, Callable[[], str]] = {
    "overview": _overview,
    "conditions": _conditions,
    "peers": _peers,
    "steps": _steps,
    "gaps": _gaps,
    "guards": _guards,
    "variant": lambda: _form(VARIANT),
    "pages": _pages,
    "rule": lambda: _form(RULE),
    "late": lambda: _form(LATE),
    "active": lambda: _form(ACTIVE),
    "shop": lambda: _form(SHOP),
    "limits": lambda: _form(LIMITS),
}
