"""Files of rule tests: what they may say, and what is said about those that cannot be used."""

from __future__ import annotations

from textwrap import dedent

import pytest

from engine.clock import MINUTE, SECOND
from engine.errors import RuleFileError
from engine.rehearsal.script import Script, load
from tests.builders import LEFT, STUCK, rule_set

RULES = rule_set(STUCK, LEFT)


def read(text: str) -> tuple[Script, ...]:
    return load(dedent(text), RULES, name="t.yaml")


def problems(text: str) -> str:
    with pytest.raises(RuleFileError) as refused:
        read(text)
    return "\n".join(refused.value.problems)


def test_a_test_is_read_with_its_moments() -> None:
    (script,) = read("""
        tests:
          - name: a reader
            rule: stuck
            given:
              0s: {opens: knowledge_base}
              30s: [page_hidden, leaves]
            expect:
              2m10s: nothing
              3m: {invite: stuck}
    """)
    assert [(at, len(happenings)) for at, happenings in script.given] == [(0, 1), (30 * SECOND, 2)]
    assert [(each.at, [thing.what for thing in each.things]) for each in script.expect] == [
        (130 * SECOND, []),
        (3 * MINUTE, ["invite"]),
    ]


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_an_empty_file_would_only_seem_to_protect(text: str) -> None:
    assert "the file is empty" in problems(text)


@pytest.mark.parametrize("tests", ["tests:", "tests: []"])
def test_a_file_without_tests_is_refused(tests: str) -> None:
    assert "without any would only seem to protect" in problems(tests)


@pytest.mark.parametrize("expect", ["", "    expect: {}\n", "    expect: {1m: []}\n"])
def test_a_test_that_asserts_nothing_is_refused(expect: str) -> None:
    with pytest.raises(RuleFileError) as refused:
        load(f"tests:\n  - name: idle\n    given: {{0s: {{opens: faq}}}}\n{expect}", RULES)
    assert "expect" in refused.value.problems[0]


def test_every_mistake_is_told_at_once_with_its_place_and_the_word_that_was_meant() -> None:
    told = problems("""
        tests:
          - name: one
            rule: stuk
            given:
              0s: {opns: faq}
              10: page_hidden
            expect:
              1m: {invte: stuck}
          - name: two
            given:
              10s: {page_viewed: {tipe: faq}}
              5s: page_hidden
            expect:
              1m: {held: limt}
    """)
    for sentence in (
        "t.yaml:4:11: there is no rule 'stuk' (did you mean 'stuck'?)\n    rule: stuk\n          ^",
        "t.yaml:6:12: unknown event 'opns' (did you mean 'opens'?)",
        "t.yaml:7:7: '10' has no unit",
        "t.yaml:9:12: unknown expectation 'invte' (did you mean 'invite'?)",
        "t.yaml:12:27: 'tipe' is not known here (did you mean 'type'?)",
        "t.yaml:13:7: 5s does not come after the moment above it",
        "t.yaml:15:18: 'limt' is not known here (did you mean 'limit'?)",
    ):
        assert sentence in told


def test_what_a_door_would_refuse_is_refused_here() -> None:
    told = problems("""
        tests:
          - name: one
            given: {0s: {cart: a lot}}
            expect: {1m: nothing}
    """)
    assert "cart" in told
    assert "must be a number" in told


def test_two_tests_cannot_share_a_name() -> None:
    one = "  - name: one\n    given: {0s: page_hidden}\n    expect: {1m: nothing}\n"
    with pytest.raises(RuleFileError) as refused:
        load(f"tests:\n{one}{one}", RULES)
    assert "stands on line 2" in refused.value.problems[0]


def test_a_silence_needs_a_rule() -> None:
    told = problems("""
        tests:
          - name: one
            given: {0s: page_hidden}
            expect: {1m: {held: limit}}
    """)
    assert "say which rule" in told
