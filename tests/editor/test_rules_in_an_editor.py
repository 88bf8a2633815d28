"""Rules as a marketer types them: what an editor with the real yaml-language-server offers, explains, underlines."""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from engine.rules import blueprints
from engine.rules.actions import ACTIONS
from engine.rules.conditions.base import CONDITIONS
from engine.rules.loader import examine
from engine.rules.schema import example, summary
from tests.editor.language_server import Completion, Diagnostic, Editor

ROOT = Path(__file__).parents[2]
MODELINE = "# yaml-language-server: $schema=rules.schema.json\n"
CURSOR = "¦"
_names = (f"rules-{number}.yaml" for number in count(1))


@dataclass
class Typing:
    """A rule file as it stands in the editor, with the cursor where ``¦`` was."""

    editor: Editor
    desk: Path

    def file(self, text: str) -> tuple[Path, int, int]:
        before, _, after = (MODELINE + text).partition(CURSOR)
        file = self.desk / next(_names)
        file.write_text(before + after, encoding="utf-8")
        return file, before.count("\n"), len(before) - before.rfind("\n") - 1

    def is_underlined(self, text: str) -> list[Diagnostic]:
        return self.editor.open(self.file(text)[0])

    def is_offered(self, text: str) -> dict[str, Completion]:
        file, line, column = self.file(text)
        self.editor.open(file)
        return self.editor.complete(file, line, column)

    def is_explained(self, text: str) -> str:
        file, line, column = self.file(text)
        self.editor.open(file)
        return self.editor.hover(file, line, column)


@pytest.fixture
def typing(editor: Editor, desk: Path) -> Typing:
    return Typing(editor, desk)


def rule(when: str = "agents: online", then: str = "invite: Can I help?") -> str:
    """A file with one rule of one condition and one step."""
    return f"rules:\n  - name: typed\n    when:\n      - {when}\n    then:\n      - {then}\n"


def in_step(lines: str, columns: int) -> str:
    """Lines as an editor inserts them: each further one as deep as the line where the cursor stands."""
    return textwrap.indent(lines, " " * columns).lstrip()


# --- what is right stays as it is -------------------------------------------------------------------------------------


def test_the_shipped_rules_are_not_underlined(editor: Editor) -> None:
    """With the schema that the file itself names."""
    assert editor.open(ROOT / "rules.yaml") == []


def test_no_ready_rule_is_underlined(typing: Typing) -> None:
    filled = [textwrap.indent(blueprints.fill(name, {}).rule, "  ") for name in blueprints.names()]
    assert filled
    assert typing.is_underlined("rules:\n" + "".join(filled)) == []


def test_nothing_in_the_reference_is_underlined(typing: Typing) -> None:
    clauses = "\n".join(textwrap.indent(example(cls), "      ") for cls in CONDITIONS.values())
    steps = "\n".join(textwrap.indent(example(cls), "      ") for cls in ACTIONS.values())
    assert typing.is_underlined(f"rules:\n  - name: typed\n    when:\n{clauses}\n    then:\n{steps}\n") == []


def test_what_a_whole_file_may_say_is_not_underlined(typing: Typing) -> None:
    text = """
shop: {id: main, languages: nl, time_zone: Europe/Amsterdam, office_hours: mon-fri 09:00-21:00, phone: 0575}
pages: {faq: /vragen/*, quiz: [/quiz/*]}
integrations: {smtp: {url: env:SMTP_URL}}
limits: {messages: 3 per 7d, emails: [1 per 24h, 3 per 7d]}
groups: {cart: {emails: 1 per 7d}}
holdout: 5%
rules:
  - name: two-ways
    when:
      - any: [{on_page: quiz}, {not: {country: NO}}, {all: [returning, chatting]}]
    variants:
      a: {share: 50%, then: [invite: {text: {nl: Hoi}, agent: Sanne}]}
      b: {share: 50%, then: [survey]}
    until: ordered
    once_per: 7d
    limits: 1 per session
    late: {at_most: 10m, then: skip}
    active: {from: 2026-12-01}
    shadow: true
"""
    assert typing.is_underlined(text) == []
    assert not examine(text).problems


# --- what is offered --------------------------------------------------------------------------------------------------


