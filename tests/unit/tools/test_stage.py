"""Scripts played on a virtual clock, by the code that runs live."""

from __future__ import annotations

from textwrap import dedent

import pytest

from engine.errors import RuleFileError
from engine.live import ready
from engine.rehearsal.mutate import survivors
from engine.rehearsal.script import load
from engine.rehearsal.stage import Played, play
from tests.builders import LEFT, SEQUENCE, STUCK, named, rule_set, with_lines

HELD = with_lines(STUCK, "holdout: 50%")


def played(given: str, expect: str, *rules: str, more: str = "", head: str = "") -> Played:
    found = rule_set(*rules, head=head)
    name = found.rules[0].name
    text = f"tests:\n  - {{name: it, rule: {name}, given: {given}, expect: {expect}{more}}}\n"
    (script,) = load(text, found)
    return play(script, ready(found))


def passes(given: str, expect: str, *rules: str, more: str = "", head: str = "") -> bool:
    return played(given, expect, *rules, more=more, head=head).passed


def test_a_reader_is_invited_when_the_page_checks_in() -> None:
    assert passes("{0s: {opens: knowledge_base}}", "{44s: nothing, 45s: {invite: stuck}}", STUCK)


def test_a_reader_who_looks_away_does_not_count() -> None:
    given = "{0s: {opens: knowledge_base}, 30s: page_hidden, 2m: page_shown}"
    assert passes(given, "{2m14s: nothing, 2m15s: {invite: stuck}}", STUCK)


def test_a_reader_who_falls_asleep_counts_for_half_a_minute() -> None:
    given = "{0s: {opens: knowledge_base}, 10s: idle, 5m: {text_typed: {length: 3}}}"
    assert passes(given, "{5m4s: nothing, 5m5s: {invite: stuck}}", STUCK)


def test_timers_ring_at_their_moment() -> None:
    given = "{0s: [may_be_mailed, {cart: 20.00}, leaves]}"
    assert passes(given, "{59m59s: nothing, 1h: {email: left}}", LEFT)


def test_a_purchase_on_another_device_stops_the_rest() -> None:
    given = (
        "{0s: [may_be_mailed, {cart: 20.00}, leaves], "
        "2h: [{gives_address: , device: phone}, {order_placed: {id: o1, email: shopper@example.com}, device: phone}]}"
    )
    assert passes(given, "{1h: {email: sequence}, 3d: {stopped: ordered}}", SEQUENCE)


def test_an_agent_who_comes_back_is_noticed() -> None:
    rule = STUCK.replace("then:", "  - agents: online\nthen:")
    given = "{0s: {opens: knowledge_base}, 2m1s: {agents: online}}"
    assert passes(given, "{2m: nothing, 2m20s: {invite: stuck}}", rule, more=", agents: offline")


def test_nobody_is_in_a_holdout_by_accident() -> None:
    assert passes("{0s: {opens: knowledge_base}}", "{1m: {invite: stuck}}", HELD)


def test_a_test_may_ask_for_somebody_in_the_holdout() -> None:
    assert passes("{0s: {opens: knowledge_base}}", "{1m: {held: holdout}}", HELD, more=", in_holdout: stuck")


def test_a_silence_that_was_not_expected_is_a_failure() -> None:
    result = played("{0s: {opens: knowledge_base}}", "{1m: nothing}", HELD, more=", in_holdout: stuck")
    assert "'stuck' was held by holdout (50% of visitors) at 45 s" in result.failures[0].message


def test_a_message_may_be_held_to_its_words() -> None:
    given = "{0s: [may_be_mailed, {cart: 20.00}, leaves]}"
    assert passes(given, "{1h: {email: {template: cart-reminder}}}", LEFT)
    assert not passes(given, "{1h: {email: {template: shipping-surprise}}}", LEFT)


