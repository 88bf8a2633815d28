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
from engine.events import CANONICAL_TYPES, PAGE_TYPES
from engine.rules import blueprints
from engine.rules.actions import ACTIONS, STEPS
from engine.rules.conditions.base import CONDITIONS, FORMS, BaseCondition
from engine.rules.fields import Kind, OneOrMore, Schema, either
from engine.rules.forms import Form, Setting
from engine.rules.logic import All
from engine.rules.pages import USUAL
from engine.rules.parcel_fields import DELIVERY
from engine.rules.phrases import GAPS
from engine.rules.sections import ACTIVE, GROUPS, HOLDOUT, INTEGRATIONS, LATE, LIMITS, PAGES, RULE, SHOP
from engine.rules.shop import KnownIntegrations
from engine.rules.source import Mapping, Node, Sequence, Source, inline, parse
from engine.rules.steps import VARIANT

_BLOCK = re.compile(r"(<!-- from the code: (?P<name>[a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


# --- JSON Schema ------------------------------------------------------------------------------------------------------

_SECTIONS: dict[str, tuple[Kind[Any], str]] = {
    "shop": (SHOP, "Who the shop is: its name, languages, clock, currency and hours."),
    "pages": (PAGES, "Which addresses are which type of page, where the shop differs from the usual."),
    "integrations": (INTEGRATIONS, "The outside services the shop uses; what is secret stands as `env:NAME`."),
    "limits": (LIMITS, "How often anybody hears from the shop at most, over all rules and all their devices."),
    "groups": (GROUPS, "Groups of rules, of which one at a time is on its way, with limits of their own."),
    "holdout": (HOLDOUT, "The share of visitors who never hear anything, to measure what it is all worth."),
}
_A_RULE = {
    "name": "${1:stuck-in-faq}",
    "when": [{"on_page": {"type": "${2:faq}", "for": "${3:1m}"}}],
    "then": [{"invite": "${4:Can I help?}"}],
}


def json_schema(known_integrations: KnownIntegrations | None = None) -> Schema:
    """What an editor may offer and check while somebody types. The loader is the judge: it knows more.

    Draft 7 is what every editor reads. ``markdownDescription``, ``errorMessage``, ``patternErrorMessage`` and
    ``defaultSnippets`` are understood by yaml-language-server and left alone by others.
    """
    rules: Schema = {
        "title": "rules",
        "description": "When to speak up, and what to say.",
        "type": ["array", "null"],
        "items": RULE.schema() | {"defaultSnippets": [{"label": "a whole rule", "body": _A_RULE}]},
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Shopbell rules",
        "type": "object",
        "properties": {**{name: _section(name, known_integrations) for name in _SECTIONS}, "rules": rules},
        "required": ["rules"],
        "additionalProperties": False,
        "definitions": {
            "clause": _entry("condition", {word: _word(word, cls, FORMS[word]) for word, cls in CONDITIONS.items()}),
            "page_type": _words(PAGE_TYPES, "^[a-z][a-z0-9_]*$"),
            "event": _words(sorted(CANONICAL_TYPES), "^[a-z][a-z0-9]*(_[a-z0-9]+)+$"),
            "step": _entry("step", {word: _word(word, cls, STEPS[word][0]) for word, cls in ACTIONS.items()}),
        },
    }


def _section(name: str, known_integrations: KnownIntegrations | None) -> Schema:
    kind, says = _SECTIONS[name]
    told = Setting(name, kind, says).schema()
    return told | INTEGRATIONS.schema(known_integrations) if kind is INTEGRATIONS else told


def _words(known: Iterable[str], pattern: str) -> Schema:
    """Words that are offered, and others of their kind. No value is both, so that an editor explains it once."""
    offered = list(known)
    return either(usual={"enum": offered}, own={"type": "string", "pattern": pattern, "not": {"enum": offered}})


def _entry(title: str, words: dict[str, Schema]) -> Schema:
    """One word with its settings, or alone. One type for both, so that an editor names the word that is wrong."""
    alone = [word for word in words if word not in _needs_settings()]
    return {
        "title": f"a {title}",
        "type": ["object", "string"],
        "properties": words,
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "pattern": f"^({'|'.join(alone)})$",
        "patternErrorMessage": f"this must be a {title} that can stand alone, such as {alone[0]}; others need a value",
    }


def _needs_settings() -> set[str]:
    forms: list[tuple[str, Form[Any]]] = [*FORMS.items(), *((word, form) for word, (form, _) in STEPS.items())]
    return {word for word, form in forms if any(setting.required for setting in form.settings)}


def _word(word: str, cls: type, form: Form[Any]) -> Schema:
    """One condition or step: what it means, how it is written, and an example that an editor puts there."""
    value = form.schema() if form.settings else {"type": ["boolean", "null"]}
    return {
        "title": word,
        "description": summary(cls),
        "markdownDescription": f"{_prose(cls)}\n\n```yaml\n{example(cls)}\n```",
        "defaultSnippets": [{"label": "for example", "body": _written(word, parse(Source(example(cls))))}],
        # Side by side with its properties an editor would leave the example out.
        **({"allOf": [value]} if "properties" in value else value),
    }


def _written(word: str, node: Node | None) -> object:
    """What stands after the word in its example; true where it stands alone."""
    inner: Iterable[Node] = ()
    if isinstance(node, Mapping):
        own = node.get(word)
        if own is not None:
            return _as_snippet(own)
        inner = (value for _, value in node.pairs)
    elif isinstance(node, Sequence):
        inner = node.items
    found = (_written(word, each) for each in inner)
    return next((value for value in found if value is not True), True)


def _as_snippet(node: Node) -> object:
    """The value as an editor puts it there: on one line, because inside a list it would indent further ones wrongly."""
    text = inline(node)
    return text == "true" if text in ("true", "false") else text


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


def _blueprints() -> str:
    rows = []
    for name in blueprints.names():
        plan = blueprints.blueprint(name)
        blanks = ", ".join(f"`{blank}` ({told.default})" for blank, told in plan.blanks.items())
        rows.append(f"| `{name}` | {plan.about['en']} | {blanks} |")
    return "\n".join(("| blueprint | what it does | blanks |", "|---|---|---|", *rows))


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
    "delivery": lambda: _form(DELIVERY),
    "blueprints": _blueprints,
}