def test_under_when_every_condition_is_offered_with_what_it_means(typing: Typing) -> None:
    offered = typing.is_offered("rules:\n  - name: typed\n    when:\n      - ¦\n")
    assert offered.keys() >= CONDITIONS.keys()
    assert all(offered[word].explains.startswith(summary(cls)[:40]) for word, cls in CONDITIONS.items())


def test_under_then_every_step_is_offered_with_what_it_means(typing: Typing) -> None:
    offered = typing.is_offered("rules:\n  - name: typed\n    when: [chatting]\n    then:\n      - ¦\n")
    assert offered.keys() >= ACTIONS.keys()
    assert all(offered[word].explains.startswith(summary(cls)[:40]) for word, cls in ACTIONS.items())


def test_a_chosen_condition_comes_with_a_value_that_can_be_used(typing: Typing) -> None:
    offered = typing.is_offered("rules:\n  - name: typed\n    when:\n      - ¦\n")
    # Of `all` and `any` an editor puts the first dash and leaves the rest to you.
    chosen = [offered[word].insert_text for word in CONDITIONS if word not in ("all", "any")]
    text = rule("\n      - ".join(in_step(inserted, 6) for inserted in chosen))
    assert not examine(text).problems
    assert typing.is_underlined(text) == []


def test_a_chosen_step_comes_with_a_value_that_can_be_used(typing: Typing) -> None:
    offered = typing.is_offered("rules:\n  - name: typed\n    when: [chatting]\n    then:\n      - ¦\n")
    steps = "\n      - ".join(in_step(offered[word].insert_text, 6) for word in ACTIONS)
    text = "shop: {languages: [en, nl]}\n" + rule(then=steps)
    assert not examine(text).problems
    assert typing.is_underlined(text) == []


def test_a_whole_rule_is_offered(typing: Typing) -> None:
    inserted = typing.is_offered("rules:\n  - ¦\n")["a whole rule"].insert_text
    text = "rules:\n  - " + in_step(re.sub(r"\$\{\d:([^}]*)\}", r"\1", inserted), 2)
    assert not examine(text).problems, text
    assert typing.is_underlined(text) == []


def test_a_condition_offers_its_settings(typing: Typing) -> None:
    offered = typing.is_offered("rules:\n  - name: typed\n    when:\n      - on_page:\n          ¦\n")
    assert offered.keys() >= {"type", "url", "for", "counting", "across"}
    assert "How long the shopper must have been there." in offered["for"].explains


def test_a_step_offers_its_settings(typing: Typing) -> None:
    offered = typing.is_offered("rules:\n  - name: typed\n    then:\n      - email:\n          ¦\n")
    assert offered.keys() >= {"template", "offer", "promise", "call"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (rule("agents: ¦"), {"online", "free", "offline"}),
        (rule("on_page: ¦"), {"faq", "returns", "knowledge_base"}),
        (rule("on_page: {type: faq, counting: ¦}"), {"engaged", "visible", "elapsed"}),
        (rule("happened: {event: ¦}"), {"product_viewed", "coupon_rejected"}),
        (rule(then="email: {template: ¦}"), {"cart-reminder", "shipping-surprise"}),
        ("rules:\n  - name: typed\n    until: [¦]\n", {"ordered", "unsubscribed"}),
    ],
)
def test_where_only_some_words_fit_they_are_offered(typing: Typing, text: str, words: set[str]) -> None:
    assert typing.is_offered(text).keys() >= words


def test_at_the_edge_of_the_file_its_sections_are_offered(typing: Typing) -> None:
    offered = typing.is_offered("¦")
    sections = {"shop", "pages", "integrations", "limits", "groups", "holdout", "rules"}
    assert offered.keys() >= sections
    assert all(offered[section].explains for section in sections)


def test_a_service_offers_its_settings_and_another_name_is_underlined(typing: Typing) -> None:
    assert "url" in typing.is_offered("integrations:\n  smtp:\n    ¦\n")
    found = typing.is_underlined("integrations: {smpt: {url: env:SMTP_URL}}\nrules: []\n")
    assert [(each.line, each.message) for each in found] == [(2, "Property smpt is not allowed.")]