def test_a_test_begins_when_it_says() -> None:
    rule = with_lines(STUCK, "active: {from: 2026-12-01}")
    given, expect = "{0s: {opens: knowledge_base}}", "{1m: {invite: stuck}}"
    assert not passes(given, expect, rule, more=", starts: 2026-11-30 12:00")
    assert passes(given, expect, rule, more=", starts: 2026-12-01 12:00")


def test_a_failure_says_what_was_expected_what_came_and_what_the_rule_says() -> None:
    (failure,) = played("{0s: {opens: knowledge_base}}", "{40s: {invite: stuck}}", STUCK).failures
    assert failure.message == "expected invite: stuck, but nothing came"
    assert (failure.line, failure.at) == (2, 40_000)
    assert failure.view is not None
    (clause,) = failure.view.clauses
    # What the page has not reported is not known.
    assert (clause.seen, clause.wanted) == ("0 s", "45 s")


def test_what_came_instead_is_told_once_and_who_used_up_the_limit() -> None:
    given = "{0s: [may_be_mailed, {cart: 20.00}, leaves]}"
    later = named(LEFT, "later").replace("1h", "2h")
    failed = played(given, "{2h: {email: later}}", later, LEFT, head="limits: {emails: 1 per 1d}")
    assert [failure.message for failure in failed.failures] == [
        "expected email: later, but 'later' was held by limit (1 per 1 d for the shop, used up by left) at 2 h"
    ]


def test_zero_is_the_beginning_in_any_unit() -> None:
    for zero in ("0", "0s", "0m", "0h", "0d"):
        assert passes(f"{{{zero}: {{opens: knowledge_base}}}}", "{44s: nothing, 45s: {invite: stuck}}", STUCK)


def test_of_other_rules_only_messages_count() -> None:
    other = with_lines(named(STUCK, "other"), "holdout: 100%")
    assert passes("{0s: {opens: knowledge_base}}", "{1m: {invite: stuck}}", STUCK, other)


# --- taking away ------------------------------------------------------------------------------------------------------


def missed(text: str, *rules: str) -> list[str]:
    found = rule_set(*rules)
    return [mutant.what for mutant in survivors(ready(found), load(dedent(text), found))[1]]


def test_a_clause_that_no_test_would_miss_is_told() -> None:
    text = """
        tests:
          - name: only that it comes
            given: {0s: {opens: knowledge_base}}
            expect: {10m: {invite: stuck}}
    """
    assert missed(text, STUCK) == [
        "without 'on_page: {type: knowledge_base, for: 45s}'",
        "'on_page: {type: knowledge_base, for: 45s}' without 'type'",
        "'on_page: {type: knowledge_base, for: 45s}' without 'for'",
        "without 'once_per'",
    ]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("priority: 5", "with 'priority' turned round"),
        ("limits: 3 per 7d", "'limits' without 'messages'"),
        ("limits: {messages: 3 per 7d, invitations: 1 per 1d}", "'limits' without 'invitations'"),
        ("active: {from: 2026-01-01}", "without 'active'"),
        ("holdout: 10%", "without 'holdout'"),
    ],
)
def test_settings_of_the_rule_are_taken_away_too(line: str, what: str) -> None:
    text = "tests: [{name: it, given: {0s: {opens: knowledge_base}}, expect: {45s: {invite: stuck}}}]"
    assert what in missed(text, with_lines(STUCK, line))


def test_waits_and_until_are_taken_away_where_steps_follow() -> None:
    text = "tests: [{name: it, rule: sequence, given: {0s: page_hidden}, expect: {1m: nothing}}]"
    found = missed(text, SEQUENCE)
    assert "without the 'wait' of step 2" in found
    assert "without the 'email' of step 1" in found
    assert "without the 'email' of step 3" in found
    assert "'until' without 'ordered'" in found


VARIANTS = """
name: two-ways
when:
  - cart_abandoned: 1h
  - any: [{all: [can_email, {not: chatting}]}, {cart: {total: ">= 500"}}]
variants:
  twice: {share: 50%, then: [{email: cart-reminder}, {wait: 1d}, {email: cart-reminder}]}
  once: {share: 50%, then: [{wait: 2h}, {email: cart-reminder}]}
until: [ordered]
once_per: cart
"""


