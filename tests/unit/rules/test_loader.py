from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from engine.clock import DAY, MINUTE
from engine.errors import RuleFileError
from engine.integration import known
from engine.rules.actions import Email, Invite, Wait
from engine.rules.actions.flow import Pause
from engine.rules.loader import examine, load, load_path
from engine.rules.logic import All
from tests.unit.rules.shoppers import load_text, one_rule

SHIPPED = Path(__file__).parents[3] / "rules.yaml"
SMALL = "rules:\n  - name: helping-hand\n    when: [on_page: faq]\n    then: [email: cart-reminder]\n"


def _hashes(text: str) -> list[str]:
    return [rule.hash for rule in load_text(text).rules]


def test_the_shipped_file_is_in_order_and_leaves_no_doubt() -> None:
    found = examine(SHIPPED.read_text(encoding="utf-8"), known_integrations=known())
    assert not found.problems
    assert not found.warnings
    assert found.rule_set is not None
    assert {"stuck-in-knowledge-base", "unexpected-shipping"} <= found.rule_set.by_name.keys()
    assert found.rule_set.shop.languages == ("nl", "en")


def test_the_steps_become_what_the_engine_takes() -> None:
    rule = one_rule(
        """
        when: [cart_abandoned: 1h]
        then:
          - invite: {text: "Kan ik helpen?", agent: Sanne, opens: link, href: /contact, label: "Ja", expires: 5m}
          - wait: 1d
          - email: {template: shipping-surprise, offer: free_shipping, call: [phone, chat], subject: "Je winkelwagen"}
          - email: cart-reminder"""
    )
    assert rule.then == (
        Invite(
            text={"en": "Kan ik helpen?"},
            agent="Sanne",
            opens="link",
            href="/contact",
            label={"en": "Ja"},
            expires_ms=5 * MINUTE,
        ),
        Wait(pause=Pause(ms=DAY)),
        Email(
            template="shipping-surprise",
            offer="free_shipping",
            call=("phone", "chat"),
            subject={"en": "Je winkelwagen"},
        ),
        Email(template="cart-reminder"),
    )


def test_a_rule_about_an_abandoned_cart_fires_once_per_cart_unless_it_says_so() -> None:
    assert one_rule("when: [cart_abandoned: 1h]\nthen: [email: cart-reminder]").once_per == "cart"
    assert one_rule("when: [cart_abandoned: 1h]\nthen: [email: cart-reminder]\nonce_per: visitor").once_per == "visitor"
    assert one_rule("when: [on_page: faq]\nthen: [email: cart-reminder]").once_per == "session"


def test_what_a_rule_needs_is_known_from_its_top_level() -> None:
    rule = one_rule("when: [{on_page: [faq, returns]}, {cart: filled}, {agents: online}]\nthen: [email: cart-reminder]")
    assert rule.page_types == frozenset({"faq", "returns"})
    assert rule.needs_cart
    assert isinstance(rule.when, All)
    anywhere = one_rule("when: [can_email]\nthen: [email: cart-reminder]")
    assert anywhere.page_types is None
    assert not anywhere.needs_cart


def test_a_rule_is_known_by_its_content_and_not_by_its_place() -> None:
    moved = "# a note\nrules:\n- then:\n  - email: cart-reminder\n  when:\n  - on_page: faq\n  name: helping-hand\n"
    assert _hashes(moved) == _hashes(SMALL)
    assert load(moved).hash != load(SMALL).hash
    assert _hashes(SMALL.replace("faq", "returns")) != _hashes(SMALL)


def test_a_rule_says_on_which_line_it_stands() -> None:
    assert load("\n\n" + SMALL).rules[0].line == 4


def test_a_page_type_of_the_shops_own_can_be_used() -> None:
    rules = load("pages:\n  size_guide: /maten/*\n" + SMALL.replace("faq", "size_guide")).rules
    assert rules[0].page_types == frozenset({"size_guide"})


def test_the_sections_may_stand_in_any_order() -> None:
    rules = SMALL.replace("email: cart-reminder", 'invite: {text: {nl: "Hoi", en: "Hi"}}')
    assert isinstance(load(rules + "shop: {languages: [nl, en]}\n").rules[0].then[0], Invite)


def test_integrations_are_only_checked_against_names_that_are_known() -> None:
    text = "integrations: {somewhere: {id: 7}}\n" + SMALL
    assert load(text).shop.integrations[0].settings == {"id": "7"}
    with pytest.raises(RuleFileError):
        load(text, known_integrations=known())


# --- doubts -----------------------------------------------------------------------------------------------------------


def _doubts(text: str, *, production: bool = False) -> list[str]:
    found = examine(text, production=production)
    assert not found.problems
    return [warning.message for warning in found.warnings]