# --- what is explained ------------------------------------------------------------------------------------------------


def test_over_a_condition_its_reference_is_shown(typing: Typing) -> None:
    offered = typing.is_offered("rules:\n  - name: typed\n    when:\n      - ¦\n")
    chosen = {word: offered[word].insert_text for word in CONDITIONS} | {
        "all": "all: [chatting]",
        "any": "any: [chatting]",
    }
    file, _, _ = typing.file(rule("\n      - ".join(chosen.values())))
    typing.editor.open(file)
    for line, (word, cls) in enumerate(CONDITIONS.items(), start=4):
        shown = typing.editor.hover(file, line, 9)
        assert word in shown.replace("\\", "")
        assert summary(cls) in " ".join(shown.split())
        assert example(cls) in shown


def test_over_a_setting_it_says_what_to_write_and_what_happens_otherwise(typing: Typing) -> None:
    shown = typing.is_explained(rule("on_page: {type: faq, f¦or: 45s}"))
    assert "How long the shopper must have been there." in shown
    assert "Write a duration such as 45s, 10m, 1h30m or 3d. Unless given: at once." in shown


def test_over_a_step_its_reference_is_shown(typing: Typing) -> None:
    shown = typing.is_explained(rule(then="inv¦ite: Hello"))
    assert summary(ACTIONS["invite"]) in shown
    assert example(ACTIONS["invite"]) in shown


# --- what is underlined -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("on_pgae: faq", "Property on_pgae is not allowed."),
        ("any: [{on_pgae: faq}, {agents: online}]", "Property on_pgae is not allowed."),
        ("can_emial", "this must be a condition that can stand alone, such as "),
        ("on_page: {type: faq, fro: 45s}", "Property fro is not allowed."),
        ("on_page: {type: faq, for: 45}", "this must be a duration such as 45s, 10m, 1h30m or 3d"),
        ("cart_abandoned: 60", "this must be a duration such as 45s, 10m, 1h30m or 3d, or settings: after, at"),
        ("unexpected_shipping: {or_share: 8}", "this must be a share such as 8%"),
        ("pages_viewed: {count: [3]}", "this must be a comparison such as "),
        ("agents: onlin", 'Value is not accepted. Valid values: "online", "free", "offline".'),
        ("happened: {at_least: 2}", 'Missing property "event".'),
    ],
)
def test_a_mistake_in_a_condition_is_underlined_with_what_to_do(typing: Typing, when: str, said: str) -> None:
    found = typing.is_underlined(rule(when))
    assert [(each.line, each.message[: len(said)]) for each in found] == [(5, said)]
    assert examine(rule(when)).problems


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ("invit: Hello", "Property invit is not allowed."),
        ("invite: {txt: Hello}", "this must be text, or text per language such as {nl: …, en: …}, or settings: text, "),
        ("email: {template: cart-reminder, ofer: free_shipping}", "Property ofer is not allowed."),
        ("email: reminder", 'Value is not accepted. Valid values: "cart-reminder", '),
    ],
)
def test_a_mistake_in_a_step_is_underlined_with_what_to_do(typing: Typing, then: str, said: str) -> None:
    found = typing.is_underlined(rule(then=then))
    assert [(each.line, each.message[: len(said)]) for each in found] == [(7, said)]
    assert examine(rule(then=then)).problems


def test_what_a_rule_lacks_and_what_it_does_not_know_is_underlined(typing: Typing) -> None:
    text = "rules:\n  - name: typed\n    whn: [chatting]\n    then: [survey]\n"
    assert {(each.line, each.message) for each in typing.is_underlined(text)} == {
        (3, 'Missing property "when".'),
        (4, "Property whn is not allowed."),
    }


# --- how it gets there ------------------------------------------------------------------------------------------------


def test_the_written_schema_says_which_line_uses_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from engine.cli import run

    assert run(["schema", str(tmp_path / "rules.schema.json")]) == 0
    assert capsys.readouterr().out == MODELINE


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((Path(__file__).parent / "package-lock.json").read_text(encoding="utf-8"))
    packages = [package for name, package in lock["packages"].items() if name]
    assert packages
    assert all("integrity" in package and "resolved" not in package for package in packages)