def test_inside_any_all_and_not_each_clause_is_taken_away() -> None:
    text = "tests: [{name: it, rule: two-ways, given: {0s: page_hidden}, expect: {1m: nothing}}]"
    found = missed(text, VARIANTS)
    assert {
        "without 'can_email'",
        "without 'not: chatting'",
        "without 'all: [can_email, {not: chatting}]'",
        """without 'cart: {total: ">= 500"}'""",
    } <= {*found}


def test_inside_variants_waits_and_messages_are_taken_away() -> None:
    text = "tests: [{name: it, rule: two-ways, given: {0s: page_hidden}, expect: {1m: nothing}}]"
    assert [what for what in missed(text, VARIANTS) if "variant" in what] == [
        "without the 'email' of step 1 in variant 'twice'",
        "without the 'wait' of step 2 in variant 'twice'",
        "without the 'email' of step 3 in variant 'twice'",
        "without the 'wait' of step 1 in variant 'once'",
    ]


def test_a_test_in_each_variant_protects_what_is_in_it() -> None:
    text = """
        tests:
          - name: two mails, a day apart
            rule: two-ways
            in_variant: twice
            given: {0s: [may_be_mailed, {cart: 20.00}, leaves]}
            expect: {59m: nothing, 1h: email, 24h: nothing, 25h: email, 9d: nothing}
          - name: one mail, two hours later
            rule: two-ways
            in_variant: once
            given: {0s: [may_be_mailed, {cart: 20.00}, leaves]}
            expect: {2h: {fired: two-ways}, 179m: nothing, 3h: email, 9d: nothing}
    """
    assert [what for what in missed(text, VARIANTS) if "variant" in what] == []


@pytest.mark.parametrize(
    ("about", "told"),
    [
        ("rule: two-ways, in_variant: twise", "'two-ways' has no variant 'twise' (did you mean 'twice'?)"),
        ("rule: stuck, in_variant: twice", "'in_variant' needs a rule with variants: name it with rule"),
        ("in_variant: twice", "'in_variant' needs a rule with variants: name it with rule"),
    ],
)
def test_a_variant_that_is_not_there_is_a_mistake_in_the_test(about: str, told: str) -> None:
    text = f"tests: [{{name: it, {about}, given: {{0s: page_hidden}}, expect: {{1m: nothing}}}}]"
    with pytest.raises(RuleFileError) as refused:
        load(text, rule_set(VARIANTS, STUCK))
    assert told in refused.value.problems[0]


def test_of_a_group_the_rule_s_own_place_in_it_is_taken_away() -> None:
    text = "tests: [{name: it, rule: stuck, given: {0s: page_hidden}, expect: {1m: nothing}}]"
    grouped = [with_lines(named(STUCK, name), "group: help") for name in ("stuck", "other")]
    assert "without 'group'" in missed(text, *grouped)
    assert "without 'group'" not in missed(text, grouped[0]), "alone in its group it waits for nobody"


@pytest.mark.parametrize(("switch", "held"), [("off", "not_active"), ("shadow", "shadow")])
def test_of_a_rule_that_is_silent_the_clauses_and_the_switch_are_taken_away(switch: str, held: str) -> None:
    silent = with_lines(STUCK, f"{switch}: true", "priority: 5", "holdout: 10%")
    text = f"""
        tests:
          - name: it would speak
            rule: stuck
            given: {{0s: {{opens: knowledge_base}}, 2m: {{opens: knowledge_base}}, 4m: {{opens: product}}}}
            expect: {{44s: nothing, 45s: {{held: {held}}}, 10m: nothing}}
          - name: and to nobody else
            rule: stuck
            given: {{0s: {{opens: product}}}}
            expect: {{10m: nothing}}
    """
    assert missed(text, silent) == []