def test_a_missing_translation_is_doubtful() -> None:
    text = "shop: {languages: [nl, en, de]}\n" + SMALL.replace("email: cart-reminder", 'invite: {text: {nl: "Hoi"}}')
    assert _doubts(text) == ["no translation for en and de; shoppers will read 'nl' instead"]


def test_a_condition_beside_its_opposite_is_doubtful() -> None:
    text = SMALL.replace("[on_page: faq]", "[{on_page: faq}, {not: {on_page: faq}}, can_email]")
    assert _doubts(text) == ["helping-hand: one condition wants what another one rules out, so this never fires"]
    assert not _doubts(SMALL.replace("[on_page: faq]", "[{on_page: faq}, {not: {on_page: blog}}, can_email]"))


def test_quotes_of_a_text_processor_are_doubtful() -> None:
    for text, doubts in (("“Hoi”", 1), ("„Hoi”", 1), ('"Zeg “hoi” tegen ons"', 0)):
        found = _doubts(SMALL.replace("email: cart-reminder", f"invite: {{text: {text}}}"))
        assert ["curly quotes" in doubt for doubt in found] == [True] * doubts


def test_two_pages_at_once_are_doubtful() -> None:
    text = SMALL.replace("[on_page: faq]", "[{on_page: faq}, {on_page: returns}, can_email]")
    assert ["nobody is on two pages at once" in doubt for doubt in _doubts(text)] == [True]
    assert not _doubts(
        SMALL.replace("[on_page: faq]", "[{on_page: [faq, blog]}, {on_page: [returns, blog]}, can_email]")
    )


def test_a_cart_both_empty_and_left_is_doubtful() -> None:
    text = SMALL.replace("[on_page: faq]", "[{cart: empty}, {cart_abandoned: 1h}, can_email]")
    assert "one condition wants an empty cart" in _doubts(text)[0]


def test_an_invitation_to_somebody_who_left_is_doubtful() -> None:
    text = SMALL.replace("[on_page: faq]", "[cart_abandoned: 1h]").replace("email: cart-reminder", 'invite: "Hoi"')
    assert "invites on the page after the shopper has left" in _doubts(text)[0]


def test_a_mail_rule_that_does_not_ask_for_permission_is_told_so() -> None:
    assert _doubts(SMALL) == [
        "helping-hand: mail goes only to those who may be mailed; say so with '- can_email' under when"
    ]


def test_an_event_that_resembles_a_known_one_is_doubtful() -> None:
    text = SMALL.replace("[on_page: faq]", "[{happened: page_view}, can_email]")
    assert "did you mean 'page_viewed'" in _doubts(text)[0]


def test_production_wants_to_know_how_mail_leaves() -> None:
    text = SMALL.replace("[on_page: faq]", "[can_email]")
    assert not _doubts(text)
    assert sum("rules send mail, but" in doubt for doubt in _doubts(text, production=True)) == 3


# --- files and folders ------------------------------------------------------------------------------------------------


def test_a_folder_holds_one_file_a_shop(tmp_path: Path) -> None:
    (tmp_path / "nl.yaml").write_text("shop: {id: nl}\n" + SMALL)
    (tmp_path / "be.yml").write_text("shop: {id: be}\n" + SMALL)
    (tmp_path / "nl.test.yaml").write_text("tests: []\n")
    (tmp_path / ".be.yaml").write_text("an editor's leftovers")
    assert set(load_path(tmp_path)) == {"nl", "be"}
    assert set(load_path(tmp_path / "nl.yaml")) == {"nl"}


def test_two_files_for_one_shop_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SMALL)
    (tmp_path / "b.yaml").write_text(SMALL)
    with pytest.raises(RuleFileError) as refused:
        load_path(tmp_path)
    assert refused.value.problems == ("b.yaml: its shop is called 'main', as in a.yaml; give each its own id",)


def test_the_problems_of_every_file_come_together(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SMALL.replace("faq", "fax"))
    (tmp_path / "b.yaml").write_bytes(b"rules:\n  - name: caf\xe9\n")
    with pytest.raises(RuleFileError) as refused:
        load_path(tmp_path)
    assert [problem.split(": ")[0] for problem in refused.value.problems] == ["a.yaml:3:21", "b.yaml:2"]
    assert "save the file as UTF-8" in refused.value.problems[1]


def test_a_file_that_is_not_there_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(RuleFileError, match=r"there is no rule file nowhere\.yaml"):
        load_path(tmp_path / "nowhere.yaml")
    with pytest.raises(RuleFileError, match=r"holds no \.yaml file"):
        load_path(tmp_path)


def test_a_rule_set_cannot_be_changed_by_accident() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load(SMALL).rules[0].when.clause = "other"  # type: ignore[misc]
